using DChat.Protocol;

namespace DChat.Terminal.Load;

/// <summary>How a client says how far it has read.</summary>
internal sealed partial class LoadClient
{
    private int _nextMarked;
    private volatile bool _isMarking;

    /// <summary>A read mark waits for its answer.</summary>
    public bool IsMarking => _isMarking;

    /// <summary>Marks the next of its rooms read, up to its own last message there. One call at a time: after one that is never answered comes no other.</summary>
    public void MarkRead()
    {
        if (!_isUp || _isMarking || _memberships.Length == 0)
        {
            return;
        }

        var membership = _memberships[_nextMarked++ % _memberships.Length];
        if (membership.OwnSeq == 0)
        {
            return;
        }

        _isMarking = true;
        _run.Marks.CountMade();
        Call(
            HubMethods.MarkRead,
            new MarkReadRequest(membership.Room.Id, membership.OwnSeq),
            ProtocolJson.Wire.MarkReadRequest,
            _ => Marked(failed: false),
            (code, text) =>
            {
                Marked(failed: true);
                if (!ErrorCodes.IsRetryable(code))
                {
                    _run.CountRefusal($"{HubMethods.MarkRead}: {text}");
                }
            });
    }

    private void Marked(bool failed)
    {
        _isMarking = false;
        _run.Marks.CountEnded(failed);
    }

    /// <summary>Notes up to where it may mark a room.</summary>
    private void NoteOwn(int room, long seq)
    {
        foreach (var membership in _memberships)
        {
            if (membership.Room.Index == room)
            {
                membership.OwnSeq = Math.Max(membership.OwnSeq, seq);
            }
        }
    }
}
