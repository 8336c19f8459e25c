namespace DChat.Storage.Sqlite.Messages;

/// <summary>How far each user has read each room.</summary>
internal sealed class ReadMarkTable(SqliteSession session)
{
    private readonly SqliteStatement _find = session.Prepare("SELECT seq FROM read_marks WHERE room_key = ?1 AND user = ?2");
    private readonly SqliteStatement _raise = session.Prepare(
        """
        INSERT INTO read_marks(room_key, user, seq) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq
        """);

    private readonly SqliteStatement _purge = session.Prepare("DELETE FROM read_marks WHERE room_key = ?1");

    /// <summary>0 where there is none.</summary>
    public long Find(long roomKey, string user)
    {
        var seq = _find.Bind(1, roomKey).Bind(2, user).Step() ? _find.Int64(0) : 0;
        _find.Reset();
        return seq;
    }

    public void Raise(long roomKey, string user, long seq) => _raise.Bind(1, roomKey).Bind(2, user).Bind(3, seq).Run();

    public void Purge(long roomKey) => _purge.Bind(1, roomKey).Run();
}
