namespace DChat.Server.Worker.Peers;

/// <summary>
/// The posts and calls of a peer link, from the gateway that made it to the host. Each begins with the sender's registry index: the
/// receiver catches up to it first, so that both judge by what the sender knew.
/// </summary>
internal static class PeerMethods
{
    /// <summary>Gateway, post: a change → <see cref="Outcome"/>.</summary>
    public const byte Submit = 1;

    /// <summary>Gateway, call: rooms at which it subscribes, with numbers of its own → for each, the revision from which on it is told all.</summary>
    public const byte Subscribe = 2;

    /// <summary>Gateway, post: the number of a subscription that ends.</summary>
    public const byte Unsubscribe = 3;

    /// <summary>Gateway, post: how users stand in a room.</summary>
    public const byte Announce = 4;

    /// <summary>Gateway, post: a user is typing.</summary>
    public const byte Typing = 5;

    /// <summary>Gateway, call: who is online in a room, and what changed in it.</summary>
    public const byte Glance = 6;

    /// <summary>Gateway, call: which of some users are online in a room.</summary>
    public const byte Online = 7;

    /// <summary>Gateway, call: the number of a room's newest message.</summary>
    public const byte NewestSeq = 8;

    /// <summary>Gateway, call: reads from the message store for one that has none: <see cref="StoreRequest"/>.</summary>
    public const byte Store = 9;

    /// <summary>Gateway, post: how far a user has read a room.</summary>
    public const byte MarkRead = 10;

    /// <summary>Gateway, call: whether a coordinator is linked there. Known to hosts of <see cref="HearsCoordinatorSince"/>.</summary>
    public const byte HearsCoordinator = 11;

    /// <summary>A version of the link.</summary>
    public const int HearsCoordinatorSince = 2;

    /// <summary>
    /// Gateway, call: a room and an epoch → whether the host has caught up with the sender, and has the room open under the epoch. Known to hosts of
    /// <see cref="BarrierSince"/>.
    /// </summary>
    public const byte Barrier = 12;

    /// <inheritdoc cref="HearsCoordinatorSince"/>
    public const int BarrierSince = 3;

    /// <summary>Host, post: how a change ended.</summary>
    public const byte Outcome = 20;

    /// <summary>Host, post: the next changes of a room, as its clients' frame.</summary>
    public const byte Events = 21;

    /// <summary>Host, post: changes of a room were not told.</summary>
    public const byte Skip = 22;

    /// <summary>Host, post: a frame of a room that may be lost.</summary>
    public const byte Soft = 23;

    /// <summary>Host, post: a room is not served there any more.</summary>
    public const byte Lost = 24;

    /// <summary>Host, post: how far a user has read a room, as said at another gateway; may be lost.</summary>
    public const byte Read = 25;
}

/// <summary>Bounds of what comes over a peer link.</summary>
internal static class PeerLimits
{
    /// <summary>Rooms of one frame.</summary>
    public const int Rooms = 1_000;

    /// <summary>Users of one frame.</summary>
    public const int Users = 10_000;

    /// <summary>Texts and files of a change.</summary>
    public const int ChangeItems = 1_000;

    /// <summary>How long the receiver's replica may take to catch up with the sender's, before it does without.</summary>
    public static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(2);

    /// <summary>How long a host waits for a room to open before it answers for those that were asked for together with it; well below <see cref="Call"/>, which would fail them all.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>How long a call may take.</summary>
    public static readonly TimeSpan Call = TimeSpan.FromSeconds(5);
}
