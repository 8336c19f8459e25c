using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages.Archive;

/// <summary>Puts the pieces of rooms into an empty <c>messages.db</c>: thousands of rows a transaction, and on the disk when all are in.</summary>
internal sealed class SqliteArchiveFilling : IDisposable
{
    private const int RowsATransaction = 10_000;

    private readonly string _path;
    private readonly SqliteLock _lock;
    private readonly MessageTables _tables;
    private readonly SqliteStatement _room;
    private readonly SqliteStatement _reaction;
    private long _key;
    private int _rows;
    private bool _open;

    private SqliteArchiveFilling(string path, SqliteLock held, MessageTables tables)
    {
        (_path, _lock, _tables) = (path, held, tables);
        _room = tables.Session.Prepare(
            "INSERT INTO rooms(id, epoch, seq, rev, last_sent_at, removed_seq, removed_rev) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING key");
        _reaction = tables.Session.Prepare("INSERT INTO reactions(message_id, user, emoji, ordinal) VALUES (?1, ?2, ?3, ?4)");
    }

    /// <summary>Makes the file anew: what is in it was looked at.</summary>
    public static SqliteArchiveFilling Begin(SqliteMessageStoreOptions options, SqliteLock held, TimeProvider time)
    {
        SearchIndex(options);
        foreach (var suffix in (ReadOnlySpan<string>)["", "-wal", "-shm"])
        {
            File.Delete(options.Path + suffix);
        }

        var session = SqliteSession.OpenWriter(options.Path, SqliteSynchronous.Normal);
        try
        {
            SqliteMigrations.Apply(session, options.Path, MessageSchema.ApplicationId, MessageSchema.Migrations, time);
            session.Execute($"UPDATE store SET id = '{UnfinishedStore.Prefix}' || id");
            StoreWriter.Tune(session);
        }
        catch
        {
            session.Dispose();
            throw;
        }

        return new SqliteArchiveFilling(options.Path, held, MessageTables.Over(session));
    }

    /// <summary>Takes the search index away: it is made anew from the messages.</summary>
    public static void SearchIndex(SqliteMessageStoreOptions options) => Search.SearchIndex.Remove(options.SearchPath);

    /// <summary>The rooms that are not there begin without messages, where nobody was.</summary>
    public static void BeginOthers(SqliteSession session, RoomLift lift, IReadOnlyCollection<string> known)
    {
        var begin = session.Prepare("INSERT INTO rooms(id, epoch, rev, removed_rev) VALUES (?1, ?2, ?3, ?3) ON CONFLICT (id) DO NOTHING");
        foreach (var room in known)
        {
            begin.Bind(1, room).Bind(2, lift.Epoch).Bind(3, lift.First).Run();
        }
    }

    public void Put(RoomPiece piece, long epoch)
    {
        EnsureOpen();
        _rows += piece switch
        {
            RoomHead head => Put(head, epoch),
            RoomMessages messages => Put(messages),
            RoomAnswers answers => Put(answers),
            RoomReactions reactions => Put(reactions),
            RoomMarks marks => Put(marks),
            _ => throw new InvalidDataException($"a piece {piece.GetType().Name} is not known"),
        };
        if (_rows >= RowsATransaction)
        {
            Commit();
        }
    }

    /// <summary>The store's id when all is in.</summary>
    public string Id => _tables.Session.ReadText("SELECT id FROM store")[UnfinishedStore.Prefix.Length..];

    public void End(RoomLift lift, IReadOnlyCollection<string> known)
    {
        EnsureOpen();
        BeginOthers(_tables.Session, lift, known);
        Commit();
        _tables.Session.ReadText("PRAGMA wal_checkpoint(TRUNCATE)");
        _tables.Session.Execute($"PRAGMA synchronous = {(int)SqliteSynchronous.Full}");
        _tables.Session.Execute($"UPDATE store SET id = substr(id, {UnfinishedStore.Prefix.Length + 1})");
    }

    public void Dispose()
    {
        _tables.Dispose();
        _lock.Dispose();
    }

    private void EnsureOpen()
    {
        if (!_open)
        {
            _tables.Session.Execute("BEGIN IMMEDIATE");
            _open = true;
        }
    }

    private void Commit()
    {
        if (_open)
        {
            _tables.Session.Execute("COMMIT");
            (_open, _rows) = (false, 0);
        }
    }

    private int Put(RoomHead head, long epoch)
    {
        _room.Bind(1, head.Room).Bind(2, epoch).Bind(3, head.Seq).Bind(4, head.Rev).Bind(5, head.LastSentAt).Bind(6, head.RemovedSeq).Bind(7, head.RemovedRev).Step();
        _key = _room.Int64(0);
        _room.Run();
        return 1;
    }

    private int Put(RoomMessages piece)
    {
        foreach (var (message, mentions) in piece.Messages)
        {
            _tables.Messages.Insert(Key, message, mentions);
            if (message.EditedAt is not null || message.DeletedAt is not null || message.Reactions.Count > 0)
            {
                _tables.Messages.Update(Key, message);
            }

            _tables.Mentions.Insert(Key, message.Seq, mentions);
        }

        return piece.Messages.Count;
    }

    private int Put(RoomAnswers piece)
    {
        foreach (var answer in piece.Answers)
        {
            _tables.Answers.TryInsert(Key, answer.Author, answer.ClientId, new ChangeAnswer(answer.Seq, answer.Rev, answer.SentAt));
        }

        return piece.Answers.Count;
    }

    private int Put(RoomReactions piece)
    {
        foreach (var reaction in piece.Reactions)
        {
            _reaction.Bind(1, RowId.Of(Key, reaction.Seq)).Bind(2, reaction.User).Bind(3, reaction.Emoji).Bind(4, reaction.Ordinal).Run();
        }

        return piece.Reactions.Count;
    }

    private int Put(RoomMarks piece)
    {
        foreach (var mark in piece.Marks)
        {
            _tables.ReadMarks.Raise(Key, mark.User, mark.Seq);
        }

        return piece.Marks.Count;
    }

    private long Key => _key > 0 ? _key : throw new InvalidDataException($"a piece for '{_path}' belongs to no room");
}
