using System.Diagnostics;
using DChat.Terminal.Load.Checking;
using DChat.Terminal.Load.Wire;

namespace DChat.Terminal.Load;

/// <summary>What the parts of one run share.</summary>
internal sealed class LoadRun : IDisposable
{
    /// <summary>Memory for known records over all rooms, counted in records of ordinary messages.</summary>
    private const int KnownRecordsMax = 65_536;

    private const int KnownRecordsPerRoomMin = 16;
    private const int KnownRecordsPerRoomMax = 4_096;

    private readonly Lock _gate = new();
    private readonly List<SendLog> _senders = [];
    private long _sends;
    private long _reconnects;
    private long _resyncs;
    private long _resets;
    private long _refusals;
    private long _heldBack;
    private long _repeated;
    private string? _firstRefusal;
    private string? _firstHeldBack;
    private volatile int _window;

    public LoadRun(LoadOptions options)
    {
        Options = options;
        Checker = new Checker(ordered: !options.Bare);
        Content = new SendContent(Guid.NewGuid().ToString("N")[..8], options.BodyBytes, options.Seed);
        Messages = new MessageReader(Content);
        Syncs = new SyncReader(Messages);
        Later = new LaterQueue();
    }

    public LoadOptions Options { get; }

    public Checker Checker { get; }

    public SendContent Content { get; }

    public MessageReader Messages { get; }

    public SyncReader Syncs { get; }

    public LoadMeter Meter { get; } = new();

    public LaterQueue Later { get; }

    public ReadMarkCount Marks { get; } = new();

    public ILoadObserver? Observer { get; set; }

    public IReadOnlyList<LoadRoom> Rooms { get; private set; } = [];

    /// <summary>How many sends a sender that goes as fast as it can keeps unanswered; 0: nobody goes on by itself.</summary>
    public int Window
    {
        get => _window;
        set => _window = value;
    }

    public long Sends => Interlocked.Read(ref _sends);

    public long Reconnects => Interlocked.Read(ref _reconnects);

    public long Resyncs => Interlocked.Read(ref _resyncs);

    public long Resets => Interlocked.Read(ref _resets);

    /// <summary>Sends refused for good.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);

    /// <summary>Calls refused for the moment (<c>rate_limited</c>, <c>unavailable</c>) and called again.</summary>
    public long HeldBack => Interlocked.Read(ref _heldBack);

    /// <summary>Sends whose connection ended before their answer; made again over the next one.</summary>
    public long Repeated => Interlocked.Read(ref _repeated);

    public string? FirstRefusal => _firstRefusal;

    public string? FirstHeldBack => _firstHeldBack;

    public void MakeRooms(IReadOnlyList<(string Id, IReadOnlyList<int> Members)> rooms)
    {
        var records = Math.Clamp(KnownRecordsMax / Math.Max(1, rooms.Count), KnownRecordsPerRoomMin, KnownRecordsPerRoomMax);
        Rooms = [.. rooms.Select((room, index) => new LoadRoom(index, room.Id, room.Members, this, records))];
    }

    public SendLog AddSender()
    {
        lock (_gate)
        {
            var log = Checker.AddSender();
            _senders.Add(log);
            return log;
        }
    }

    /// <summary>The checker numbers rooms as they come; this makes that number the room's own.</summary>
    public RoomOrder AddRoom(LoadRoom room, long baseRev)
    {
        lock (_gate)
        {
            return Checker.AddRoom(room.Index, room.Id, baseRev);
        }
    }

    public RoomView AddView(RoomOrder order, int client)
    {
        lock (_gate)
        {
            return Checker.AddView(order, client);
        }
    }

    /// <summary>When a message was due, 0 where the run did not send it.</summary>
    public long SentTicksOf(in MessageFacts facts) =>
        facts.Sender >= 0 && facts.Sender < _senders.Count && facts.Number < _senders[facts.Sender].Count
            ? _senders[facts.Sender][facts.Number].SentTicks
            : 0;

    /// <summary>Notes that one more is to be sent; false where the run has sent all that it may.</summary>
    public bool CountSend() => Interlocked.Increment(ref _sends) <= LoadOptions.SendsMax;

    public void CountReconnect() => Interlocked.Increment(ref _reconnects);

    public void CountResync() => Interlocked.Increment(ref _resyncs);

    public void CountReset() => Interlocked.Increment(ref _resets);

    public void CountRepeated(int sends) => Interlocked.Add(ref _repeated, sends);

    public void CountHeldBack(string reason)
    {
        Interlocked.Increment(ref _heldBack);
        Interlocked.CompareExchange(ref _firstHeldBack, reason, null);
    }

    public void CountRefusal(string reason)
    {
        Interlocked.Increment(ref _refusals);
        Interlocked.CompareExchange(ref _firstRefusal, reason, null);
    }

    public static long Now => Stopwatch.GetTimestamp();

    public void Dispose() => Meter.Dispose();
}
