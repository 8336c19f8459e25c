using DChat.Core.Messages;

namespace DChat.Storage;

/// <summary>Cuts a room's rows into pieces as they are read.</summary>
internal static class PieceSplitter
{
    public static IEnumerable<RoomPiece> Messages(IEnumerable<ArchivedMessage> rows) =>
        Split(rows, row => row.Message.Body.Length, some => new RoomMessages(some));

    public static IEnumerable<RoomPiece> Answers(IEnumerable<ArchivedAnswer> rows) => Split(rows, _ => 0, some => new RoomAnswers(some));

    public static IEnumerable<RoomPiece> Reactions(IEnumerable<ArchivedReaction> rows) => Split(rows, _ => 0, some => new RoomReactions(some));

    public static IEnumerable<RoomPiece> Marks(IEnumerable<ArchivedMark> rows) => Split(rows, _ => 0, some => new RoomMarks(some));

    private static IEnumerable<RoomPiece> Split<T>(IEnumerable<T> rows, Func<T, int> size, Func<IReadOnlyList<T>, RoomPiece> make)
    {
        var some = new List<T>();
        var characters = 0;
        foreach (var row in rows)
        {
            some.Add(row);
            characters += size(row);
            if (some.Count == RoomPieces.Rows || characters > RoomPieces.Characters)
            {
                yield return make(some);
                (some, characters) = ([], 0);
            }
        }

        if (some.Count > 0)
        {
            yield return make(some);
        }
    }
}
