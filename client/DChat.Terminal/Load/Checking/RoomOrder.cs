namespace DChat.Terminal.Load.Checking;

/// <summary>
/// The one order of a room's messages after a base revision, as whoever was shown a revision first saw it.
/// Everybody who sees it later must see the same.
/// </summary>
internal sealed class RoomOrder(int index, string name, long baseRev, Findings findings)
{
    /// <summary>A revision further ahead than this is taken for nonsense, not for a hole, so that nonsense costs no memory.</summary>
    public const int AheadMax = 4_000_000;

    private readonly ChunkedList<Entry> _entries = new();
    private readonly Lock _gate = new();

    internal struct Entry
    {
        public long Seq;
        public ulong Digest;
        public int Sender;
        public int Number;
        public bool Known;
        public bool InHistory;
    }

    public int Index => index;

    public string Name => name;

    /// <summary>The revision before the first that the run looks at.</summary>
    public long BaseRev => baseRev;

    /// <summary>The highest revision that anybody was shown.</summary>
    public long LastRev => baseRev + _entries.Count;

    /// <summary>Whether the room was read back in whole through its history.</summary>
    public bool HistoryRead { get; private set; }

    public ref readonly Entry At(long rev) => ref _entries[(int)(rev - baseRev - 1)];

    /// <summary>Somebody was shown this message at its revision.</summary>
    public void Observe(in MessageFacts facts)
    {
        lock (_gate)
        {
            if (Find(facts) is { } entry)
            {
                Agree(ref _entries[entry], facts, "another client");
            }
        }
    }

    /// <summary>The room's history holds this message.</summary>
    public void ObserveInHistory(in MessageFacts facts)
    {
        lock (_gate)
        {
            HistoryRead = true;
            if (Find(facts) is not { } at)
            {
                return;
            }

            ref var entry = ref _entries[at];
            Agree(ref entry, facts, "the history");
            if (entry.InHistory)
            {
                findings.Add(Finding.Doubled, $"room {name}: the history holds rev {facts.Rev} twice");
            }

            entry.InHistory = true;
        }
    }

    /// <summary>The history was read, even if it was empty.</summary>
    public void HistoryWasRead() => HistoryRead = true;

    private int? Find(in MessageFacts facts)
    {
        if (facts.Rev <= baseRev)
        {
            return null;
        }

        if (facts.Rev > LastRev + AheadMax)
        {
            findings.Add(Finding.Phantom, $"room {name}: rev {facts.Rev} is far beyond {LastRev}");
            return null;
        }

        var at = (int)(facts.Rev - baseRev - 1);
        _entries.Grow(at + 1);
        return at;
    }

    private void Agree(ref Entry entry, in MessageFacts facts, string other)
    {
        if (!entry.Known)
        {
            entry = entry with { Known = true, Seq = facts.Seq, Digest = facts.Digest, Sender = facts.Sender, Number = facts.Number };
        }
        else if (entry.Seq != facts.Seq || entry.Digest != facts.Digest)
        {
            findings.Add(Finding.Differing, $"room {name}: at rev {facts.Rev} one client saw {Describe(entry.Sender, entry.Number, entry.Seq)}, {other} {Describe(facts.Sender, facts.Number, facts.Seq)}");
        }
    }

    public static string Describe(int sender, int number, long seq) => sender switch
    {
        MessageFacts.System => $"a system message (seq {seq})",
        MessageFacts.Stranger => $"a message that nobody sent (seq {seq})",
        _ => $"send {number} of sender {sender} (seq {seq})",
    };
}
