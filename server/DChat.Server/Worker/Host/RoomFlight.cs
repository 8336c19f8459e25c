namespace DChat.Server.Worker.Host;

/// <summary>
/// The batches that hold changes of one room and are not published yet: taken in order, they land in that order. Not thread-safe: used under
/// the room's lock.
/// </summary>
internal sealed class RoomFlight
{
    private readonly List<(long Through, TaskCompletionSource Landed)> waiting = [];
    private long landed;

    public int Count { get; private set; }

    public void Take() => Count++;

    /// <summary>Nothing of the batch that was taken last is made.</summary>
    public void Drop()
    {
        Count--;
        for (var i = 0; i < waiting.Count; i++)
        {
            waiting[i] = waiting[i] with { Through = Math.Min(waiting[i].Through, landed + Count) };
        }

        Release();
    }

    /// <summary>The first that was taken is published, or will not be.</summary>
    public void Land()
    {
        Count--;
        landed++;
        Release();
    }

    /// <summary>Completes when all that are in flight now have landed; those that are taken later are not waited for.</summary>
    public Task LandedAsync()
    {
        if (Count == 0)
        {
            return Task.CompletedTask;
        }

        var through = landed + Count;
        if (waiting is not [.., var last] || last.Through != through)
        {
            last = (through, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            waiting.Add(last);
        }

        return last.Landed.Task;
    }

    private void Release() => waiting.RemoveAll(one => one.Through <= landed && one.Landed.TrySetResult());
}
