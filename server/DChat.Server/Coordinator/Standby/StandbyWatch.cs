using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Standby;

/// <summary>The standbys that are linked to this leader, and how far each is.</summary>
internal sealed class StandbyWatch(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (NodeLink Link, long Index, long? Workers, double? BehindLeaderMs, bool IsParked, bool IsElsewhere, long HeardAt)> _standbys = new(StringComparer.Ordinal);

    /// <summary>By address: the log entry up to which each is by its latest report, since when that is known, and whether it is parked, which is no standby.</summary>
    public IReadOnlyList<(NodeHello Peer, long Index, TimeSpan SilentFor, bool IsParked)> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _standbys.OrderBy(standby => standby.Key, StringComparer.Ordinal).Select(standby => (standby.Value.Link.Peer, standby.Value.Index, time.GetElapsedTime(standby.Value.HeardAt), standby.Value.IsParked))];
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

    /// <summary>
    /// By how many milliseconds this leader's clock is ahead of those of standbys that agree with each other, where they are more than half of all that
    /// tell theirs, the leader included; null: it is right, or who is right is not known.
    /// </summary>
    public double? AheadOfMostMs
    {
        get
        {
            double[] behind;
            lock (_lock)
            {
                behind = [.. _standbys.Values.Select(standby => standby.BehindLeaderMs).OfType<double>()];
            }

            var tolerance = CommandClocks.Tolerance.TotalMilliseconds;
            return behind.Where(one => Math.Abs(one) > tolerance && behind.Count(other => Math.Abs(other - one) <= tolerance) * 2 > behind.Length + 1)
                .Select(one => (double?)one).FirstOrDefault();
        }
    }

    /// <summary>Addresses of those that do not find this leader's note in their blob store: the snapshots beside it are of no use to them.</summary>
    public IReadOnlyList<string> WithoutSnapshots
    {
        get
        {
            lock (_lock)
            {
                return [.. _standbys.Where(standby => standby.Value.IsElsewhere).Select(standby => standby.Key).Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <param name="workers">Null: it does not say.</param>
    /// <param name="clockMs">Its clock, in Unix milliseconds; null: it does not say.</param>
    /// <param name="isParked">It serves no worker: how many follow there tells nothing.</param>
    /// <param name="isElsewhere">It does not find this leader's note in its blob store.</param>
    public void Reported(NodeLink link, long index, long? workers, long? clockMs, bool isParked = false, bool isElsewhere = false)
    {
        lock (_lock)
        {
            _standbys[link.Peer.Address] = (link, index, isParked ? null : workers, time.GetUtcNow().ToUnixTimeMilliseconds() - (double?)clockMs, isParked, isElsewhere, time.GetTimestamp());
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
