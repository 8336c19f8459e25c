using System.Text.Json.Serialization;
using DChat.Core.Registry;

namespace DChat.Core.Messages;

/// <summary>
/// All that a message store holds, room by room, for backups: read beside whoever writes it, or put into one that is empty.
/// Engines: SQLite, PostgreSQL. What one gives the other takes.
/// </summary>
/// <remarks>
/// A call that cannot reach the store throws <see cref="MessageStoreUnavailableException"/>. What follows from something else
/// (row keys, the search index) is not read; it is made anew.
/// </remarks>
public interface IMessageArchive : IAsyncDisposable
{
    /// <summary>What is there; changes nothing, and makes nothing where there is no store yet.</summary>
    Task<ArchiveSummary> LookAsync(CancellationToken cancellation);

    /// <summary>The rooms that are there, in no order, closed ones included.</summary>
    IAsyncEnumerable<ArchivedRoom> RoomsAsync(CancellationToken cancellation);

    /// <summary>
    /// All rooms that are not closed, each as a <see cref="RoomHead"/> and the pieces that belong to it. A room is read in one state of it;
    /// of two rooms the one may be read in an older state than the other.
    /// </summary>
    IAsyncEnumerable<RoomPiece> ReadAsync(CancellationToken cancellation);

    /// <summary>
    /// Empties a store in which nothing was ever said, or that an interrupted filling left, and marks it as one that is being filled:
    /// no server opens it until <see cref="EndFillAsync"/>. Answers the id that it will have then, which is a new one.
    /// </summary>
    /// <param name="again">The id of a store that is emptied though it holds rooms: a filling ended there, and nobody opened a room since.</param>
    /// <exception cref="MessageStoreUnavailableException">It holds rooms, or is in use.</exception>
    Task<string> BeginFillAsync(string? again, CancellationToken cancellation);

    /// <summary>The next piece; those of one room follow its <see cref="RoomHead"/>.</summary>
    /// <param name="epoch">At which the room stands from now on.</param>
    Task FillAsync(RoomPiece piece, long epoch, CancellationToken cancellation);

    /// <summary>All that was filled in is durable, and servers may open the store. Rooms that are known and of which nothing came begin as in <see cref="LiftAsync"/>.</summary>
    /// <param name="lift">What becomes of the rooms.</param>
    /// <param name="known">The rooms of the registry.</param>
    Task EndFillAsync(RoomLift lift, IReadOnlyCollection<string> known, CancellationToken cancellation);

    /// <summary>
    /// Of a store that outlived its registry: shuts every host out that ever opened a room, and lifts the revisions, in one step.
    /// Resuming below is answered with reset. Closed rooms that are known are opened again, with what was not purged yet.
    /// Rooms that are known and not there begin without messages at the lifted revision, and not at 0: somebody may have seen more of them.
    /// </summary>
    /// <param name="lift">What becomes of the rooms.</param>
    /// <param name="known">The rooms of the registry.</param>
    /// <exception cref="MessageStoreUnavailableException">It is in use.</exception>
    Task LiftAsync(RoomLift lift, IReadOnlyCollection<string> known, CancellationToken cancellation);
}

/// <param name="Id">Empty where there is no store yet.</param>
/// <param name="Rooms">Closed ones included.</param>
/// <param name="Messages">In rooms that are not closed, nearly.</param>
/// <param name="EpochMax">The highest of rooms that are not closed.</param>
/// <param name="Unfinished">A filling was begun and has not ended.</param>
/// <param name="InUse">Who has it open, for people; null: nobody.</param>
public sealed record ArchiveSummary(string Id, long Rooms, long Messages, long EpochMax, bool Unfinished, string? InUse);

/// <param name="Messages">That are there.</param>
public readonly record struct ArchivedRoom(string Room, bool Closed, long Messages);

/// <param name="Epoch">At which the rooms stand from now on: above all that were given out.</param>
/// <param name="Gap">Revisions that are at the floor or above rise by so much,</param>
/// <param name="Floor">the others to here.</param>
public readonly record struct RoomLift(long Epoch, long Gap, long Floor)
{
    public long Of(long rev) => Restoration.Lift(rev, Gap, Floor);

    /// <summary>Where a room begins of which nothing is there any more.</summary>
    public long First => Of(0);
}

/// <summary>Marks the id of a store that is being filled.</summary>
public static class UnfinishedStore
{
    public const string Prefix = "unfinished-";

    /// <exception cref="MessageStoreDamagedException">The id is that of a store that is being filled.</exception>
    public static void Refuse(string id, string store)
    {
        if (id.StartsWith(Prefix, StringComparison.Ordinal))
        {
            throw new MessageStoreDamagedException($"The message store '{store}' holds a part of what a restore put there, which was interrupted or still goes on. Remedy: run `dchat-server restore` with it again, to its end.");
        }
    }
}

/// <summary>A part of a room. Bounded: whoever reads splits what is long.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "$p")]
[JsonDerivedType(typeof(RoomHead), "room")]
[JsonDerivedType(typeof(RoomMessages), "messages")]
[JsonDerivedType(typeof(RoomAnswers), "answers")]
[JsonDerivedType(typeof(RoomReactions), "reactions")]
[JsonDerivedType(typeof(RoomMarks), "marks")]
public abstract record RoomPiece;

/// <param name="RemovedSeq">Retention removed the messages up to here.</param>
/// <param name="RemovedRev">Resuming below is answered with reset.</param>
public sealed record RoomHead(string Room, long Seq, long Rev, long LastSentAt, long RemovedSeq, long RemovedRev) : RoomPiece;

/// <param name="Messages">In order of <c>seq</c>.</param>
public sealed record RoomMessages(IReadOnlyList<ArchivedMessage> Messages) : RoomPiece;

public sealed record RoomAnswers(IReadOnlyList<ArchivedAnswer> Answers) : RoomPiece;

public sealed record RoomReactions(IReadOnlyList<ArchivedReaction> Reactions) : RoomPiece;

public sealed record RoomMarks(IReadOnlyList<ArchivedMark> Marks) : RoomPiece;

/// <param name="Mentions">Whom it mentions.</param>
public sealed record ArchivedMessage(Message Message, IReadOnlyList<string> Mentions);

/// <summary>The first answer to (room, author, clientId).</summary>
public sealed record ArchivedAnswer(string Author, string ClientId, long Seq, long Rev, long SentAt);

/// <param name="Ordinal">The revision that the reaction took.</param>
public sealed record ArchivedReaction(long Seq, string User, string Emoji, long Ordinal);

public sealed record ArchivedMark(string User, long Seq);

/// <summary>How large a piece may be.</summary>
public static class RoomPieces
{
    /// <summary>Rows of one piece.</summary>
    public const int Rows = 500;

    /// <summary>Characters of the messages of one piece; it ends with the one that passes this.</summary>
    public const int Characters = 256 * 1024;
}
