using DChat.Core.Messages;
using DChat.Server.Worker.Host;

namespace DChat.Server.Worker.Peers;

/// <summary>A host of rooms, as a gateway uses it: in this process, or at the other end of a peer link.</summary>
internal interface IHostPort
{
    /// <summary>It can be reached now.</summary>
    bool IsUp { get; }

    /// <summary>
    /// Sends a change; those of one room in the order of the calls. False where it was not sent. Its outcome goes to
    /// <see cref="OutstandingChange.Completed"/>, perhaps before this returns; where the link ends before, no outcome comes.
    /// </summary>
    bool Submit(OutstandingChange change, long epoch, long attempt);

    /// <summary>Subscribes at a room: from the answered revision on the sink is told every change. Null where that cannot be done now.</summary>
    /// <param name="afterRev">Up to where this gateway's clients were told, by another host or over another link; null: they were told nothing.</param>
    ValueTask<long?> SubscribeAsync(string room, long epoch, IRoomSink sink, long? afterRev);

    void Unsubscribe(string room, IRoomSink sink);

    /// <summary>Says how users of this gateway stand in a room at which <paramref name="sink"/> is subscribed.</summary>
    void Announce(string room, IRoomSink sink, IReadOnlyList<UserPresence> users);

    void StartTyping(string room, string user);

    /// <summary>Has a user's other gateways told how far the user has read a room at which <paramref name="sink"/> is subscribed.</summary>
    void MarkRead(string room, IRoomSink sink, string user, long seq);

    /// <summary>Who is online in a room, and the changes after a revision up to another where the host has them at hand.</summary>
    /// <param name="afterRev">Null: no changes are wanted.</param>
    ValueTask<RoomGlance> GlanceAsync(string room, long? afterRev, long throughRev, int limit);

    /// <summary>Which of these users are online in a room, in the same order.</summary>
    ValueTask<IReadOnlyList<bool>> OnlineAsync(string room, IReadOnlyList<string> users);

    /// <summary>
    /// Whether the room's host has heard all that this gateway has of the registry, and no host before it can write the room: whatever is committed
    /// from then on is judged and told by that knowledge. False where it cannot say so now.
    /// </summary>
    ValueTask<bool> BarrierAsync(string room, long epoch);

    /// <summary>The number of the newest message; null where the host does not have the room open.</summary>
    ValueTask<long?> NewestSeqAsync(string room);
}

internal readonly record struct UserPresence(string User, PresenceState State);

/// <param name="Resumed">Null: the store has to be asked.</param>
/// <param name="Online">A JSON array of names.</param>
internal sealed record RoomGlance(ResumePage? Resumed, ReadOnlyMemory<byte> Online, int OnlineCount)
{
    /// <summary>What is known of a room whose host cannot be asked.</summary>
    public static RoomGlance Nothing { get; } = new(null, "[]"u8.ToArray(), 0);
}

/// <summary>Where a room is hosted.</summary>
internal sealed record RoomTarget(string Worker, long Epoch, IHostPort Port);
