namespace DChat.Terminal.Load;

/// <summary>Read marks that clients set beside what they send.</summary>
internal sealed class ReadMarkCount
{
    private long _made;
    private long _answered;
    private long _failed;

    /// <summary>Whether clients set any now.</summary>
    public bool IsOn { get; set; }

    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Neither answered, nor refused, nor lost with their connection.</summary>
    public long Unanswered => Interlocked.Read(ref _made) - Answered - Interlocked.Read(ref _failed);

    public void CountMade() => Interlocked.Increment(ref _made);

    public void CountEnded(bool failed) => Interlocked.Increment(ref failed ? ref _failed : ref _answered);
}
