namespace DChat.Client.Timelines;

/// <summary>Bounds of a <see cref="RoomTimeline"/>.</summary>
public sealed record TimelineOptions
{
    /// <summary>How many messages a timeline keeps; the oldest go first. At least 200. Default 5,000.</summary>
    public int WindowMax { get; init; } = 5_000;

    /// <summary>How many events that overtook others are held; what is more is dropped and fetched again. At least 1. Default 4,096.</summary>
    public int HeldMax { get; init; } = 4_096;

    /// <summary>
    /// How many missed messages are fetched back after the server answered <c>reset</c>; more are reported as
    /// <see cref="TimelineChange.Skipped"/>. 0: none are fetched. Default 2,000.
    /// </summary>
    public int BackfillMax { get; init; } = 2_000;
}
