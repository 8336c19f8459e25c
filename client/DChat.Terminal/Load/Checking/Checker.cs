namespace DChat.Terminal.Load.Checking;

/// <summary>
/// Compares what was sent and acknowledged with what every client was shown. Pure: no network, no clock.
/// While the run lasts it is fed by <see cref="SendLog"/>, <see cref="RoomOrder"/> and <see cref="RoomView"/>;
/// <see cref="Conclude"/> then judges the whole.
/// </summary>
/// <param name="ordered">False for a server that promises no order (the bare hub): then only loss, doubles and phantoms are looked for.</param>
internal sealed class Checker(bool ordered = true)
{
    private readonly Findings _findings = new();
    private readonly List<SendLog> _senders = [];
    private readonly List<RoomOrder> _rooms = [];
    private readonly List<RoomView> _views = [];

    /// <summary>Findings so far; <see cref="Conclude"/> adds those that only the end shows.</summary>
    public long FindingsSoFar => _findings.Total;

    public string? FirstFinding => _findings.First;

    public IReadOnlyList<RoomOrder> Rooms => _rooms;

    public IReadOnlyList<RoomView> Views => _views;

    public SendLog AddSender()
    {
        var log = new SendLog();
        _senders.Add(log);
        return log;
    }

    /// <param name="index">By which <see cref="Send.Room"/> names it.</param>
    public RoomOrder AddRoom(int index, string name, long baseRev)
    {
        var room = new RoomOrder(index, name, baseRev, _findings);
        _rooms.Add(room);
        return room;
    }

    public RoomView AddView(RoomOrder room, int client)
    {
        var view = new RoomView(room, client, ordered, _findings);
        _views.Add(view);
        return view;
    }

    /// <summary>To be called once, when nothing moves any more.</summary>
    public Verdict Conclude()
    {
        var shown = _senders.Select(sender => new bool[sender.Count]).ToArray();
        foreach (var room in _rooms)
        {
            ConcludeRoom(room, shown);
        }

        ConcludeAcknowledged(shown);
        foreach (var view in _views)
        {
            view.Conclude();
        }

        return _findings.ToVerdict();
    }

    private void ConcludeRoom(RoomOrder room, bool[][] shown)
    {
        var lastNumber = new Dictionary<int, int>();
        long? lastSeq = null;
        for (var rev = room.BaseRev + 1; rev <= room.LastRev; rev++)
        {
            ref readonly var entry = ref room.At(rev);
            if (!entry.Known)
            {
                _findings.Add(Finding.Holes, $"room {room.Name}: nobody was ever shown rev {rev}");
                lastSeq = lastSeq + 1;
                continue;
            }

            if (ordered && lastSeq is { } before && entry.Seq != before + 1)
            {
                _findings.Add(Finding.Holes, $"room {room.Name}: seq {entry.Seq} at rev {rev} follows seq {before}");
            }

            lastSeq = entry.Seq;
            ConcludeEntry(room, rev, entry, shown, lastNumber);
        }
    }

    private void ConcludeEntry(RoomOrder room, long rev, in RoomOrder.Entry entry, bool[][] shown, Dictionary<int, int> lastNumber)
    {
        var what = RoomOrder.Describe(entry.Sender, entry.Number, entry.Seq);
        if (entry.Sender == MessageFacts.System)
        {
            return;
        }

        if (entry.Sender < 0 || entry.Sender >= _senders.Count || entry.Number < 0 || entry.Number >= _senders[entry.Sender].Count)
        {
            _findings.Add(Finding.Phantom, $"room {room.Name}, rev {rev}: {what} was never sent so");
            return;
        }

        ref var send = ref _senders[entry.Sender][entry.Number];
        ConcludeSend(room, rev, entry, send, what);
        if (shown[entry.Sender][entry.Number])
        {
            _findings.Add(Finding.Doubled, $"room {room.Name}, rev {rev}: {what} stands there a second time");
        }

        shown[entry.Sender][entry.Number] = true;
        if (!ordered || send.CalledAgain)
        {
            return;
        }

        if (lastNumber.TryGetValue(entry.Sender, out var last) && entry.Number < last)
        {
            _findings.Add(Finding.OutOfOrder, $"room {room.Name}, rev {rev}: {what} stands behind its later send {last}");
            return;
        }

        lastNumber[entry.Sender] = entry.Number;
    }

    private void ConcludeSend(RoomOrder room, long rev, in RoomOrder.Entry entry, in Send send, string what)
    {
        if (send.Room != room.Index)
        {
            _findings.Add(Finding.Phantom, $"room {room.Name}, rev {rev}: {what} was sent to another room");
        }

        if (send.State == SendState.Refused)
        {
            _findings.Add(Finding.Phantom, $"room {room.Name}, rev {rev}: {what} was refused, and is shown");
        }

        if (ordered && send.State == SendState.Acknowledged && (send.Seq != entry.Seq || send.Rev != rev))
        {
            _findings.Add(Finding.Differing, $"room {room.Name}, rev {rev}: {what} was acknowledged as seq {send.Seq}, rev {send.Rev}");
        }

        if (room.HistoryRead && !entry.InHistory)
        {
            var acknowledged = send.State == SendState.Acknowledged;
            _findings.Add(
                acknowledged ? Finding.Missing : Finding.Phantom,
                $"room {room.Name}, rev {rev}: {what} was {(acknowledged ? "acknowledged" : "shown")}, and the history does not hold it");
        }
    }

    private void ConcludeAcknowledged(bool[][] shown)
    {
        for (var sender = 0; sender < _senders.Count; sender++)
        {
            for (var number = 0; number < _senders[sender].Count; number++)
            {
                ref var send = ref _senders[sender][number];
                if (send.State == SendState.Acknowledged && !shown[sender][number])
                {
                    _findings.Add(
                        Finding.Missing,
                        $"room {NameOf(send.Room)}: send {number} of sender {sender} was acknowledged as seq {send.Seq}, and nobody was ever shown it");
                }
            }
        }
    }

    private string NameOf(int index) => _rooms.Find(room => room.Index == index)?.Name ?? $"number {index}";
}
