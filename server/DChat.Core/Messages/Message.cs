namespace DChat.Core.Messages;

/// <summary>A message in the state of its latest change, as the store keeps it.</summary>
/// <param name="Seq">Its number in the room: 1, 2, 3, … in order of commit, without holes.</param>
/// <param name="Rev">The room's revision of its latest change.</param>
/// <param name="Author">The user's name; empty for a system message.</param>
/// <param name="SentAt">Unix milliseconds UTC; never decreases along <c>Seq</c>.</param>
/// <param name="Body">Empty when deleted.</param>
/// <param name="Reactions">In order of their first use; empty for most messages.</param>
/// <param name="Mine">The emoji with which the reader of a page reacted; empty outside pages.</param>
public sealed record Message(
    long Seq,
    long Rev,
    MessageKind Kind,
    string Author,
    string ClientId,
    long SentAt,
    string Body,
    long? ReplyTo,
    long? EditedAt,
    long? DeletedAt,
    IReadOnlyList<AttachedFile> Files,
    IReadOnlyList<Reaction> Reactions,
    IReadOnlyList<string> Mine);

public enum MessageKind : byte
{
    Text = 0,
    Action = 1,
    System = 2,
}

/// <param name="Size">Bytes.</param>
public sealed record AttachedFile(string Id, string Name, long Size, string Type);

/// <param name="Users">The first <see cref="MessageLimits.ReactionUsersShown"/>, in order of reaction.</param>
public sealed record Reaction(string Emoji, int Count, IReadOnlyList<string> Users);

public static class MessageLimits
{
    public const int ReactionUsersShown = 10;
    public const int EmojiPerMessage = 20;

    /// <summary>Messages in one page.</summary>
    public const int Page = 200;

    /// <summary>Unread mentions are counted up to here; more are answered as this many.</summary>
    public const int MentionsCounted = 1_000;
}
