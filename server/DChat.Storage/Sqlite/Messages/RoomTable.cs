namespace DChat.Storage.Sqlite.Messages;

/// <param name="RemovedSeq">Retention removed the messages up to here; all above are there.</param>
/// <param name="RemovedRev">The highest rev that retention removed.</param>
internal readonly record struct RoomRow(long Key, long Epoch, long Seq, long Rev, long LastSentAt, long RemovedSeq, long RemovedRev)
{
    /// <summary>The epoch of a deleted room: none is higher.</summary>
    public const long ClosedEpoch = long.MaxValue;

    public bool Closed => Epoch == ClosedEpoch;

    public bool HasMessage(long seq) => seq > RemovedSeq && seq <= Seq;
}

/// <summary>One row for each room that was ever opened, for ever.</summary>
internal sealed class RoomTable(SqliteSession session)
{
    private const string Columns = "key, epoch, seq, rev, last_sent_at, removed_seq, removed_rev";

    private readonly SqliteStatement _find = session.Prepare($"SELECT {Columns} FROM rooms WHERE id = ?1");
    private readonly SqliteStatement _findKey = session.Prepare($"SELECT {Columns} FROM rooms WHERE key = ?1");
    private readonly SqliteStatement _all = session.Prepare($"SELECT {Columns} FROM rooms");
    private readonly SqliteStatement _epoch = session.Prepare("SELECT epoch FROM rooms WHERE id = ?1");
    private readonly SqliteStatement _toPurge = session.Prepare(
        $"SELECT key FROM rooms WHERE epoch = {RoomRow.ClosedEpoch} AND purged = 0 LIMIT 1");

    private readonly SqliteStatement _insert = session.Prepare("INSERT INTO rooms(id, epoch) VALUES (?1, ?2) RETURNING key");
    private readonly SqliteStatement _setEpoch = session.Prepare("UPDATE rooms SET epoch = ?2 WHERE key = ?1");
    private readonly SqliteStatement _advance = session.Prepare("UPDATE rooms SET seq = ?2, rev = ?3, last_sent_at = ?4 WHERE key = ?1");
    private readonly SqliteStatement _setRemoved = session.Prepare("UPDATE rooms SET removed_seq = ?2, removed_rev = ?3 WHERE key = ?1");
    private readonly SqliteStatement _setPurged = session.Prepare("UPDATE rooms SET purged = 1 WHERE key = ?1");

    public RoomRow? Find(string room) => One(_find.Bind(1, room));

    public RoomRow? Find(long key) => One(_findKey.Bind(1, key));

    /// <summary>The room, or null where it was never opened or is closed: there is nothing to read in it.</summary>
    public RoomRow? FindReadable(string room) => Find(room) is { Closed: false } row ? row : null;

    public List<RoomRow> All()
    {
        var rows = new List<RoomRow>();
        while (_all.Step())
        {
            rows.Add(Current(_all));
        }

        return rows;
    }

    /// <summary>0 where the room was never opened.</summary>
    public long Epoch(string room)
    {
        var epoch = _epoch.Bind(1, room).Step() ? _epoch.Int64(0) : 0;
        _epoch.Reset();
        return epoch;
    }

    public long? FirstToPurge()
    {
        long? key = _toPurge.Step() ? _toPurge.Int64(0) : null;
        _toPurge.Reset();
        return key;
    }

    public RoomRow Insert(string room, long epoch)
    {
        _insert.Bind(1, room).Bind(2, epoch).Step();
        var key = _insert.Int64(0);
        _insert.Run();
        return key <= RowId.RoomKeyMax
            ? new RoomRow(key, epoch, 0, 0, 0, 0, 0)
            : throw new InvalidOperationException($"the message store holds {RowId.RoomKeyMax} rooms and can take no more");
    }

    public void SetEpoch(long key, long epoch) => _setEpoch.Bind(1, key).Bind(2, epoch).Run();

    public void Advance(long key, long seq, long rev, long lastSentAt) =>
        _advance.Bind(1, key).Bind(2, seq).Bind(3, rev).Bind(4, lastSentAt).Run();

    public void SetRemoved(long key, long seq, long rev) => _setRemoved.Bind(1, key).Bind(2, seq).Bind(3, rev).Run();

    public void SetPurged(long key) => _setPurged.Bind(1, key).Run();

    private static RoomRow? One(SqliteStatement statement)
    {
        RoomRow? row = statement.Step() ? Current(statement) : null;
        statement.Reset();
        return row;
    }

    private static RoomRow Current(SqliteStatement row) => new(
        row.Int64(0), row.Int64(1), row.Int64(2), row.Int64(3), row.Int64(4), row.Int64(5), row.Int64(6));
}
