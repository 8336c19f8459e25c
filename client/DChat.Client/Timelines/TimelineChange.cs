using DChat.Protocol;

namespace DChat.Client.Timelines;

/// <summary>What a step of a <see cref="RoomTimeline"/> changed for somebody who watches the room.</summary>
public abstract record TimelineChange
{
    private TimelineChange()
    {
    }

    /// <summary>A message that was not announced before. Announced once each, in <c>seq</c> order. May already be deleted, if that happened while the client was away.</summary>
    public sealed record Posted(Message Message) : TimelineChange;

    /// <summary>The text of an announced message changed.</summary>
    public sealed record Edited(Message Message) : TimelineChange;

    /// <summary>An announced message was deleted; its body is empty now.</summary>
    public sealed record Deleted(Message Message) : TimelineChange;

    /// <summary>The reactions to an announced message changed.</summary>
    /// <param name="Message">The message with its reactions as they are now.</param>
    /// <param name="Reaction">The one change, where it was seen live; null where several were caught up with at once.</param>
    public sealed record Reacted(Message Message, ReactionChange? Reaction) : TimelineChange;

    /// <summary>The messages were replaced by a fresh page: draw them again.</summary>
    public sealed record Reset : TimelineChange;

    /// <summary>These messages were missed and are too many to be fetched by itself; <c>history</c> has them.</summary>
    /// <param name="FromSeq">The first one missed.</param>
    /// <param name="ToSeq">The last one missed.</param>
    public sealed record Skipped(long FromSeq, long ToSeq) : TimelineChange;
}
