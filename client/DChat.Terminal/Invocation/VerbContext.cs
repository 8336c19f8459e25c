using System.CommandLine;
using DChat.Client;
using DChat.Client.Connections;
using DChat.Client.Sessions;
using DChat.Protocol;
using DChat.Terminal.Output;

namespace DChat.Terminal.Invocation;

/// <summary>What a verb needs: the parsed command line, where to print, and the server and account that are meant.</summary>
internal sealed class VerbContext
{
    /// <summary>How long a verb goes on when no server answers: enough for a second try, not for a restart.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>After so long a person who waits is told what for.</summary>
    private static readonly TimeSpan SayAfter = TimeSpan.FromSeconds(3);

    private readonly SavedSessions sessions;

    public VerbContext(ParseResult parsed, Printer print, SavedSessions sessions)
    {
        Parsed = parsed;
        Print = print;
        this.sessions = sessions;
        (Server, User) = sessions.Resolve(
            parsed.GetValue(GlobalOptions.Server) ?? NonEmpty("DCHAT_SERVER"),
            parsed.GetValue(GlobalOptions.User) ?? NonEmpty("DCHAT_USER"));
    }

    public ParseResult Parsed { get; }

    public Printer Print { get; }

    public string Server { get; }

    /// <summary>Null where nobody is named and nobody signed in before.</summary>
    public string? User { get; }

    /// <summary>A client of the account that is meant, not connected.</summary>
    /// <exception cref="ChatException"><c>not_signed_in</c>.</exception>
    public ChatClient Client(bool followAll = false) => NewClient(sessions.Store(Server, User ?? throw Nobody()), followAll);

    /// <summary>A client whose session is kept nowhere, for signing in.</summary>
    public ChatClient FreshClient(ISessionStore store) => NewClient(store, followAll: false);

    /// <summary>A connected client of the account that is meant.</summary>
    public async Task<ChatClient> ConnectAsync(CancellationToken cancel, bool followAll = false)
    {
        var client = Client(followAll);
        try
        {
            await client.ConnectAsync(cancel);
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for a call that the client repeats until it is answered, and says so where that takes long.</summary>
    public async Task<T> PatientlyAsync<T>(Task<T> call)
    {
        if (await Task.WhenAny(call, Task.Delay(SayAfter, CancellationToken.None)) != call)
        {
            Print.Note("The server cannot do that now; trying again until it can. Ctrl-C gives up; nothing is done twice.");
        }

        return await call;
    }

    /// <summary>Keeps the session of somebody who just signed in, and makes it the one that is meant from now on.</summary>
    public async Task KeepAsync(Session session, CancellationToken cancel)
    {
        await sessions.Store(Server, session.User).UpdateAsync((_, _) => Task.FromResult<Session?>(session), cancel);
        sessions.Remember(Server, session.User);
    }

    public void ForgetUser()
    {
        if (User is not null)
        {
            sessions.Forget(Server, User);
        }
    }

    private ChatClient NewClient(ISessionStore store, bool followAll) => new(new ChatClientOptions
    {
        Servers = ServerAddresses.Parse(Server),
        SessionStore = store,
        FollowAllRooms = followAll,
        // Somebody waits at the prompt. What is lost later is waited for.
        ConnectPatience = Patience,
    });

    private static ChatException Nobody() => new(ErrorCodes.NotSignedIn, "Nobody is signed in.");

    private static string? NonEmpty(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;
}
