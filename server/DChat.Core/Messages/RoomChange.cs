namespace DChat.Core.Messages;

/// <summary>A change that somebody asks for in a room's messages. (<c>Author</c>, <c>ClientId</c>) makes a repeat recognizable for ever.</summary>
/// <param name="Author">Who asks; empty for the host itself (system messages).</param>
/// <param name="ClientId">1 to 64 characters.</param>
/// <param name="At">Unix milliseconds UTC.</param>
public abstract record RoomChange(string Author, string ClientId, long At);

/// <param name="Mentions">Names of the users that the body mentions as <c>@user</c>, lower case, each once.</param>
public sealed record PostMessage(
    string Author,
    string ClientId,
    long At,
    MessageKind Kind,
    string Body,
    long? ReplyTo,
    IReadOnlyList<AttachedFile> Files,
    IReadOnlyList<string> Mentions) : RoomChange(Author, ClientId, At);

public sealed record EditMessage(string Author, string ClientId, long At, long Seq, string Body, IReadOnlyList<string> Mentions)
    : RoomChange(Author, ClientId, At);

/// <param name="AsModerator">The caller may delete the messages of others.</param>
public sealed record DeleteMessage(string Author, string ClientId, long At, long Seq, bool AsModerator)
    : RoomChange(Author, ClientId, At);

public sealed record React(string Author, string ClientId, long At, long Seq, string Emoji, bool On)
    : RoomChange(Author, ClientId, At);

/// <summary>What a change was answered first; every repeat is answered the same.</summary>
/// <param name="Seq">Of a post: its number; else the number of the changed message.</param>
/// <param name="Rev">The revision that the change took, or, where it changed nothing, the room's revision then.</param>
/// <param name="SentAt">Of a post; else 0.</param>
public readonly record struct ChangeAnswer(long Seq, long Rev, long SentAt);

/// <summary>A committed change, as it is shown to the members.</summary>
/// <param name="Message">After the change.</param>
/// <param name="Reaction">With <see cref="RoomEventKind.Reacted"/>.</param>
public sealed record RoomEvent(long Rev, RoomEventKind Kind, Message Message, ReactionChange? Reaction = null);

public enum RoomEventKind : byte
{
    Posted = 0,
    Edited = 1,
    Deleted = 2,
    Reacted = 3,
}

public sealed record ReactionChange(string User, string Emoji, bool On);

/// <summary>Why a change was refused.</summary>
public enum ChangeRefusal : byte
{
    None = 0,

    /// <summary>No such message (never was, was removed by retention, or is deleted).</summary>
    NotFound,

    /// <summary>Another user's message.</summary>
    Forbidden,

    /// <summary>The twenty-first emoji, a reply to a message that is not there.</summary>
    InvalidArgument,
}
