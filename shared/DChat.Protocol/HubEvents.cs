namespace DChat.Protocol;

/// <summary>The names of the events that a server sends, exactly as they stand on the wire. Each carries exactly one object.</summary>
public static class HubEvents
{
    /// <summary>Carries <see cref="RoomEvents"/>.</summary>
    public const string Events = "events";

    /// <summary>Carries <see cref="PresenceChanged"/>.</summary>
    public const string Presence = "presence";

    /// <summary>Carries <see cref="TypingChanged"/>.</summary>
    public const string Typing = "typing";

    /// <summary>Carries <see cref="Protocol.RoomChanged"/>.</summary>
    public const string RoomChanged = "roomChanged";

    /// <summary>Carries <see cref="Protocol.RoomRemoved"/>.</summary>
    public const string RoomRemoved = "roomRemoved";

    /// <summary>Carries <see cref="ReadMarkMoved"/>.</summary>
    public const string Read = "read";

    /// <summary>Carries <see cref="ResyncNeeded"/>.</summary>
    public const string Resync = "resync";

    /// <summary>Carries <see cref="ReconnectAsked"/>.</summary>
    public const string Reconnect = "reconnect";

    /// <summary>Carries <see cref="Protocol.ReconnectSpread"/>.</summary>
    public const string ReconnectSpread = "reconnectSpread";

    /// <summary>Carries <see cref="Protocol.SignedOut"/>.</summary>
    public const string SignedOut = "signedOut";
}
