using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Standby;

/// <summary>The standbys that are linked to this leader, and how far each is.</summary>
internal sealed class StandbyWatch(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (NodeLink Link, long Index, long? Workers, long HeardAt)> _standbys = new(StringComparer.Ordinal);

    /// <summary>By address: the log entry up to which each is by its latest report, and since when that is known.</summary>
    public IReadOnlyList<(NodeHello Peer, long Index, TimeSpan SilentFor)> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _standbys.OrderBy(standby => standby.Key, StringComparer.Ordinal).Select(standby => (standby.Value.Link.Peer, standby.Value.Index, time.GetElapsedTime(standby.Value.HeardAt)))];
            }
        }
    }

    /// <summary>Workers that follow the registry at standbys, as they do while they do not reach the leader; null: no standby says.</summary>
    public long? Workers
    {
        get
        {
            lock (_lock)
            {
                return _standbys.Values.Any(standby => standby.Workers is not null) ? _standbys.Values.Sum(standby => standby.Workers) : null;
            }
        }
    }

    /// <param name="workers">Null: it does not say.</param>
    public void Reported(NodeLink link, long index, long? workers)
    {
        lock (_lock)
        {
            _standbys[link.Peer.Address] = (link, index, workers, time.GetTimestamp());
        }
    }

    public void Ended(NodeLink link)
    {
        lock (_lock)
        {
            if (_standbys.TryGetValue(link.Peer.Address, out var known) && known.Link == link)
            {
                _standbys.Remove(link.Peer.Address);
            }
        }
    }
}
