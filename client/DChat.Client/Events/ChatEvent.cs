using DChat.Client.Connections;
using DChat.Client.Outbox;
using DChat.Client.Rooms;
using DChat.Protocol;

namespace DChat.Client.Events;

/// <summary>
/// Something happened. The state that it tells of is already visible (in <see cref="ChatRoom"/>, <see cref="ChatClient"/>)
/// when it is delivered. Events about messages are never lost; the others tell that something changed, and a slow
/// reader may miss all but the latest.
/// </summary>
public abstract record ChatEvent
{
    private ChatEvent()
    {
    }

    /// <summary>A new message: each once, in the room's order. Messages that were there before the client first saw the room are not announced.</summary>
    public sealed record MessagePosted(ChatRoom Room, Message Message) : ChatEvent;

    /// <summary>The text of a message changed.</summary>
    public sealed record MessageEdited(ChatRoom Room, Message Message) : ChatEvent;

    /// <summary>A message was deleted; its body is empty now.</summary>
    public sealed record MessageDeleted(ChatRoom Room, Message Message) : ChatEvent;

    /// <summary>The reactions to a message changed.</summary>
    /// <param name="Reaction">The one change, where it was seen live; null where several were caught up with at once.</param>
    public sealed record MessageReacted(ChatRoom Room, Message Message, ReactionChange? Reaction) : ChatEvent;

    /// <summary>The room's messages were replaced by a fresh page: draw them again.</summary>
    public sealed record TimelineReset(ChatRoom Room) : ChatEvent;

    /// <summary>Messages from one <c>seq</c> to another were missed and are too many to be fetched by itself; <see cref="ChatRoom.HistoryAsync"/> has them.</summary>
    public sealed record MessagesSkipped(ChatRoom Room, long FromSeq, long ToSeq) : ChatEvent;

    /// <summary>The user is in a room that the client did not know.</summary>
    public sealed record RoomAdded(ChatRoom Room) : ChatEvent;

    /// <summary>Settings of the room, or the user's role in it, changed.</summary>
    public sealed record RoomUpdated(ChatRoom Room) : ChatEvent;

    /// <summary>The user is no longer in the room.</summary>
    /// <param name="Reason"><see cref="RemovalReasons"/>.</param>
    public sealed record RoomRemoved(ChatRoom Room, string Reason) : ChatEvent;

    /// <summary>Who is online in the room, or how many are, changed.</summary>
    public sealed record PresenceChanged(ChatRoom Room) : ChatEvent;

    /// <summary>Who is typing in the room changed.</summary>
    public sealed record TypingChanged(ChatRoom Room) : ChatEvent;

    /// <summary>The user's read mark moved, or the number of unread messages did.</summary>
    public sealed record ReadChanged(ChatRoom Room) : ChatEvent;

    /// <summary>The user was invited to a room, or an invitation went away.</summary>
    public sealed record InvitationsChanged : ChatEvent;

    /// <summary>The connection was made, lost, or is waited for.</summary>
    public sealed record ConnectionChanged(ConnectionStatus Status) : ChatEvent;

    /// <summary>A message waits to be sent, is being sent again, was sent or refused: see its <see cref="OutgoingMessage.State"/>.</summary>
    public sealed record OutboxChanged(OutgoingMessage Message) : ChatEvent;

    /// <summary>The session ended; nothing more comes until somebody signs in and connects again.</summary>
    public sealed record SignedOut(string Reason) : ChatEvent;
}
