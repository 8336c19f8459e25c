using DChat.Terminal.Load.Checking;

namespace DChat.Terminal.Load;

/// <summary>
/// An <c>events</c> record that was taken apart and checked once. Every member of a room is sent the same bytes, so when another
/// connection receives exactly these, what they say is known already.
/// </summary>
internal sealed class KnownRecord
{
    /// <param name="bytes">With the separator.</param>
    /// <param name="sentTicks">When each message was due; 0 for one that the run did not send.</param>
    public KnownRecord(byte[] bytes, IReadOnlyList<MessageFacts> events, long[] sentTicks)
    {
        Bytes = bytes;
        SentTicks = sentTicks;
        Revs = [.. events.Select(each => each.Rev)];
        IsContiguous = Revs.Length > 0 && Revs[^1] - Revs[0] == Revs.Length - 1 && Revs.Zip(Revs.Skip(1)).All(pair => pair.Second == pair.First + 1);
    }

    public byte[] Bytes { get; }

    public long[] Revs { get; }

    public long[] SentTicks { get; }

    public long FirstRev => Revs[0];

    public long LastRev => Revs[^1];

    /// <summary>Whether each revision follows the one before it.</summary>
    public bool IsContiguous { get; }
}

/// <summary>The latest known records of one room, found by their first revision. Bounded: a newer one takes the place of an older.</summary>
internal sealed class KnownRecords(int slots)
{
    private readonly KnownRecord?[] _slots = new KnownRecord?[slots];

    public KnownRecord? Find(long firstRev)
    {
        var known = Volatile.Read(ref _slots[SlotOf(firstRev)]);
        return known?.FirstRev == firstRev ? known : null;
    }

    public void Keep(KnownRecord known) => Volatile.Write(ref _slots[SlotOf(known.FirstRev)], known);

    private int SlotOf(long firstRev) => (int)((ulong)firstRev % (ulong)_slots.Length);
}
