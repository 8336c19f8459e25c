using DChat.Core.Messages;
using DChat.Server.Worker.Peers;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker.Calls;

/// <summary>
/// How far users have read. A mark is told to the user's other connections at once and stored a little later, many together:
/// a crash may set it back.
/// </summary>
internal sealed partial class ReadMarks : IAsyncDisposable
{
    /// <summary>How often marks are stored, in milliseconds.</summary>
    private const int StoreMs = 2_000;

    /// <summary>Marks that wait while the store is away; more are forgotten.</summary>
    private const int WaitingMax = 100_000;

    private readonly Lock gate = new();
    private readonly IMessageStore store;
    private readonly RoomRoutes routes;
    private readonly ILogger log;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task loop;
    private Dictionary<(string User, string Room), long> waiting = [];
    private Dictionary<(string User, string Room), long> storing = [];

    public ReadMarks(IMessageStore store, RoomRoutes routes, ILogger<ReadMarks> log)
    {
        this.store = store;
        this.routes = routes;
        this.log = log;
        loop = VitalWork.RunAsync("the storing of read marks", StoreAsync, log);
    }

    /// <summary>Moves a mark forward; one that is there already or further is left where it is, and nobody is told.</summary>
    public async Task MoveAsync(Caller caller, string room, long seq)
    {
        var stored = await store.ReadMarksAsync(caller.Name, [room], CancellationToken.None).ConfigureAwait(false);
        if (stored[0].ReadSeq >= seq)
        {
            return;
        }

        lock (gate)
        {
            var key = (caller.Name, room);
            if (waiting.GetValueOrDefault(key) >= seq || storing.GetValueOrDefault(key) >= seq)
            {
                return;
            }

            if (waiting.Count < WaitingMax)
            {
                waiting[key] = seq;
            }
        }

        caller.User.TellRead(room, seq, except: caller.Connection);
        routes.MarkRead(room, caller.Name, seq);
    }

    /// <summary>Where a user stands in rooms, in the same order, marks that wait included.</summary>
    public async Task<IReadOnlyList<ReadState>> ReadAsync(string user, IReadOnlyList<string> rooms)
    {
        if (HasWaiting(user, rooms))
        {
            await FlushAsync().ConfigureAwait(false);
        }

        return await store.ReadMarksAsync(user, rooms, CancellationToken.None).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        stopping.Dispose();
    }

    private bool HasWaiting(string user, IReadOnlyList<string> rooms)
    {
        lock (gate)
        {
            if (waiting.Count == 0 && storing.Count == 0)
            {
                return false;
            }

            foreach (var room in rooms)
            {
                if (waiting.ContainsKey((user, room)) || storing.ContainsKey((user, room)))
                {
                    return true;
                }
            }

            return false;
        }
    }

    private async Task StoreAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(StoreMs));
        var running = true;
        while (running)
        {
            try
            {
                running = await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                running = false; // Store what waits, then stop.
            }

            try
            {
                await FlushAsync().ConfigureAwait(false);
            }
            catch (MessageStoreUnavailableException exception)
            {
                NotStored(log, exception.Message);
            }
        }
    }

    private readonly SemaphoreSlim flushing = new(1);

    private async Task FlushAsync()
    {
        await flushing.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            var marks = Take();
            if (marks.Count > 0)
            {
                await store.WriteMarksAsync(marks, CancellationToken.None).ConfigureAwait(false);
            }

            lock (gate)
            {
                storing = [];
            }
        }
        catch
        {
            PutBack();
            throw;
        }
        finally
        {
            flushing.Release();
        }
    }

    private List<ReadMark> Take()
    {
        lock (gate)
        {
            (storing, waiting) = (waiting, []);
            var marks = new List<ReadMark>(storing.Count);
            foreach (var ((user, room), seq) in storing)
            {
                marks.Add(new ReadMark(user, room, seq));
            }

            return marks;
        }
    }

    private void PutBack()
    {
        lock (gate)
        {
            foreach (var (key, seq) in storing)
            {
                waiting.TryAdd(key, seq);
            }

            storing = [];
        }
    }

    [LoggerMessage(2201, LogLevel.Warning, "read marks could not be stored and wait: {Why}")]
    private static partial void NotStored(ILogger log, string why);
}
