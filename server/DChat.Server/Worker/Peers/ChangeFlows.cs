using DChat.Server.Worker.Host;

namespace DChat.Server.Worker.Peers;

/// <summary>What a gateway sends, by room; forgotten where it has sent nothing for so long that none of it waits any more.</summary>
internal sealed class ChangeFlows
{
    /// <summary>So many are kept in any case.</summary>
    public const int Kept = 1_024;

    /// <summary>Far longer than a change may wait, in milliseconds.</summary>
    public const long IdleMs = 6 * RoomHost.HoldMs;

    private readonly Dictionary<string, Used> _flows = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private int _full = Kept;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _flows.Count;
            }
        }
    }

    /// <param name="now">Milliseconds of a clock that does not jump.</param>
    public ChangeFlow Of(string room, long now)
    {
        lock (_lock)
        {
            if (!_flows.TryGetValue(room, out var used))
            {
                Forget(now - IdleMs);
                _flows[room] = used = new Used();
            }

            used.At = now;
            return used.Flow;
        }
    }

    /// <summary>Looked for when there are twice as many as were needed the last time: little for each.</summary>
    private void Forget(long before)
    {
        if (_flows.Count < _full)
        {
            return;
        }

        foreach (var (room, used) in _flows)
        {
            if (used.At < before)
            {
                _flows.Remove(room);
            }
        }

        _full = Math.Max(Kept, 2 * _flows.Count);
    }

    private sealed class Used
    {
        public ChangeFlow Flow { get; } = new();

        public long At { get; set; }
    }
}
