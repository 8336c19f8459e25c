namespace DChat.Terminal.Load.Checking;

/// <summary>How far one client has seen one room. Used by one thread at a time.</summary>
/// <param name="ordered">False for a server that promises no order (the bare hub): then messages are only counted.</param>
internal sealed class RoomView(RoomOrder order, int client, bool ordered, Findings findings)
{
    /// <summary>Gaps beyond this number are not remembered; what fills them late is then counted as doubled.</summary>
    private const int GapsMax = 1_000;

    private List<(long From, long To)>? _gaps;
    private long _counted;

    public RoomOrder Order => order;

    /// <summary>Whether the client was told where its view of the room begins.</summary>
    public bool Started { get; private set; }

    /// <summary>The last revision that the client was shown.</summary>
    public long LastRev { get; private set; }

    /// <summary>The client follows the room from <paramref name="rev"/> on.</summary>
    public void Start(long rev)
    {
        Started = true;
        LastRev = rev;
    }

    /// <summary>The client was shown <paramref name="count"/> changes, of which it is known that they are contiguous.</summary>
    public void Advance(long firstRev, long lastRev, int count)
    {
        if (!ordered)
        {
            _counted += count;
        }
        else if (firstRev == LastRev + 1)
        {
            LastRev = lastRev;
        }
        else
        {
            for (var rev = firstRev; rev <= lastRev; rev++)
            {
                Show(rev);
            }
        }
    }

    /// <summary>The server says that there is nothing more up to <paramref name="rev"/>.</summary>
    public void EndOfPage(long rev)
    {
        if (rev > LastRev)
        {
            Skip(LastRev + 1, rev);
            LastRev = rev;
        }
    }

    /// <summary>Whether the client has seen all that anybody has.</summary>
    public bool IsComplete => ordered ? Started && LastRev >= order.LastRev : _counted >= order.LastRev - order.BaseRev;

    /// <summary>At the end: what the client should have seen and has not.</summary>
    public void Conclude()
    {
        if (!ordered)
        {
            ConcludeCounted();
        }
        else if (LastRev < order.LastRev)
        {
            findings.Add(
                Finding.Missing,
                $"room {order.Name}: client {client} was shown nothing after rev {LastRev}, the room ends at {order.LastRev}",
                order.LastRev - LastRev);
        }
    }

    private void ConcludeCounted()
    {
        var expected = order.LastRev - order.BaseRev;
        if (_counted < expected)
        {
            findings.Add(Finding.Missing, $"room {order.Name}: client {client} was shown {_counted} of {expected} messages", expected - _counted);
        }
        else if (_counted > expected)
        {
            findings.Add(Finding.Doubled, $"room {order.Name}: client {client} was shown {_counted} messages where there are {expected}", _counted - expected);
        }
    }

    private void Show(long rev)
    {
        if (rev == LastRev + 1)
        {
            LastRev = rev;
        }
        else if (rev > LastRev)
        {
            Skip(LastRev + 1, rev - 1);
            LastRev = rev;
        }
        else if (FillGap(rev))
        {
            findings.HoleWasFilledLate($"room {order.Name}: client {client} was shown rev {rev} after {LastRev}");
        }
        else
        {
            findings.Add(Finding.Doubled, $"room {order.Name}: client {client} was shown rev {rev} again, after {LastRev}");
        }
    }

    private void Skip(long from, long to)
    {
        findings.Add(Finding.Holes, $"room {order.Name}: client {client} was not shown rev {from} to {to}", to - from + 1);
        _gaps ??= [];
        if (_gaps.Count < GapsMax)
        {
            _gaps.Add((from, to));
        }
    }

    private bool FillGap(long rev)
    {
        var at = _gaps?.FindIndex(gap => gap.From <= rev && rev <= gap.To) ?? -1;
        if (at < 0)
        {
            return false;
        }

        var (from, to) = _gaps![at];
        _gaps.RemoveAt(at);
        if (from < rev)
        {
            _gaps.Add((from, rev - 1));
        }

        if (rev < to)
        {
            _gaps.Add((rev + 1, to));
        }

        return true;
    }
}
