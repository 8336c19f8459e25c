using System.Threading.Channels;
using DChat.Core.Messages;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite.Messages.Search;

/// <summary>How far the index has followed a room.</summary>
/// <param name="Rev">Changes up to here are in.</param>
/// <param name="Seq">The highest seq seen; a message above it cannot be in the index.</param>
/// <param name="RemovedSeq">Removals up to here are followed.</param>
internal readonly record struct IndexMark(long Rev, long Seq, long RemovedSeq);

/// <summary>
/// The full-text index, in a file of its own: it can be made again from the messages, so it need not survive a power cut,
/// may be deleted, and never holds up a message's transaction. It keeps a copy of each body, so that a removal needs no old text.
/// </summary>
internal sealed class SearchIndex : IAsyncDisposable
{
    /// <summary>Raised whenever the tables or the tokenizer change: an index of another version is made anew.</summary>
    private const string Version = "1";

    private readonly string _path;
    private readonly SqliteSession _session;
    private readonly SqliteStatement _mark;
    private readonly SqliteStatement _marks;
    private readonly SqliteStatement _setMark;
    private readonly SqliteStatement _body;
    private readonly SqliteStatement _put;
    private readonly SqliteStatement _delete;
    private readonly SqliteStatement _range;
    private readonly Channel<SearchSession> _readers = Channel.CreateUnbounded<SearchSession>();
    private readonly int _readerCount;

    private SearchIndex(string path, SqliteSession session, int readers)
    {
        _path = path;
        _session = session;
        _readerCount = readers;
        _mark = session.Prepare("SELECT rev, seq, removed_seq FROM rooms WHERE key = ?1");
        _marks = session.Prepare("SELECT key, rev, seq, removed_seq FROM rooms");
        _setMark = session.Prepare("INSERT OR REPLACE INTO rooms(key, rev, seq, removed_seq) VALUES (?1, ?2, ?3, ?4)");
        _body = session.Prepare("SELECT body FROM search WHERE rowid = ?1");
        _put = session.Prepare("INSERT OR REPLACE INTO search(rowid, body) VALUES (?1, ?2)");
        _delete = session.Prepare("DELETE FROM search WHERE rowid = ?1");
        _range = session.Prepare("SELECT rowid FROM search WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid LIMIT ?3");
        for (var i = 0; i < readers; i++)
        {
            _readers.Writer.TryWrite(SearchSession.Open(path));
        }
    }

    /// <summary>Opens the index of a store, or makes an empty one where there is none, or one that cannot be used.</summary>
    /// <param name="store">The id of the store: an index of another is made anew.</param>
    public static SearchIndex Open(string path, string store, int readers)
    {
        var of = $"{store} {Version}";
        try
        {
            return OpenExisting(path, of, readers) ?? Create(path, of, readers);
        }
        catch (SqliteException error) when (SqliteFailures.Classify(error) == SqliteFailure.Damaged)
        {
            return Create(path, of, readers);
        }
    }

    public IndexMark Mark(long roomKey)
    {
        var mark = _mark.Bind(1, roomKey).Step() ? new IndexMark(_mark.Int64(0), _mark.Int64(1), _mark.Int64(2)) : default;
        _mark.Reset();
        return mark;
    }

    public Dictionary<long, IndexMark> Marks()
    {
        var marks = new Dictionary<long, IndexMark>();
        while (_marks.Step())
        {
            marks[_marks.Int64(0)] = new IndexMark(_marks.Int64(1), _marks.Int64(2), _marks.Int64(3));
        }

        return marks;
    }

    /// <summary>Whether a message is in the index with just this body.</summary>
    public bool Holds(long id, string body)
    {
        var holds = _body.Bind(1, id).Step() && _body.Text(0) == body;
        _body.Reset();
        return holds;
    }

    public List<long> Range(long fromId, long toId, int limit)
    {
        var ids = new List<long>();
        _range.Bind(1, fromId).Bind(2, toId).Bind(3, limit);
        while (_range.Step())
        {
            ids.Add(_range.Int64(0));
        }

        return ids;
    }

    /// <summary>Writes bodies (null: remove) and marks in one transaction.</summary>
    /// <param name="bodies">In ascending order of id, which FTS5 takes without cutting its segments small.</param>
    public void Write(IReadOnlyList<(long Id, string? Body)> bodies, IReadOnlyList<(long RoomKey, IndexMark Mark)> marks) =>
        _session.Write(() =>
        {
            foreach (var (id, body) in bodies)
            {
                if (body is null)
                {
                    _delete.Bind(1, id).Run();
                }
                else
                {
                    _put.Bind(1, id).Bind(2, body).Run();
                }
            }

            foreach (var (roomKey, mark) in marks)
            {
                _setMark.Bind(1, roomKey).Bind(2, mark.Rev).Bind(3, mark.Seq).Bind(4, mark.RemovedSeq).Run();
            }

            return true;
        });

    /// <summary>Lends a session for searching.</summary>
    public async Task<T> SearchAsync<T>(Func<SearchSession, Task<T>> search, CancellationToken cancellation)
    {
        SearchSession session;
        try
        {
            session = await _readers.Reader.ReadAsync(cancellation);
        }
        catch (ChannelClosedException)
        {
            throw new MessageStoreUnavailableException($"'{_path}' is being made anew");
        }

        try
        {
            return await search(session);
        }
        finally
        {
            _readers.Writer.TryWrite(session);
        }
    }

    /// <summary>Waits for the searches under way.</summary>
    public async ValueTask DisposeAsync()
    {
        for (var i = 0; i < _readerCount; i++)
        {
            (await _readers.Reader.ReadAsync()).Dispose();
        }

        _readers.Writer.Complete();
        _session.Dispose();
    }

    /// <summary>Deletes the files of an index that nobody has open.</summary>
    public static void Remove(string path)
    {
        foreach (var suffix in (ReadOnlySpan<string>)["", "-wal", "-shm"])
        {
            File.Delete(path + suffix);
        }
    }

    private static SearchIndex? OpenExisting(string path, string of, int readers)
    {
        var session = SqliteSession.OpenWriter(path, SqliteSynchronous.Normal);
        var used = false;
        try
        {
            if (session.ReadText("SELECT count(*) FROM sqlite_schema WHERE name = 'index_of'") == "1"
                && session.ReadText("SELECT store FROM index_of") == of)
            {
                var index = new SearchIndex(path, session, readers);
                used = true;
                return index;
            }

            return null;
        }
        finally
        {
            if (!used)
            {
                session.Dispose();
            }
        }
    }

    private static SearchIndex Create(string path, string of, int readers)
    {
        Remove(path);
        var session = SqliteSession.OpenWriter(path, SqliteSynchronous.Normal);
        try
        {
            session.Write(() =>
            {
                session.Execute($"""
                    CREATE VIRTUAL TABLE search USING fts5(body, tokenize = 'unicode61 remove_diacritics 2', columnsize = 0, prefix = '2 3');
                    CREATE TABLE rooms(key INTEGER PRIMARY KEY, rev INTEGER NOT NULL, seq INTEGER NOT NULL, removed_seq INTEGER NOT NULL) STRICT;
                    CREATE TABLE index_of(store TEXT NOT NULL) STRICT;
                    INSERT INTO index_of(store) VALUES ('{of}');
                    """);
                return true;
            });
            return new SearchIndex(path, session, readers);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }
}
