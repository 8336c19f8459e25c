using DChat.Core.Messages;
using DChat.Storage.Sqlite.Messages.Search;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>
/// The messages of all rooms in one SQLite file that belongs to this process: one writing thread, several readers beside it,
/// and a search index in a file of its own that follows behind.
/// </summary>
public sealed class SqliteMessageStore : IMessageStore
{
    private readonly SqliteMessageStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly SqliteLock _lock;
    private readonly string _id;
    private readonly StoreWriter _writer;
    private readonly ReaderPool _readers;
    private readonly ReaderPool _searchers;
    private readonly SearchIndexer _indexer;

    private SqliteMessageStore(SqliteMessageStoreOptions options, TimeProvider time, ILogger logger, SqliteLock held, SqliteSession session)
    {
        _options = options;
        _time = time;
        _lock = held;
        _id = session.ReadText("SELECT id FROM store");
        UnfinishedStore.Refuse(_id, options.Path);
        _readers = new ReaderPool(options.Path, options.Readers);
        _searchers = new ReaderPool(options.Path, options.Searchers);
        _indexer = new SearchIndexer(options, _id, time, logger);
        _writer = StoreWriter.Start(options, session);
    }

    public bool IsShared => false;

    public SearchLag SearchLag => _indexer.Dirty.Lag;

    /// <summary>Opens the file, brings its schema up to date and looks at its meta data; not at its content, which would take as long as it is large.</summary>
    /// <exception cref="MessageStoreDamagedException">It is damaged.</exception>
    /// <exception cref="MessageStoreUnavailableException">It cannot be read and written now.</exception>
    /// <exception cref="SqliteSchemaException">It is of a newer version, or not a message store.</exception>
    /// <exception cref="SqliteInUseException">Another process has it.</exception>
    /// <exception cref="SqliteLibraryException">SQLite is not installed.</exception>
    public static SqliteMessageStore Open(SqliteMessageStoreOptions options, TimeProvider time, ILogger<SqliteMessageStore> logger) =>
        Open(options, MessageSchema.Migrations, time, logger);

    public Task<IReadOnlyList<RoomOpening>> OpenAsync(IReadOnlyList<RoomAtEpoch> rooms, CancellationToken cancellation) =>
        _writer.WriteAsync<IReadOnlyList<RoomOpening>>(
            tables =>
            {
                var openings = new RoomOpening[rooms.Count];
                for (var i = 0; i < openings.Length; i++)
                {
                    openings[i] = RoomFence.Open(tables.Rooms, rooms[i]);
                }

                return openings;
            },
            cancellation);

    public async Task<IReadOnlyList<RoomWriteResult>> WriteAsync(IReadOnlyList<RoomWrite> batch, CancellationToken cancellation)
    {
        // The order of rooms matters where rows are locked one by one; here the file is.
        var written = await _writer.WriteAsync(
            tables =>
            {
                var writer = new RoomWriter(tables);
                var rooms = new RoomWriter.Outcome[batch.Count];
                for (var i = 0; i < rooms.Length; i++)
                {
                    rooms[i] = writer.Write(batch[i]);
                }

                return rooms;
            },
            cancellation);
        var results = new RoomWriteResult[written.Length];
        for (var i = 0; i < results.Length; i++)
        {
            var (result, roomKey) = written[i];
            results[i] = result;
            if (result.Status == RoomStatus.Ok && result.Rev != batch[i].Rev)
            {
                _indexer.Dirty.Add(roomKey, batch[i].Rev, result.Rev);
            }
        }

        return results;
    }

    public Task<ChangeAnswer?> FindAnswerAsync(string room, string author, string clientId, CancellationToken cancellation) =>
        _readers.ReadAsync(
            tables => tables.Rooms.FindReadable(room) is { } row ? tables.Answers.Find(row.Key, author, clientId) : null,
            cancellation);

    public Task<ChangesPage> ReadAfterAsync(string room, long afterRev, int limit, string? reader, CancellationToken cancellation)
    {
        ThrowIfNoPage(limit);
        return _readers.ReadAsync(tables => PageReader.After(tables, room, afterRev, limit, reader), cancellation);
    }

    public Task<MessagesPage> ReadBeforeAsync(string room, long? beforeSeq, int limit, string? reader, CancellationToken cancellation)
    {
        ThrowIfNoPage(limit);
        return _readers.ReadAsync(tables => PageReader.Before(tables, room, beforeSeq, limit, reader), cancellation);
    }

    public Task<Message?> FindMessageAsync(string room, long seq, string? reader, CancellationToken cancellation) =>
        _readers.ReadAsync(tables => PageReader.One(tables, room, seq, reader), cancellation);

    public Task<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellation)
    {
        ThrowIfNoPage(query.Limit);
        if (query.After is { } cursor)
        {
            SearchPosition.Parse(cursor);
        }

        if (SearchExpression.Parse(query.Text) is not { } expression)
        {
            return Task.FromResult(new SearchPage([], null));
        }

        // A search may take its whole budget: not on the caller's thread.
        return Task.Run(
            () => _indexer.SearchAsync(
                index => _searchers.ReadAsync(
                    tables =>
                    {
                        var started = _time.GetTimestamp();
                        return new SearchRun(tables, index, expression, query).Run(() => _time.GetElapsedTime(started) >= _options.SearchBudget);
                    },
                    cancellation),
                cancellation),
            cancellation);
    }

    public Task<IReadOnlyList<ReadState>> ReadMarksAsync(string user, IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        _readers.ReadAsync<IReadOnlyList<ReadState>>(
            tables =>
            {
                var states = new ReadState[rooms.Count];
                for (var i = 0; i < states.Length; i++)
                {
                    states[i] = PageReader.ReadMark(tables, user, rooms[i]);
                }

                return states;
            },
            cancellation);

    public Task WriteMarksAsync(IReadOnlyList<ReadMark> marks, CancellationToken cancellation) =>
        _writer.WriteAsync(
            tables =>
            {
                foreach (var mark in marks)
                {
                    if (tables.Rooms.FindReadable(mark.Room) is { } row)
                    {
                        tables.ReadMarks.Raise(row.Key, mark.User, Math.Min(mark.Seq, row.Seq));
                    }
                }

                return true;
            },
            cancellation);

    public Task<IReadOnlyList<long>> ReadEpochsAsync(IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        _readers.ReadAsync<IReadOnlyList<long>>(
            tables =>
            {
                var epochs = new long[rooms.Count];
                for (var i = 0; i < epochs.Length; i++)
                {
                    epochs[i] = tables.Rooms.Epoch(rooms[i]);
                }

                return epochs;
            },
            cancellation);

    public Task<IReadOnlyList<long>> ReadLastSentAsync(IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        _readers.ReadAsync<IReadOnlyList<long>>(
            tables =>
            {
                var sent = new long[rooms.Count];
                for (var i = 0; i < sent.Length; i++)
                {
                    sent[i] = tables.Rooms.FindReadable(rooms[i])?.LastSentAt ?? 0;
                }

                return sent;
            },
            cancellation);

    public async Task CloseAsync(string room, CancellationToken cancellation)
    {
        var row = await _writer.WriteAsync(tables => RoomFence.Close(tables.Rooms, room), cancellation);
        _indexer.Dirty.Add(row.Key, row.Rev, row.Rev);
    }

    public Task<bool> PurgeAsync(int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return _writer.WriteAsync(tables => Retention.Purge(tables, limit), cancellation);
    }

    public async Task<bool> RetainAsync(RoomAtEpoch room, long sentBefore, long keptMs, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(keptMs);
        sentBefore = Math.Min(sentBefore, _time.GetUtcNow().ToUnixTimeMilliseconds() - keptMs);
        var (changed, more) = await _writer.WriteAsync(tables => Retention.Retain(tables, room, sentBefore, limit), cancellation);
        if (changed is { } row)
        {
            _indexer.Dirty.Add(row.Key, row.Rev, row.Rev);
        }

        return more;
    }

    public Task<string> ReadIdAsync(CancellationToken cancellation) => Task.FromResult(_id);

    public async Task CheckAsync(CancellationToken cancellation)
    {
        await _writer.WriteAsync(
            tables =>
            {
                tables.Touch();
                return true;
            },
            cancellation);
        await _readers.ReadAsync(tables => tables.Rooms.Epoch(""), cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        // The writing connection last: whoever is last carries the write-ahead log over into the file.
        await _indexer.DisposeAsync();
        await _readers.DisposeAsync();
        await _searchers.DisposeAsync();
        await _writer.DisposeAsync();
        _lock.Dispose();
    }

    internal static SqliteMessageStore Open(
        SqliteMessageStoreOptions options, IReadOnlyList<SqliteMigration> migrations, TimeProvider time, ILogger<SqliteMessageStore> logger)
    {
        options.Validate();
        SqliteLock? held = null;
        SqliteSession? session = null;
        try
        {
            held = SqliteLock.Take(options.Path);
            session = SqliteSession.OpenWriter(options.Path, options.Synchronous);
            SqliteMigrations.Apply(session, options.Path, MessageSchema.ApplicationId, migrations, time);
            return new SqliteMessageStore(options, time, logger, held, session);
        }
        catch (Exception error)
        {
            session?.Dispose();
            held?.Dispose();
            switch (error)
            {
                case SqliteException sqlite when StoreFailures.TranslateAtOpening(sqlite, options.Path) is { } meaning:
                    throw meaning;
                case IOException or UnauthorizedAccessException:
                    throw new MessageStoreUnavailableException($"'{options.Path}' cannot be used now: {error.Message}", error);
                default:
                    throw;
            }
        }
    }

    /// <summary>Runs SQL on the writing connection, for faults that a test wants to see.</summary>
    internal Task ExecuteOnWriterAsync(string sql) => _writer.ExecuteAsync(sql);

    private static void ThrowIfNoPage(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MessageLimits.Page);
    }
}
