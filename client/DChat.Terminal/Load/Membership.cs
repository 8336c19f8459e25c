using DChat.Terminal.Load.Checking;
using DChat.Terminal.Load.Wire;

namespace DChat.Terminal.Load;

/// <summary>One client in one room: its view, and whether it is following live or still being told what it missed.</summary>
internal sealed class Membership(LoadRoom room, int client, LoadRun run)
{
    /// <summary>Records held while catching up; a client that is sent more of them is cut off, as a person's client would be.</summary>
    private const int HeldMax = 100_000;

    private readonly List<KnownRecord> _held = [];
    private RoomView? _view;
    private int _pagesAwaited;
    private volatile bool _isLive;

    public LoadRoom Room => room;

    /// <summary>Null until the server told where the view begins.</summary>
    public RoomView? View => _view;

    /// <summary>Whether live events follow directly on what was seen.</summary>
    public bool IsLive => _isLive;

    /// <summary>At which revision the next record probably begins.</summary>
    public long NextRev { get; private set; }

    /// <summary>Of the client's own last acknowledged message, where it sets read marks; else 0.</summary>
    public long OwnSeq { get; set; }

    /// <summary>The last revision seen; null before the first <c>sync</c>.</summary>
    public long? LastRev => _view?.LastRev;

    /// <summary>Answers to come that tell what was missed. Only the last of them says from where on live events are whole.</summary>
    public int PagesAwaited => _pagesAwaited;

    /// <summary>A page was asked for: from now on what arrives is held until <see cref="CatchUp"/> has it.</summary>
    public void AwaitPage()
    {
        _pagesAwaited++;
        _isLive = false;
    }

    /// <summary>A page that was asked for does not come; another will be asked for.</summary>
    public void PageFailed() => _pagesAwaited--;

    /// <summary>A new connection: nothing that the last one was sent counts any more.</summary>
    public void ConnectionLost()
    {
        _isLive = false;
        _pagesAwaited = 0;
        _held.Clear();
    }

    /// <summary>The server told where the room stands; false when there is another page to ask for.</summary>
    public bool CatchUp(SyncedRoom page)
    {
        _pagesAwaited--;
        if (_view is null || page.Reset)
        {
            StartAt(page);
        }
        else
        {
            foreach (var facts in page.Messages)
            {
                if (facts.Rev > _view.LastRev)
                {
                    room.Order!.Observe(facts);
                    _view.Advance(facts.Rev, facts.Rev, 1);
                }
            }

            if (page.More)
            {
                return false;
            }

            _view.EndOfPage(page.Rev);
        }

        if (_pagesAwaited == 0)
        {
            GoLive();
        }

        return true;
    }

    /// <summary>A record of the room arrived.</summary>
    public void Deliver(KnownRecord known, LoadMeter.Recorder recorder, long now)
    {
        NextRev = known.LastRev + 1;
        if (!_isLive)
        {
            if (_held.Count >= HeldMax)
            {
                throw new InvalidDataException($"more than {HeldMax} records arrived before the page that they follow");
            }

            _held.Add(known);
        }
        else
        {
            Show(known);
            run.Observer?.Shown(client, room.Index, now);
        }

        recorder.Delivered(known.SentTicks, now);
    }

    public override string ToString() =>
        $"client {client} in room {room.Id}: {(_isLive ? "live" : "catching up")} at rev {_view?.LastRev} of {room.Order?.LastRev}, {_pagesAwaited} pages awaited, {_held.Count} records held";

    private void StartAt(SyncedRoom page)
    {
        if (_view is null)
        {
            _view = run.AddView(room.OrderFrom(page.Rev), client);
        }
        else
        {
            run.CountReset();
        }

        _view.Start(page.Rev);
    }

    /// <summary>Shows what was held: what the pages held already is not shown twice.</summary>
    private void GoLive()
    {
        foreach (var known in _held)
        {
            if (known.LastRev <= _view!.LastRev)
            {
                continue;
            }

            if (known.FirstRev > _view.LastRev)
            {
                Show(known);
                continue;
            }

            foreach (var rev in known.Revs.Where(rev => rev > _view.LastRev))
            {
                _view.Advance(rev, rev, 1);
            }
        }

        _held.Clear();
        NextRev = _view!.LastRev + 1;
        _isLive = true;
        run.Observer?.Shown(client, room.Index, LoadRun.Now);
    }

    private void Show(KnownRecord known)
    {
        if (known.IsContiguous)
        {
            _view!.Advance(known.FirstRev, known.LastRev, known.Revs.Length);
            return;
        }

        foreach (var rev in known.Revs)
        {
            _view!.Advance(rev, rev, 1);
        }
    }
}
