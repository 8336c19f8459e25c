using System.Text.Json;
using DChat.Core.Placement;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Workers;

/// <summary>
/// What this coordinator knows of the workers beside the registry: their links, their latest reports, and when each was last heard.
/// Soft state; a new leader begins with none.
/// </summary>
internal sealed class WorkerWatch(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _workers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RoomActivity> _changed = new(StringComparer.Ordinal);

    /// <summary>Of all rooms of which anything was told in this term: whoever joins is told all of it.</summary>
    private readonly Dictionary<string, RoomActivity> _activity = new(StringComparer.Ordinal);

    /// <summary>Rooms' activity changed: for the worker that shares this process.</summary>
    public event Action<IReadOnlyList<RoomActivity>>? ActivityTold;

    /// <summary>A term begins: what was known from another one counts no more. Only the worker of this process is still here.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            foreach (var (worker, _) in _workers.Where(worker => !worker.Value.IsHere).ToList())
            {
                _workers.Remove(worker);
            }

            _activity.Clear();
            _changed.Clear();
        }
    }

    /// <summary>Workers that the registry does not know any more, and that have no link, are nobody's: groups that grow and shrink would leave one each time.</summary>
    public void Forget(Func<string, bool> isRemoved)
    {
        lock (_lock)
        {
            foreach (var (worker, _) in _workers.Where(worker => worker.Value is { Link: null, IsHere: false } && isRemoved(worker.Key)).ToList())
            {
                _workers.Remove(worker);
            }
        }
    }

    /// <summary>A worker's link is up. One that ended while it was admitted takes the place of none that stands.</summary>
    public void Connected(NodeLink link)
    {
        NodeLink? old;
        lock (_lock)
        {
            var entry = Of(link.Peer);
            if (!link.IsUp && entry.Link is { IsUp: true })
            {
                return;
            }

            old = entry.Link;
            var sameProcess = entry.Peer.Incarnation == link.Peer.Incarnation;
            _workers[link.Peer.Node] = entry with
            {
                Peer = link.Peer,
                Link = link,
                HeardAt = time.GetTimestamp(),
                ClosedAt = null,
                Report = sameProcess ? entry.Report : null,
                Store = sameProcess ? entry.Store : null,
                HasLeft = false,
                IsNew = true,
            };
        }

        if (old is not null && old != link)
        {
            if (old.Peer.Incarnation != link.Peer.Incarnation)
            {
                old.Post(RegistryMethods.Replaced, []);
            }

            old.End("the worker connected anew");
        }
    }

    /// <summary>A room is no more.</summary>
    public void Deleted(string room)
    {
        lock (_lock)
        {
            _activity.Remove(room);
            _changed.Remove(room);
        }
    }

    /// <summary>A room's host died, and whoever was online there: its next one says who is.</summary>
    public void Orphaned(string room)
    {
        lock (_lock)
        {
            if (_activity.TryGetValue(room, out var known) && known.Online > 0)
            {
                _activity[room] = _changed[room] = known with { Online = 0 };
            }
        }
    }

    /// <summary>A worker's link is over; one that was replaced by a newer one is not looked at. One that ended for silence says no more than the silence.</summary>
    public void Disconnected(NodeLink link)
    {
        lock (_lock)
        {
            if (_workers.TryGetValue(link.Peer.Node, out var entry) && entry.Link == link)
            {
                _workers[link.Peer.Node] = entry with { Link = null, ClosedAt = link.PeerWasSilent ? null : time.GetTimestamp() };
            }
        }
    }

    public void Reported(NodeHello worker, WorkerReport report)
    {
        if (!report.IsSane())
        {
            throw new InvalidDataException("a report goes beyond its limits");
        }

        lock (_lock)
        {
            var entry = Of(worker);
            if (entry.Peer.Incarnation == worker.Incarnation)
            {
                _workers[worker.Node] = entry with { Report = report, Store = Told(entry.Store, report), HeardAt = time.GetTimestamp() };
                Know(report);
            }
        }
    }

    /// <summary>The worker goes and says so: nothing has to be waited for.</summary>
    public void Left(NodeHello worker)
    {
        lock (_lock)
        {
            var entry = Of(worker);
            if (entry.Peer.Incarnation == worker.Incarnation)
            {
                _workers[worker.Node] = entry with { HasLeft = true };
            }
        }
    }

    /// <summary>The part of this very process that is a worker: it has no link and is never silent.</summary>
    public void ReportedHere(NodeHello worker, WorkerReport? report)
    {
        lock (_lock)
        {
            var entry = Of(worker);
            _workers[worker.Node] = entry with { Peer = worker, IsHere = true, Report = report, Store = report is null ? null : Told(entry.Store, report), HeardAt = time.GetTimestamp() };
            if (report is not null)
            {
                Know(report);
            }
        }
    }

    /// <summary>A worker as it is known here; null where it was never heard.</summary>
    public Sight? Find(string worker)
    {
        lock (_lock)
        {
            return _workers.TryGetValue(worker, out var entry)
                ? new Sight(
                    entry.Peer,
                    entry.Report,
                    entry.Store,
                    time.GetElapsedTime(entry.HeardAt),
                    entry.ClosedAt is { } closed ? time.GetElapsedTime(closed) : null,
                    entry.HasLeft,
                    entry.IsHere,
                    entry.IsHere || entry.Link is { IsUp: true })
                : null;
        }
    }

    /// <summary>Cuts off a worker that is silent or not wanted any more.</summary>
    public void End(string worker, string why)
    {
        NodeLink? link;
        lock (_lock)
        {
            link = _workers.GetValueOrDefault(worker)?.Link;
        }

        link?.End(why);
    }

    /// <summary>Tells every worker which rooms' activity changed since the last time, and who linked since then all that is known. One caller at a time, so that nobody is told of something older last.</summary>
    public void TellActivity()
    {
        List<NodeLink> links = [], joined = [];
        RoomActivity[] changed, known;
        lock (_lock)
        {
            foreach (var (worker, entry) in _workers.Where(worker => worker.Value.Link is not null).ToList())
            {
                (entry.IsNew ? joined : links).Add(entry.Link!);
                if (entry.IsNew)
                {
                    _workers[worker] = entry with { IsNew = false };
                }
            }

            changed = [.. _changed.Values];
            _changed.Clear();
            known = joined.Count > 0 ? [.. _activity.Values] : [];
        }

        if (changed.Length > 0)
        {
            ActivityTold?.Invoke(changed);
        }

        Tell(links, changed);
        Tell(joined, known);
    }

    private static void Tell(List<NodeLink> links, RoomActivity[] rooms)
    {
        foreach (var part in rooms.Chunk(WorkerReports.ActivityMax))
        {
            var news = JsonSerializer.SerializeToUtf8Bytes(new ActivityNews(part), WorkerJson.Default.ActivityNews);
            foreach (var link in links)
            {
                link.Post(RegistryMethods.Activity, news);
            }
        }
    }

    private void Know(WorkerReport report)
    {
        foreach (var room in report.Activity)
        {
            _activity[room.Room] = _changed[room.Room] = room;
        }
    }

    private Entry Of(NodeHello worker) =>
        _workers.TryGetValue(worker.Node, out var entry) ? entry : new Entry(worker, null, null, null, time.GetTimestamp(), null, false, false, false);

    private StoreHealth Told(StoreHealth? before, WorkerReport report)
    {
        var now = time.GetElapsedTime(0);
        return StoreHealth.Told(before, report.StoreError is null, now - TimeSpan.FromMilliseconds(report.StoreCheckMs), now, WorkerReports.StoreChecksApart);
    }

    /// <param name="IsNew">By this link it was told nothing yet.</param>
    private sealed record Entry(NodeHello Peer, NodeLink? Link, WorkerReport? Report, StoreHealth? Store, long HeardAt, long? ClosedAt, bool HasLeft, bool IsHere, bool IsNew);
}

/// <summary>How a worker looks from here.</summary>
/// <param name="Report">Its latest; null: none yet.</param>
/// <param name="Store">What its reports tell of its message store; null: none yet. Times are those of <c>GetElapsedTime(0)</c>.</param>
/// <param name="SilentFor">Since anything was heard of it.</param>
/// <param name="ClosedFor">Since its link was closed; null: it has one, or is in this process, or the link ended because nothing was heard.</param>
/// <param name="HasLeft">It said that it goes.</param>
/// <param name="IsHere">It is a part of this process.</param>
/// <param name="IsLinked">It has a link that stands, over which signs of life come, or is here.</param>
internal sealed record Sight(NodeHello Peer, WorkerReport? Report, StoreHealth? Store, TimeSpan SilentFor, TimeSpan? ClosedFor, bool HasLeft, bool IsHere, bool IsLinked);
