namespace DChat.Core.Messages;

/// <summary>
/// The messages of all rooms, and the fence around each: a room is written only by the host that opened it last, with the highest epoch.
/// Engines: SQLite, PostgreSQL. All pass one specification.
/// </summary>
/// <remarks>
/// A call that cannot reach the store, finds no room on the disk or may not write throws
/// <see cref="MessageStoreUnavailableException"/>; for <see cref="WriteAsync"/> the outcome is then unknown, as it is for a room
/// that is answered <see cref="RoomStatus.Unknown"/>: open the rooms again, publish what is found beyond the last published revision, and repeat the changes with their ids.
/// A damaged store throws <see cref="MessageStoreDamagedException"/>.
/// Rooms are named by their id; a room that was never opened has seq 0 and rev 0, and a closed one reads like one that was never opened.
/// </remarks>
public interface IMessageStore : IAsyncDisposable
{
    /// <summary>Opens rooms for writing, each at its epoch: from then on a lower epoch is refused. Answers in the same order.</summary>
    Task<IReadOnlyList<RoomOpening>> OpenAsync(IReadOnlyList<RoomAtEpoch> rooms, CancellationToken cancellation);

    /// <summary>
    /// Writes a batch durably, each room as a whole or not at all. For each room it locks the row if epoch and rev are the caller's,
    /// drops repeats (they get their first answer), numbers the rest, and writes messages, answers and the room's row.
    /// A room that is refused, or whose outcome is unknown, does not fail the others. Answers in the same order; a room stands at most once in a batch.
    /// </summary>
    Task<IReadOnlyList<RoomWriteResult>> WriteAsync(IReadOnlyList<RoomWrite> batch, CancellationToken cancellation);

    /// <summary>The first answer to (room, author, clientId), or null where there was none.</summary>
    Task<ChangeAnswer?> FindAnswerAsync(string room, string author, string clientId, CancellationToken cancellation);

    /// <summary>
    /// The messages changed after a revision in their latest state, lowest <c>rev</c> first.
    /// <see cref="ChangesPage.Reset"/> where retention removed changes after it, or the revision is higher than the room's:
    /// then the page is the newest one, ascending by <c>seq</c>. A page may hold fewer messages than asked for, though at least one, and still have more.
    /// </summary>
    /// <param name="reader">Whose reactions <see cref="Message.Mine"/> tells; null: nobody's.</param>
    /// <param name="limit">1 to <see cref="MessageLimits.Page"/>.</param>
    Task<ChangesPage> ReadAfterAsync(string room, long afterRev, int limit, string? reader, CancellationToken cancellation);

    /// <summary>
    /// The newest messages below <paramref name="beforeSeq"/> (null: the newest), ascending by <c>seq</c>. A page may hold fewer messages than asked for,
    /// though at least one, and still have more.
    /// </summary>
    Task<MessagesPage> ReadBeforeAsync(string room, long? beforeSeq, int limit, string? reader, CancellationToken cancellation);

    /// <summary>One message, or null.</summary>
    Task<Message?> FindMessageAsync(string room, long seq, string? reader, CancellationToken cancellation);

    /// <summary>
    /// Searches the bodies of text and action messages in the given rooms (the first <see cref="SearchLimits.Rooms"/>), newest first.
    /// The index follows the commits within 2 s. A page may hold fewer hits than asked for, or none, and still have a
    /// <see cref="SearchPage.Next"/>: what one call may cost is bounded.
    /// </summary>
    Task<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellation);

    /// <summary>A user's read marks and unread counts in rooms, in the same order; a room without a mark has 0.</summary>
    Task<IReadOnlyList<ReadState>> ReadMarksAsync(string user, IReadOnlyList<string> rooms, CancellationToken cancellation);

    /// <summary>Stores read marks; a mark never moves back, nor beyond the room's newest message.</summary>
    Task WriteMarksAsync(IReadOnlyList<ReadMark> marks, CancellationToken cancellation);

    /// <summary>The epochs at which rooms stand, in the same order; 0 for one that was never opened, <see cref="long.MaxValue"/> for a closed one.</summary>
    Task<IReadOnlyList<long>> ReadEpochsAsync(IReadOnlyList<string> rooms, CancellationToken cancellation);

    /// <summary>When the newest message of each room was sent, in the same order, in Unix milliseconds UTC; 0 for one without messages.</summary>
    Task<IReadOnlyList<long>> ReadLastSentAsync(IReadOnlyList<string> rooms, CancellationToken cancellation);

    /// <summary>Closes a deleted room's row for ever: nothing opens or writes it again, and its content is purged by <see cref="PurgeAsync"/>.</summary>
    Task CloseAsync(string room, CancellationToken cancellation);

    /// <summary>Removes up to <paramref name="limit"/> messages of closed rooms; true while there is more. The tombstones stay.</summary>
    Task<bool> PurgeAsync(int limit, CancellationToken cancellation);

    /// <summary>
    /// Retention: removes up to <paramref name="limit"/> of a room's oldest messages that were sent before
    /// <paramref name="sentBefore"/> and records the highest <c>rev</c> removed, below which resuming is answered with reset.
    /// Answers (the first answers of sends) stay. True while there is more.
    /// </summary>
    /// <param name="room">At the caller's epoch: from a room that was opened at a higher one nothing is removed.</param>
    /// <param name="sentBefore">Unix milliseconds UTC, by the caller's clock.</param>
    /// <param name="keptMs">What was sent less than so long ago by the store's own clock stays, whatever the caller's says.</param>
    Task<bool> RetainAsync(RoomAtEpoch room, long sentBefore, long keptMs, int limit, CancellationToken cancellation);

    /// <summary>The store's id, random and made with it: tells it from another store, an emptied one or a new one in its place.</summary>
    Task<string> ReadIdAsync(CancellationToken cancellation);

    /// <summary>Throws where the store cannot be read and written.</summary>
    Task CheckAsync(CancellationToken cancellation);

    /// <summary>Whether other processes may write to it too: a room's host may then be fenced by one of which it has not heard.</summary>
    bool IsShared { get; }

    /// <summary>How far the search index is behind the commits: messages not yet indexed, and the age of the oldest in milliseconds.</summary>
    SearchLag SearchLag { get; }
}

public readonly record struct RoomAtEpoch(string Room, long Epoch);

/// <param name="Status"><see cref="RoomStatus.Ok"/> when it is open at the epoch asked for.</param>
/// <param name="LastSentAt">Of the newest message; 0 in an empty room.</param>
public readonly record struct RoomOpening(RoomStatus Status, long Seq, long Rev, long LastSentAt);

public enum RoomStatus : byte
{
    Ok = 0,

    /// <summary>A higher epoch opened the room: the caller is not its host any more.</summary>
    Fenced,

    /// <summary>The room's rev is not the one that the caller last knew: open it again.</summary>
    Stale,

    /// <summary>The room was deleted.</summary>
    Closed,

    /// <summary>Of a write: all of it was made, or nothing, or it may be made yet. Open the room again.</summary>
    Unknown,
}

/// <param name="Rev">The revision that the caller last knew.</param>
public sealed record RoomWrite(string Room, long Epoch, long Rev, IReadOnlyList<RoomChange> Changes);

/// <param name="Seq">After the write.</param>
/// <param name="Rev">After the write.</param>
/// <param name="Changes">One for each change, in order; empty unless <see cref="RoomStatus.Ok"/>.</param>
public sealed record RoomWriteResult(RoomStatus Status, long Seq, long Rev, IReadOnlyList<ChangeResult> Changes);

/// <param name="Event">What to publish; null for a repeat, a refusal and a change that changed nothing.</param>
public sealed record ChangeResult(ChangeRefusal Refusal, ChangeAnswer Answer, RoomEvent? Event);

/// <param name="Rev">The room's, read in the same transaction.</param>
/// <param name="More">There are later changes; with <paramref name="Reset"/>: older messages.</param>
public sealed record ChangesPage(bool Reset, long Rev, IReadOnlyList<Message> Messages, bool More);

public sealed record MessagesPage(IReadOnlyList<Message> Messages, bool More);

/// <param name="Text">
/// Words, all of which must occur; <c>"quoted"</c> ones together; a trailing <c>*</c> is a prefix.
/// Terms beyond <see cref="SearchLimits.Terms"/> are ignored; a text without a letter or digit finds nothing.
/// </param>
/// <param name="After">The <see cref="SearchPage.Next"/> of the page before; another throws <see cref="FormatException"/>.</param>
public sealed record SearchQuery(string Text, IReadOnlyList<string> Rooms, string? After, int Limit, string? Reader);

public static class SearchLimits
{
    /// <summary>Words and phrases of one query.</summary>
    public const int Terms = 16;

    /// <summary>Rooms of one query.</summary>
    public const int Rooms = 10_000;
}

public sealed record SearchPage(IReadOnlyList<FoundMessage> Hits, string? Next);

public sealed record FoundMessage(string Room, Message Message);

/// <param name="Unread">Messages after the mark that are still there, deleted ones included.</param>
/// <param name="Mentions">Of those, how many mention the user, counted up to <see cref="MessageLimits.MentionsCounted"/>.</param>
public readonly record struct ReadState(long ReadSeq, long Unread, long Mentions);

public readonly record struct ReadMark(string User, string Room, long Seq);

public readonly record struct SearchLag(long Messages, long OldestAgeMs);

/// <summary>The store cannot be reached, is full or read-only; a write's outcome is unknown.</summary>
public sealed class MessageStoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The store is damaged. The message names the damage and the remedy.</summary>
public sealed class MessageStoreDamagedException(string message, Exception? inner = null) : Exception(message, inner);
