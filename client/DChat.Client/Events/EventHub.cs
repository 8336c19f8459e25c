namespace DChat.Client.Events;

/// <summary>Hands each event to every stream, and says when one of them is too full to go on.</summary>
/// <param name="limit">How many events may wait in one stream.</param>
/// <param name="resume">Called when a full stream is half empty again.</param>
internal sealed class EventHub(int limit, Action resume)
{
    private readonly Lock gate = new();
    private IEventQueue[] queues = [];
    private volatile bool paused;
    private bool completed;

    /// <summary>Whether a stream is full. Asking it makes the hub call back when there is room again.</summary>
    public bool IsFull()
    {
        lock (gate)
        {
            paused |= queues.Any(q => q.Count >= limit);
            return paused;
        }
    }

    /// <summary>Events that must not be lost: the caller stops at its source while <see cref="IsFull"/>.</summary>
    public void Publish(ChatEvent next)
    {
        lock (gate)
        {
            foreach (var queue in queues)
            {
                queue.Add(next);
            }
        }
    }

    /// <summary>Events that only tell of a change: a full stream does not get them.</summary>
    public void Hint(ChatEvent next)
    {
        lock (gate)
        {
            foreach (var queue in queues)
            {
                if (queue.Count < limit)
                {
                    queue.Add(next);
                }
            }
        }
    }

    public void Add(IEventQueue queue)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(completed, this);
            queues = [.. queues, queue];
        }
    }

    public void Remove(IEventQueue queue)
    {
        lock (gate)
        {
            queues = [.. queues.Where(q => q != queue)];
        }

        Read();
    }

    /// <summary>A stream was read from.</summary>
    public void Read()
    {
        if (!paused)
        {
            return;
        }

        lock (gate)
        {
            if (!paused || queues.Any(q => q.Count > limit / 2))
            {
                return;
            }

            paused = false;
        }

        resume();
    }

    /// <summary>No more events follow: streams end once they are read.</summary>
    public void Complete()
    {
        lock (gate)
        {
            completed = true;
            foreach (var queue in queues)
            {
                queue.Complete();
            }
        }
    }
}
