using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>(room, author, clientId) → first answer: what makes every change exactly-once for ever. Only a deleted room loses its answers.</summary>
internal sealed class AnswerTable(SqliteSession session)
{
    private readonly SqliteStatement _find = session.Prepare(
        "SELECT seq, rev, sent_at FROM answers WHERE room_key = ?1 AND author = ?2 AND client_id = ?3");

    private readonly SqliteStatement _insert = session.Prepare("INSERT OR IGNORE INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    private readonly SqliteStatement _purge = session.Prepare(
        """
        DELETE FROM answers WHERE room_key = ?1 AND (author, client_id) IN
            (SELECT author, client_id FROM answers WHERE room_key = ?1 LIMIT ?2)
        """);

    public ChangeAnswer? Find(long roomKey, string author, string clientId)
    {
        ChangeAnswer? answer = _find.Bind(1, roomKey).Bind(2, author).Bind(3, clientId).Step()
            ? new ChangeAnswer(_find.Int64(0), _find.Int64(1), _find.Int64(2))
            : null;
        _find.Reset();
        return answer;
    }

    /// <summary>False, and nothing is written, where there is an answer already.</summary>
    public bool TryInsert(long roomKey, string author, string clientId, ChangeAnswer answer)
    {
        _insert
            .Bind(1, roomKey)
            .Bind(2, author)
            .Bind(3, clientId)
            .Bind(4, answer.Seq)
            .Bind(5, answer.Rev)
            .Bind(6, answer.SentAt)
            .Run();
        return session.Changes > 0;
    }

    /// <summary>Removes up to <paramref name="limit"/> and answers how many.</summary>
    public int Purge(long roomKey, int limit)
    {
        _purge.Bind(1, roomKey).Bind(2, limit).Run();
        return session.Changes;
    }
}
