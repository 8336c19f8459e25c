namespace DChat.Terminal.Load;

/// <summary>Actions that are due later. <see cref="RunDue"/> is called every few milliseconds by the run's upkeep.</summary>
internal sealed class LaterQueue
{
    private readonly PriorityQueue<Action, long> _queue = new();
    private readonly Lock _gate = new();

    public void Add(TimeSpan delay, Action action)
    {
        lock (_gate)
        {
            _queue.Enqueue(action, Environment.TickCount64 + (long)delay.TotalMilliseconds);
        }
    }

    public void RunDue()
    {
        while (TakeDue() is { } action)
        {
            action();
        }
    }

    private Action? TakeDue()
    {
        lock (_gate)
        {
            return _queue.TryPeek(out var action, out var due) && due <= Environment.TickCount64 && _queue.TryDequeue(out _, out _) ? action : null;
        }
    }
}
