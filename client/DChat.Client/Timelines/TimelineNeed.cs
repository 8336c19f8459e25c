namespace DChat.Client.Timelines;

/// <summary>What a <see cref="RoomTimeline"/> wants fetched before it can go on.</summary>
public abstract record TimelineNeed
{
    private TimelineNeed()
    {
    }

    /// <summary><c>subscribe</c> with this revision; null asks for a fresh page.</summary>
    public sealed record Changes(long? AfterRev) : TimelineNeed;

    /// <summary><c>history</c> before this <c>seq</c>: messages that were missed lie there.</summary>
    public sealed record Older(long BeforeSeq) : TimelineNeed;
}
