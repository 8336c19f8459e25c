using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages.Archive;

/// <summary>Reads a whole <c>messages.db</c> beside the process that writes it, each room in a transaction of its own, so that the write-ahead log does not grow for as long as all takes.</summary>
internal sealed class SqliteArchiveReader : IDisposable
{
    private const string MessageColumns = "id, rev, kind, author, client_id, sent_at, body, reply_to, edited_at, deleted_at, files, reactions, mentions";

    private readonly SqliteSession _session;
    private readonly SqliteStatement _nextRoom;
    private readonly SqliteStatement _messages;
    private readonly SqliteStatement _answers;
    private readonly SqliteStatement _reactions;
    private readonly SqliteStatement _marks;

    public SqliteArchiveReader(SqliteSession session)
    {
        _session = session;
        _nextRoom = session.Prepare("SELECT key, id, seq, rev, last_sent_at, removed_seq, removed_rev FROM rooms WHERE key > ?1 AND epoch < 9223372036854775807 ORDER BY key LIMIT 1");
        _messages = session.Prepare($"SELECT {MessageColumns} FROM messages WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
        _answers = session.Prepare("SELECT author, client_id, seq, rev, sent_at FROM answers WHERE room_key = ?1 ORDER BY author, client_id");
        _reactions = session.Prepare("SELECT message_id, user, emoji, ordinal FROM reactions WHERE message_id BETWEEN ?1 AND ?2 ORDER BY message_id, user, emoji");
        _marks = session.Prepare("SELECT user, seq FROM read_marks WHERE room_key = ?1 ORDER BY user");
    }

    public IEnumerable<RoomPiece> Read()
    {
        for (var key = 0L; ;)
        {
            _session.Execute("BEGIN");
            try
            {
                if (!_nextRoom.Bind(1, key).Step())
                {
                    yield break;
                }

                key = _nextRoom.Int64(0);
                var head = new RoomHead(_nextRoom.Text(1), _nextRoom.Int64(2), _nextRoom.Int64(3), _nextRoom.Int64(4), _nextRoom.Int64(5), _nextRoom.Int64(6));
                _nextRoom.Reset();
                yield return head;
                var room = PieceSplitter.Messages(Messages(key))
                    .Concat(PieceSplitter.Answers(Answers(key)))
                    .Concat(PieceSplitter.Reactions(Reactions(key)))
                    .Concat(PieceSplitter.Marks(Marks(key)));
                foreach (var piece in room)
                {
                    yield return piece;
                }
            }
            finally
            {
                Reset();
                _session.Execute("ROLLBACK"); // Nothing was written.
            }
        }
    }

    public void Dispose() => _session.Dispose();

    private IEnumerable<ArchivedMessage> Messages(long key)
    {
        _messages.Bind(1, RowId.Of(key, 0)).Bind(2, RowId.Of(key, RowId.SeqMax));
        while (_messages.Step())
        {
            yield return new ArchivedMessage(MessageTable.Current(_messages), MessageJson.ReadNames(_messages.Utf8(12)));
        }
    }

    private IEnumerable<ArchivedAnswer> Answers(long key)
    {
        _answers.Bind(1, key);
        while (_answers.Step())
        {
            yield return new ArchivedAnswer(_answers.Text(0), _answers.Text(1), _answers.Int64(2), _answers.Int64(3), _answers.Int64(4));
        }
    }

    private IEnumerable<ArchivedReaction> Reactions(long key)
    {
        _reactions.Bind(1, RowId.Of(key, 0)).Bind(2, RowId.Of(key, RowId.SeqMax));
        while (_reactions.Step())
        {
            yield return new ArchivedReaction(RowId.Seq(_reactions.Int64(0)), _reactions.Text(1), _reactions.Text(2), _reactions.Int64(3));
        }
    }

    private IEnumerable<ArchivedMark> Marks(long key)
    {
        _marks.Bind(1, key);
        while (_marks.Step())
        {
            yield return new ArchivedMark(_marks.Text(0), _marks.Int64(1));
        }
    }

    private void Reset()
    {
        foreach (var statement in (SqliteStatement[])[_nextRoom, _messages, _answers, _reactions, _marks])
        {
            statement.Reset();
        }
    }
}
