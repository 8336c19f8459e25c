using System.Text;
using DChat.Terminal.Load.Checking;
using DChat.Terminal.Load.Wire;

namespace DChat.Terminal.Load;

/// <summary>A room of the run: its order as the checker knows it, and the records of it that were seen already.</summary>
internal sealed class LoadRoom(int index, string id, IReadOnlyList<int> members, LoadRun run, int knownRecords)
{
    private readonly Lock _gate = new();
    private readonly KnownRecords _known = new(knownRecords);
    private RoomOrder? _order;

    /// <summary>Position among the run's rooms.</summary>
    public int Index => index;

    public string Id => id;

    public byte[] IdUtf8 { get; } = Encoding.UTF8.GetBytes(id);

    /// <summary>Indexes of the clients that are members.</summary>
    public IReadOnlyList<int> Members => members;

    /// <summary>Null until the first client was told where the room stands.</summary>
    public RoomOrder? Order => Volatile.Read(ref _order);

    /// <summary>The room's order, which begins after <paramref name="rev"/> if nobody was told before.</summary>
    public RoomOrder OrderFrom(long rev)
    {
        lock (_gate)
        {
            _order ??= run.AddRoom(this, rev);
            return _order;
        }
    }

    public KnownRecord? FindKnown(long firstRev) => _known.Find(firstRev);

    /// <summary>Takes an <c>events</c> record apart, checks what it shows, and remembers it. Null where it holds no event.</summary>
    /// <param name="record">Without its separator.</param>
    public KnownRecord? Learn(ReadOnlySpan<byte> record, IReadOnlyList<MessageFacts> events)
    {
        if (events.Count == 0 || Order is not { } order)
        {
            return null;
        }

        var sentTicks = new long[events.Count];
        for (var at = 0; at < sentTicks.Length; at++)
        {
            var facts = events[at];
            order.Observe(facts);
            sentTicks[at] = run.SentTicksOf(facts);
        }

        var bytes = new byte[record.Length + 1];
        record.CopyTo(bytes);
        bytes[^1] = RecordStream.Separator;
        var known = new KnownRecord(bytes, events, sentTicks);
        _known.Keep(known);
        return known;
    }
}
