using DChat.Client;
using DChat.Client.Connections;
using DChat.Client.Outbox;
using DChat.Client.Timelines;
using DChat.Terminal.Invocation;

namespace DChat.Terminal.Ui;

/// <summary>A signed-in account while the screen shows it: its client, what it tells, and what is kept of it on disk.</summary>
internal sealed class Account : IAsyncDisposable
{
    /// <summary>Messages of each room in memory, unless one scrolls back: 50 rooms stay far below 150 MB.</summary>
    private const int WindowMax = 400;

    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Somebody waits at the screen.</summary>
    private static readonly TimeSpan ReconnectLongest = TimeSpan.FromSeconds(6);

    private readonly FileOutboxStore outbox;
    private readonly CancellationTokenSource stop = new();
    private readonly MemoryFile memory;
    private readonly Task pumping;

    /// <param name="problem">Told when drafts cannot be kept.</param>
    public Account(SavedSessions sessions, string server, string user, TimeProvider time, Action wake, Action<string> problem)
    {
        (Server, User) = (server, user);
        outbox = new FileOutboxStore(sessions.PathFor("outbox", server, user));
        memory = new MemoryFile(MemoryPath(sessions, server, user), problem);
        Client = new ChatClient(new ChatClientOptions
        {
            Servers = ServerAddresses.Parse(server),
            SessionStore = sessions.Store(server, user),
            OutboxStore = outbox,
            ConnectPatience = Timeout.InfiniteTimeSpan,
            CallTimeout = CallTimeout,
            ReconnectLongest = ReconnectLongest,
            Timeline = new TimelineOptions { WindowMax = WindowMax },
            Time = time,
        });
        Feed = new SdkFeed(Client, user, wake);
        pumping = Feed.PumpAsync(Client.Events(), stop.Token);
    }

    public string Server { get; }

    public string User { get; }

    public ChatClient Client { get; }

    public SdkFeed Feed { get; }

    public static string MemoryPath(SavedSessions sessions, string server, string user) => sessions.PathFor("screen", server, user) + ".json";

    public Memory LoadMemory() => memory.Load();

    public void Keep(Memory now) => memory.Keep(now);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Client.DisposeAsync();
        await ((Task)pumping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        outbox.Dispose();
        await memory.DisposeAsync();
        stop.Dispose();
    }
}

/// <summary>Writes the latest memory, one write at a time; what is overtaken while one runs is left out.</summary>
/// <param name="failed">Told why a write failed, once for each reason.</param>
internal sealed class MemoryFile(string path, Action<string> failed) : IAsyncDisposable
{
    private readonly Lock gate = new();
    private Memory? wanted;
    private Task writing = Task.CompletedTask;
    private string? told;

    public Memory Load() => Memory.Load(path);

    public void Keep(Memory now)
    {
        lock (gate)
        {
            var isIdle = wanted is null;
            wanted = now;
            if (isIdle)
            {
                writing = Task.Run(WriteAll);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (gate)
        {
            last = writing;
        }

        await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void WriteAll()
    {
        Memory? written = null;
        while (true)
        {
            Memory next;
            lock (gate)
            {
                if (ReferenceEquals(written, wanted))
                {
                    wanted = null;
                    return;
                }

                next = wanted!;
            }

            try
            {
                next.Save(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A full disk must not end the chat: the next change tries again.
                if (told != e.Message)
                {
                    told = e.Message;
                    failed($"What you type is not kept on disk: {e.Message}");
                }
            }

            written = next;
        }
    }
}
