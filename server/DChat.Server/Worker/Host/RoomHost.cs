using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Observability;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker.Host;

/// <summary>
/// The rooms of which this worker is the host. Changes are queued here in order of arrival and written by the
/// <see cref="CommitLoop"/>; rooms open at their first use, many at once.
/// </summary>
internal sealed partial class RoomHost : IAsyncDisposable
{
    /// <summary>How long a change may wait for its commit before its caller is answered <c>unavailable</c>, in milliseconds.</summary>
    public const int HoldMs = 10_000;

    /// <summary>Changes that wait in one room; more are answered <c>unavailable</c>.</summary>
    public const int WaitingMax = 20_000;

    /// <summary>Rooms opened by one statement.</summary>
    private const int OpenAtOnceMax = 2_000;

    /// <summary>Rooms of which it is read at once who sent lately, for slow mode.</summary>
    private const int OpenSlowedAtOnce = 4;

    /// <summary>How often rooms are opened again whose store was away, in milliseconds.</summary>
    private const int ReopenMs = 1_000;

    /// <summary>A room that nobody needed for so long is closed, in milliseconds.</summary>
    private const int IdleMs = 300_000;

    private readonly ConcurrentDictionary<string, HostedRoom> rooms = new(StringComparer.Ordinal);
    private readonly Channel<HostedRoom> opening = Channel.CreateUnbounded<HostedRoom>(new() { SingleReader = true });
    private readonly Channel<(HostedRoom Room, RoomOpening Opening)> slowed = Channel.CreateUnbounded<(HostedRoom, RoomOpening)>(new() { SingleReader = true });
    private readonly ConcurrentDictionary<HostedRoom, byte> interrupted = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly IMessageStore store;
    private readonly IRoomAuthority authority;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly CommitLoop commits;
    private readonly SoftState soft;
    private readonly HostLoad load = new();
    private readonly Task[] loops;
    private bool isAwaySaid;
    private long sayAwayNextAt;
    private long roomsLost;

    public RoomHost(IMessageStore store, IRoomAuthority authority, DChatMetrics metrics, TimeProvider time, ILogger<RoomHost> log)
    {
        this.store = store;
        this.authority = authority;
        this.time = time;
        this.log = log;
        commits = new CommitLoop(store, authority, time, Retire, Interrupted, new RoomPublisher(load), new FirstAnswers(store, log, stopping.Token), metrics, log);
        soft = new SoftState(load);
        metrics.ObserveRoomsHosted(() => rooms.Count);
        loops =
        [
            Vital("the commit loop", () => Task.Factory.StartNew(() => commits.RunAsync(stopping.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()),
            Vital("the opening of rooms", OpenLoopAsync),
            Vital("the opening of rooms in slow mode", OpenSlowedLoopAsync),
            Vital("presence and typing", () => soft.RunAsync(stopping.Token)),
            Vital("the closing of idle rooms", SweepAsync),
            Vital("the opening of rooms after trouble", ReopenAsync),
            Vital("the watch over the rooms' epochs", GuardAsync),
            Vital("the measuring of load", () => load.RunAsync(stopping.Token)),
        ];
    }

    /// <summary>How many rooms are open here.</summary>
    public int Count => rooms.Count;

    /// <summary>What the rooms cost, and whose activity changed.</summary>
    public HostLoad Load => load;

    /// <summary>Puts a change into its room's queue, at once: the order of calls is the order of commits.</summary>
    /// <param name="refusal">It is refused already, unless it repeats a change that was made.</param>
    public void Submit(string roomId, RoomChange change, HubError? refusal, IChangeReceiver receiver, in ChangeOrigin origin)
    {
        var room = Enter(roomId, origin.Epoch);
        ChangeOutcome? refused = null;
        if (room is null)
        {
            origin.Flow.Refuse(origin.Attempt);
            refused = NotHere(roomId);
        }
        else
        {
            lock (room.Gate)
            {
                refused = Queue(room, new PendingChange(change, receiver, origin.DeadlineMs, refusal, origin.Flow, origin.Attempt));
            }
        }

        if (refused is { } outcome)
        {
            receiver.Completed(outcome);
        }
        else if (change is PostMessage { Author.Length: > 0 } && refusal is null)
        {
            soft.Stop(room!, change.Author);
        }
    }

    /// <summary>
    /// Puts a change that is refused behind those that wait, so that it gets its answer if it repeats one of them. False where none waits:
    /// then what it may repeat is in the store.
    /// </summary>
    public bool TryQueueRefusal(string roomId, RoomChange change, HubError error, IChangeReceiver receiver)
    {
        if (!rooms.TryGetValue(roomId, out var room))
        {
            return false;
        }

        lock (room.Gate)
        {
            if (room.Phase is not (RoomPhase.Opening or RoomPhase.Open) || room.IsLeaving || room.Waiting.Count >= WaitingMax)
            {
                return false;
            }

            room.Waiting.Enqueue(new PendingChange(change, receiver, long.MaxValue, error));
            Schedule(room);
            return true;
        }
    }

    /// <summary>Retention removed the room's messages that were sent before then: nobody resumes over them from memory.</summary>
    public void Retained(string roomId, long sentBefore)
    {
        if (rooms.TryGetValue(roomId, out var room))
        {
            lock (room.Gate)
            {
                room.Ring.Retain(sentBefore);
            }
        }
    }

    /// <summary>A gateway says how a user stands in a room: online with any of its connections, away with all, or gone.</summary>
    /// <param name="sink">As which the gateway is subscribed.</param>
    public void Announce(string roomId, IRoomSink sink, string user, PresenceState state)
    {
        if (rooms.TryGetValue(roomId, out var room))
        {
            soft.Announce(room, sink, user, state);
        }
    }

    /// <summary>A user has read up to a message: the other gateways at which the user is connected are told.</summary>
    /// <param name="sink">As which the gateway is subscribed that says so.</param>
    public void MarkRead(string roomId, IRoomSink sink, string user, long seq)
    {
        if (rooms.TryGetValue(roomId, out var room))
        {
            lock (room.Gate)
            {
                var seats = room.Presence.SeatsOf(user);
                if (seats.IsEmpty || seats.IsOnly(sink))
                {
                    return;
                }

                foreach (var other in room.Sinks)
                {
                    if (other != sink && seats.Has(other))
                    {
                        other.TellRead(user, seq);
                    }
                }
            }
        }
    }

    /// <summary>A user is no member any more.</summary>
    public void Forget(string roomId, string user)
    {
        if (rooms.TryGetValue(roomId, out var room))
        {
            soft.Forget(room, user);
        }
    }

    public void StartTyping(string roomId, string user)
    {
        if (rooms.TryGetValue(roomId, out var room))
        {
            soft.Start(room, user);
        }
    }

    /// <summary>Who is online in a room, at most <see cref="ProtocolLimits.PresenceNamesMax"/> names as a JSON array, and how many in all.</summary>
    public (ReadOnlyMemory<byte> Names, int Count) OnlineIn(string roomId)
    {
        if (!rooms.TryGetValue(roomId, out var room))
        {
            return ("[]"u8.ToArray(), 0);
        }

        lock (room.Gate)
        {
            if (room.OnlineText is not { } text || text.Version != room.Presence.Version)
            {
                var names = new ArrayBufferWriter<byte>();
                using (var json = new Utf8JsonWriter(names))
                {
                    json.WriteStartArray();
                    foreach (var name in room.Presence.Names.Take(ProtocolLimits.PresenceNamesMax))
                    {
                        json.WriteStringValue(name);
                    }

                    json.WriteEndArray();
                }

                text = (room.Presence.Version, names.WrittenSpan.ToArray());
                room.OnlineText = text;
            }

            return (text.Names, room.Presence.Online);
        }
    }

    public bool IsOnline(string roomId, string user)
    {
        if (!rooms.TryGetValue(roomId, out var room))
        {
            return false;
        }

        lock (room.Gate)
        {
            return room.Presence.Has(user);
        }
    }

    /// <summary>A room is not open here any more, and when its newest message was sent (0: not known). Must be quick.</summary>
    public event Action<string, long>? RoomClosed;

    /// <summary>The activity of all open rooms is told once more: to a leader that knows nothing of what was told before.</summary>
    public void TellActivityAnew()
    {
        foreach (var (_, room) in rooms)
        {
            load.Changed(room);
        }
    }

    /// <summary>How many are online in a room and when its newest message was sent; null where it is not open here.</summary>
    public (int Online, long LastSentAt)? ActivityOf(string roomId)
    {
        if (!rooms.TryGetValue(roomId, out var room))
        {
            return null;
        }

        lock (room.Gate)
        {
            return (room.Presence.Online, room.LastSentAt);
        }
    }

    /// <summary>
    /// Writes the registry's news of a room that is hosted here as system messages. Called for each registry entry, and at once even where
    /// the room must be opened for it: the registry keeps only the latest news of each room.
    /// </summary>
    public void WriteNotices(string roomId)
    {
        if (authority.EpochOf(roomId) is { } epoch && Enter(roomId, epoch) is { } room)
        {
            lock (room.Gate)
            {
                if (room.Phase != RoomPhase.Gone && !room.IsLeaving)
                {
                    AddNotices(room);
                }
            }
        }
    }

    /// <summary>The registry went on by more than an entry: of the rooms that are open here, deleted ones go and the others are told their news.</summary>
    public void CatchUp()
    {
        foreach (var room in rooms.Keys)
        {
            if (authority.Exists(room))
            {
                WriteNotices(room);
            }
            else
            {
                Drop(room);
            }
        }
    }

    /// <summary>The number of the newest message of an open room; null where it is not open here.</summary>
    public long? NewestSeq(string roomId) =>
        rooms.TryGetValue(roomId, out var room) && room.Phase == RoomPhase.Open ? room.Seq : null;

    /// <summary>
    /// Takes a deleted room out of service, changes that wait being answered <c>not_found</c>, and closes it in the store for ever.
    /// Doing so again does nothing.
    /// </summary>
    public Task CloseAsync(string roomId)
    {
        Drop(roomId);
        return store.CloseAsync(roomId, CancellationToken.None);
    }

    /// <summary>Takes a deleted room out of service, changes that wait being answered <c>not_found</c>.</summary>
    public void Drop(string roomId)
    {
        if (rooms.TryGetValue(roomId, out var room))
        {
            Retire(room, Deleted);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        opening.Writer.TryComplete();
        slowed.Writer.TryComplete();
        await Task.WhenAll(loops).ConfigureAwait(false);
        stopping.Dispose();
    }

    private Task Vital(string what, Func<Task> loop) => VitalWork.RunAsync(what, loop, log);

    private static ChangeOutcome Deleted { get; } = ChangeOutcome.Failed(new HubError(ErrorCodes.NotFound, "the room was deleted"));

    private ChangeOutcome NotHere(string room) =>
        authority.Exists(room) ? ChangeOutcome.Moved : ChangeOutcome.Failed(new HubError(ErrorCodes.NotFound, "no such room"));

    /// <summary>The room as it is hosted here under an epoch; null where it is not.</summary>
    private HostedRoom? Enter(string roomId, long epoch)
    {
        while (true)
        {
            var room = rooms.GetOrAdd(roomId, static id => new HostedRoom(id));
            lock (room.Gate)
            {
                if (room.Phase != RoomPhase.Gone)
                {
                    if (room.Epoch == 0)
                    {
                        // Only now that it stands where a change of the registry finds it.
                        room.Epoch = authority.EpochOf(roomId) ?? 0;
                        room.Phase = room.Epoch == 0 ? RoomPhase.Gone : RoomPhase.New;
                    }

                    if (room.Epoch == epoch)
                    {
                        return room;
                    }
                }
            }

            if (room.Phase != RoomPhase.Gone)
            {
                return null;
            }

            rooms.TryRemove(KeyValuePair.Create(roomId, room));
            if (room.Epoch == 0)
            {
                return null;
            }
        }
    }

    /// <summary>Why a change is not taken; null: it is. Under the room's lock.</summary>
    private ChangeOutcome? Queue(HostedRoom room, PendingChange pending)
    {
        if (room.Phase == RoomPhase.Gone || room.IsLeaving || pending.Flow?.Enters(pending.Attempt) == false)
        {
            pending.Refuse();
            return ChangeOutcome.Moved;
        }

        if (room.Waiting.Count >= WaitingMax)
        {
            pending.Refuse(); // It may be on its way once more, and what was sent after it has to stay behind that.
            return ChangeOutcome.Unavailable("too much is waiting in this room; try again");
        }

        room.UsedAt = Environment.TickCount64;
        room.Waiting.Enqueue(pending);
        Schedule(room);
        return null;
    }

    /// <summary>Hears the outcome of system messages: a repeat follows at the room's next opening.</summary>
    private sealed class Unheard : IChangeReceiver
    {
        public static readonly Unheard Instance = new();

        public void Completed(in ChangeOutcome outcome)
        {
            // Nobody waits for it.
        }
    }
}
