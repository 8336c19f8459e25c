using System.Collections.Immutable;
using DChat.Client;
using DChat.Client.Connections;
using DChat.Client.Sessions;
using DChat.Protocol;
using DChat.Terminal.Invocation;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The effects of the start screen: who answers at an address, and signing in there.</summary>
internal sealed class SignIns(SavedSessions sessions, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    public StartForm Form(string? server = null, string? user = null, string? problem = null)
    {
        var (address, name) = sessions.Resolve(server, user);
        ImmutableArray<KnownSession> known = [.. sessions.Known().Select(k => new KnownSession(k.Server, k.User))];
        return StartForm.Of(Shown(address), name, known, problem);
    }

    /// <summary>The address as it is kept, and the account that was used there last.</summary>
    public (string Server, string? User) Resolve(string? server, string? user) => sessions.Resolve(server, user);

    public async Task<bool> HasSessionAsync(string server, string user, CancellationToken cancel) => await sessions.Store(server, user).LoadAsync(cancel) is not null;

    public async Task<UiEvent> ProbeAsync(string typed, CancellationToken cancel)
    {
        try
        {
            var (server, _) = sessions.Resolve(typed, null);
            await using var client = Client(server, new MemorySessionStore());
            var info = await client.Account.InfoAsync(cancel);
            var says = $"D-Chat {SafeText.Clean(info.Version)} at {Shown(server)}" + info.Registration switch
            {
                "closed" => ". New accounts are made by its administrators only.",
                "invite" => ". A new account needs an invitation.",
                _ => ".",
            };
            return new UiEvent.ServerProbed(typed, Problems.OfVersion(info, server), says, info.Registration == "invite");
        }
        catch (Exception e) when (e is ChatException or UsageException or HttpRequestException)
        {
            return new UiEvent.ServerProbed(typed, Explain(e, typed), null, false);
        }
    }

    /// <summary>Signs in or registers, and keeps the session.</summary>
    /// <returns>The server as it is kept and the account, or what went wrong.</returns>
    public async Task<(string Server, string User, string? Problem)> SignInAsync(Effect.SignIn wanted, CancellationToken cancel)
    {
        try
        {
            var (server, _) = sessions.Resolve(wanted.Server, wanted.User);
            var store = new MemorySessionStore();
            await using var client = Client(server, store);
            if (Problems.OfVersion(await client.Account.InfoAsync(cancel), server) is { } mismatch)
            {
                return (server, wanted.User, mismatch);
            }

            await (wanted.Register
                ? client.Account.RegisterAsync(wanted.User, wanted.Password, wanted.DisplayName, wanted.Invitation, cancel)
                : client.Account.LoginAsync(wanted.User, wanted.Password, cancel));
            var session = (await store.LoadAsync(cancel))!;
            await sessions.Store(server, session.User).UpdateAsync((_, _) => Task.FromResult<Session?>(session), cancel);
            sessions.Remember(server, session.User);
            return (server, session.User, null);
        }
        catch (ChatException e) when (e.Code == ErrorCodes.BadCredentials)
        {
            return (wanted.Server, wanted.User, "Name and password do not fit. If you are new here, make an account.");
        }
        catch (Exception e) when (e is ChatException or UsageException or HttpRequestException or IOException)
        {
            return (wanted.Server, wanted.User, Explain(e, wanted.Server));
        }
    }

    public void Remember(string server, string user) => sessions.Remember(server, user);

    public void Forget(string server, string user) => sessions.Forget(server, user);

    private ChatClient Client(string server, ISessionStore store) => new(new ChatClientOptions
    {
        Servers = ServerAddresses.Parse(server),
        SessionStore = store,
        FollowAllRooms = false,
        CallTimeout = Patience,
        Time = time,
    });

    private static string Explain(Exception e, string server) =>
        e is UsageException ? SafeText.Clean(e.Message.Replace("--server: ", "", StringComparison.Ordinal)) : Problems.Of(e, Shown(server));

    private static string Shown(string server) => server.TrimEnd('/');
}
