using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>The rows of messages, in the state of their latest change.</summary>
internal sealed class MessageTable(SqliteSession session)
{
    private const string Columns =
        "id, rev, kind, author, client_id, sent_at, body, reply_to, edited_at, deleted_at, files, reactions";

    private readonly SqliteStatement _find = session.Prepare($"SELECT {Columns} FROM messages WHERE id = ?1");
    private readonly SqliteStatement _sentAt = session.Prepare("SELECT sent_at FROM messages WHERE id = ?1");
    private readonly SqliteStatement _mentions = session.Prepare("SELECT mentions FROM messages WHERE id = ?1");
    private readonly SqliteStatement _after = session.Prepare(
        $"SELECT {Columns} FROM messages INDEXED BY messages_rev WHERE room_key = ?1 AND rev > ?2 ORDER BY rev LIMIT ?3");

    private readonly SqliteStatement _before = session.Prepare(
        $"SELECT {Columns} FROM messages WHERE id > ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");

    /// <summary>Appends a message that nobody edited or reacted to yet.</summary>
    private readonly SqliteStatement _insert = session.Prepare(
        """
        INSERT INTO messages(id, room_key, rev, kind, author, client_id, sent_at, body, reply_to, files, mentions)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        """);

    private readonly SqliteStatement _update = session.Prepare(
        "UPDATE messages SET rev = ?2, body = ?3, edited_at = ?4, deleted_at = ?5, files = ?6, reactions = ?7 WHERE id = ?1");

    private readonly SqliteStatement _setMentions = session.Prepare("UPDATE messages SET mentions = ?2 WHERE id = ?1");
    private readonly SqliteStatement _oldest = session.Prepare(
        "SELECT id, rev, sent_at FROM messages WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3");

    private readonly SqliteStatement _mentioning = session.Prepare(
        "SELECT id, mentions FROM messages WHERE id BETWEEN ?1 AND ?2 AND mentions IS NOT NULL");

    private readonly SqliteStatement _delete = session.Prepare("DELETE FROM messages WHERE id BETWEEN ?1 AND ?2");

    public Message? Find(long roomKey, long seq)
    {
        var message = _find.Bind(1, RowId.Of(roomKey, seq)).Step() ? Current(_find) : null;
        _find.Reset();
        return message;
    }

    public long? SentAt(long roomKey, long seq)
    {
        long? sentAt = _sentAt.Bind(1, RowId.Of(roomKey, seq)).Step() ? _sentAt.Int64(0) : null;
        _sentAt.Reset();
        return sentAt;
    }

    public IReadOnlyList<string> Mentions(long roomKey, long seq)
    {
        IReadOnlyList<string> names = _mentions.Bind(1, RowId.Of(roomKey, seq)).Step() ? MessageJson.ReadNames(_mentions.Utf8(0)) : [];
        _mentions.Reset();
        return names;
    }

    /// <summary>Those changed after a rev, lowest rev first.</summary>
    public List<Message> After(long roomKey, long rev, int limit) =>
        Rows(_after.Bind(1, roomKey).Bind(2, rev).Bind(3, limit), limit);

    /// <summary>The newest below a seq, ascending.</summary>
    public List<Message> Before(long roomKey, long seq, int limit)
    {
        var rows = Rows(_before.Bind(1, RowId.Of(roomKey, 0)).Bind(2, RowId.Of(roomKey, seq)).Bind(3, limit), limit);
        rows.Reverse();
        return rows;
    }

    public void Insert(long roomKey, Message message, IReadOnlyList<string> mentions) =>
        _insert
            .Bind(1, RowId.Of(roomKey, message.Seq))
            .Bind(2, roomKey)
            .Bind(3, message.Rev)
            .Bind(4, (long)message.Kind)
            .Bind(5, message.Author)
            .Bind(6, message.ClientId)
            .Bind(7, message.SentAt)
            .Bind(8, message.Body)
            .Bind(9, message.ReplyTo)
            .Bind(10, MessageJson.Write(message.Files))
            .Bind(11, MessageJson.Write(mentions))
            .Run();

    public void Update(long roomKey, Message message) =>
        _update
            .Bind(1, RowId.Of(roomKey, message.Seq))
            .Bind(2, message.Rev)
            .Bind(3, message.Body)
            .Bind(4, message.EditedAt)
            .Bind(5, message.DeletedAt)
            .Bind(6, MessageJson.Write(message.Files))
            .Bind(7, MessageJson.Write(message.Reactions))
            .Run();

    public void SetMentions(long roomKey, long seq, IReadOnlyList<string> mentions) =>
        _setMentions.Bind(1, RowId.Of(roomKey, seq)).Bind(2, MessageJson.Write(mentions)).Run();

    /// <summary>Seq, rev and time of a room's oldest messages from a seq on.</summary>
    public List<(long Seq, long Rev, long SentAt)> Oldest(long roomKey, long fromSeq, int limit)
    {
        var rows = new List<(long, long, long)>();
        _oldest.Bind(1, RowId.Of(roomKey, fromSeq)).Bind(2, RowId.Of(roomKey, RowId.SeqMax)).Bind(3, limit);
        while (_oldest.Step())
        {
            rows.Add((RowId.Seq(_oldest.Int64(0)), _oldest.Int64(1), _oldest.Int64(2)));
        }

        return rows;
    }

    public List<(long Seq, IReadOnlyList<string> Names)> Mentioning(long roomKey, long fromSeq, long toSeq)
    {
        var rows = new List<(long, IReadOnlyList<string>)>();
        _mentioning.Bind(1, RowId.Of(roomKey, fromSeq)).Bind(2, RowId.Of(roomKey, toSeq));
        while (_mentioning.Step())
        {
            rows.Add((RowId.Seq(_mentioning.Int64(0)), MessageJson.ReadNames(_mentioning.Utf8(1))));
        }

        return rows;
    }

    public void Delete(long roomKey, long fromSeq, long toSeq) =>
        _delete.Bind(1, RowId.Of(roomKey, fromSeq)).Bind(2, RowId.Of(roomKey, toSeq)).Run();

    private static List<Message> Rows(SqliteStatement statement, int limit)
    {
        var rows = new List<Message>(Math.Min(limit, MessageLimits.Page));
        while (statement.Step())
        {
            rows.Add(Current(statement));
        }

        return rows;
    }

    /// <summary>The row at which a statement stands whose columns begin with those of a message.</summary>
    internal static Message Current(SqliteStatement row) => new(
        RowId.Seq(row.Int64(0)),
        row.Int64(1),
        (MessageKind)row.Int64(2),
        row.Text(3),
        row.Text(4),
        row.Int64(5),
        row.Text(6),
        row.Int64OrNull(7),
        row.Int64OrNull(8),
        row.Int64OrNull(9),
        MessageJson.ReadFiles(row.Utf8(10)),
        MessageJson.ReadReactions(row.Utf8(11)),
        []);
}
