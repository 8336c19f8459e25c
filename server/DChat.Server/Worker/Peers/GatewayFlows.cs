using DChat.Server.Nodes;

namespace DChat.Server.Worker.Peers;

/// <summary>
/// What gateways send, each by whatever link: what still comes over one that ended, and was read late, is known to be behind what came over the next.
/// Kept for as long as a gateway has a link, and while anything that it sent may wait.
/// </summary>
internal sealed class GatewayFlows(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Node, string Incarnation), Used> _gateways = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _gateways.Count;
            }
        }
    }

    /// <summary>A link of the gateway is up; to be followed by <see cref="Leave"/>, once.</summary>
    public ChangeFlows Enter(NodeHello gateway)
    {
        lock (_lock)
        {
            foreach (var (known, left) in _gateways)
            {
                if (left.Links == 0 && time.GetElapsedTime(left.LeftAt).TotalMilliseconds > ChangeFlows.IdleMs)
                {
                    _gateways.Remove(known);
                }
            }

            if (!_gateways.TryGetValue((gateway.Node, gateway.Incarnation), out var used))
            {
                _gateways[(gateway.Node, gateway.Incarnation)] = used = new Used();
            }

            used.Links++;
            return used.Flows;
        }
    }

    public void Leave(NodeHello gateway)
    {
        lock (_lock)
        {
            if (_gateways.TryGetValue((gateway.Node, gateway.Incarnation), out var used))
            {
                used.Links--;
                used.LeftAt = time.GetTimestamp();
            }
        }
    }

    private sealed class Used
    {
        public ChangeFlows Flows { get; } = new();

        public int Links { get; set; }

        public long LeftAt { get; set; }
    }
}
