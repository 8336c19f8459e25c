namespace DChat.Server.Worker.Joining;

/// <summary>
/// How long a worker that never took part bears being refused: the process before it may not be known to be dead yet. Refused is only what
/// a coordinator does not want; where none is reached, or nothing can be changed now, it waits for as long as that takes.
/// </summary>
internal sealed class RefusalGrace(TimeProvider time)
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(8);

    private long? _refusedAt;

    /// <summary>Whether it was refused, and nothing else, for longer than it bears.</summary>
    public bool IsOver(SearchFailure failure)
    {
        _refusedAt = failure.IsRefusal ? _refusedAt ?? time.GetTimestamp() : null;
        return _refusedAt is { } at && time.GetElapsedTime(at) > Limit;
    }
}
