using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>Which messages mention whom, for counting those that are unread. A message row repeats its own, so that they are found again.</summary>
internal sealed class MentionTable(SqliteSession session)
{
    private readonly SqliteStatement _insert = session.Prepare("INSERT OR IGNORE INTO mentions(room_key, user, seq) VALUES (?1, ?2, ?3)");
    private readonly SqliteStatement _delete = session.Prepare("DELETE FROM mentions WHERE room_key = ?1 AND user = ?2 AND seq = ?3");
    private readonly SqliteStatement _count = session.Prepare(
        "SELECT count(*) FROM (SELECT 1 FROM mentions WHERE room_key = ?1 AND user = ?2 AND seq > ?3 LIMIT ?4)");

    public void Insert(long roomKey, long seq, IReadOnlyList<string> users)
    {
        foreach (var user in users)
        {
            _insert.Bind(1, roomKey).Bind(2, user).Bind(3, seq).Run();
        }
    }

    public void Delete(long roomKey, long seq, IReadOnlyList<string> users)
    {
        foreach (var user in users)
        {
            _delete.Bind(1, roomKey).Bind(2, user).Bind(3, seq).Run();
        }
    }

    /// <summary>How many messages after a seq mention the user, counted up to <see cref="MessageLimits.MentionsCounted"/>.</summary>
    public long CountAfter(long roomKey, string user, long seq)
    {
        _count.Bind(1, roomKey).Bind(2, user).Bind(3, seq).Bind(4, MessageLimits.MentionsCounted).Step();
        var count = _count.Int64(0);
        _count.Reset();
        return count;
    }
}
