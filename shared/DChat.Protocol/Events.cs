namespace DChat.Protocol;

/// <summary>Changes of a room's messages, in <c>rev</c> order; contiguous within a subscription.</summary>
public sealed record RoomEvents(string Room, IReadOnlyList<RoomEvent> Events);

/// <param name="Kind"><see cref="EventKinds"/>.</param>
/// <param name="Message">The message in its state after the change.</param>
/// <param name="Reaction">With <c>reacted</c>, what changed.</param>
public sealed record RoomEvent(long Rev, string Kind, Message Message, ReactionChange? Reaction = null);

public sealed record ReactionChange(string User, string Emoji, bool On);

/// <param name="Full"><paramref name="Users"/> is the whole set, not a change of it.</param>
/// <param name="Users">Empty in rooms with more than 500 online.</param>
/// <param name="Online">How many are online now (away included).</param>
public sealed record PresenceChanged(string Room, bool Full, IReadOnlyList<UserPresence> Users, int Online);

/// <param name="State"><see cref="PresenceStates"/>.</param>
public sealed record UserPresence(string User, string State);

/// <param name="Users">Who is typing now.</param>
public sealed record TypingChanged(string Room, IReadOnlyList<string> Users);

/// <param name="Rev">Where this connection is subscribed by it: live events follow from there.</param>
public sealed record RoomChanged(Room Room, long? Rev = null);

/// <param name="Reason"><see cref="RemovalReasons"/>.</param>
public sealed record RoomRemoved(string Room, string Reason);

public sealed record ReadMarkMoved(string Room, long Seq);

/// <summary>This connection was too slow: events up to <paramref name="Rev"/> were skipped and its subscription is ended.</summary>
public sealed record ResyncNeeded(string Room, long Rev);

/// <summary>This worker is going away: connect again, to any, after <paramref name="AfterMs"/> milliseconds.</summary>
public sealed record ReconnectAsked(long AfterMs);

/// <summary>Should this connection be lost, its client is best back after a random time of up to <paramref name="Ms"/> milliseconds: others may have lost it, too.</summary>
/// <param name="Ms"><see cref="UntoldMs"/> to 10,000.</param>
public sealed record ReconnectSpread(long Ms)
{
    /// <summary>Until a server tells something else, in milliseconds.</summary>
    public const int UntoldMs = 500;
}

/// <summary>The session ended.</summary>
public sealed record SignedOut(string Reason);
