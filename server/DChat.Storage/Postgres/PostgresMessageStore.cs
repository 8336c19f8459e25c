using DChat.Core.Messages;
using DChat.Storage.Postgres.Messages;
using DChat.Storage.Postgres.Search;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace DChat.Storage.Postgres;

/// <summary>
/// The messages of all rooms in PostgreSQL, for as many hosts as there are: what keeps them apart is the epoch in each room's row, judged
/// under that row's lock by the one statement that writes.
/// </summary>
public sealed class PostgresMessageStore : IMessageStore
{
    /// <summary>Read marks in one statement.</summary>
    private const int MarksAtOnce = 1_000;

    private readonly PostgresMessageStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly Strays _strays = new();
    private readonly PostgresSources _sources;
    private readonly PostgresPipeline _reads;
    private readonly PostgresPipeline _hosting;
    private readonly AbandonedWrites _abandoned;
    private readonly RoomCommits _commits;
    private readonly PageReader _pages;
    private readonly MarkReader _marks;
    private readonly SearchIndexer _indexer;
    private volatile bool _hasChecked;

    private PostgresMessageStore(PostgresMessageStoreOptions options, TimeProvider time, ILogger logger)
    {
        _options = options;
        _time = time;
        _sources = new PostgresSources(options.Url, _strays, time, logger);
        _reads = new PostgresPipeline(options.Url, _strays, time, _sources.Doubt);
        _hosting = new PostgresPipeline(options.Url, _strays, time, _sources.Doubt, _sources.Hosting.GiveUp);
        _abandoned = new AbandonedWrites(_sources, options.Url);
        _commits = new RoomCommits(_sources, new PostgresPipeline(options.Url, _strays, time, _sources.Doubt, _sources.Writer.GiveUp), _abandoned, options.Url, time, logger);
        _pages = new PageReader(_sources.Reader);
        _marks = new MarkReader(_sources.Reader, _reads, options.Url, time);
        _indexer = new SearchIndexer(_sources, options, time, logger);
    }

    public bool IsShared => true;

    public SearchLag SearchLag => _indexer.Lag.Current;

    /// <summary>Connects and brings the schema up to date; several processes may do so at once.</summary>
    /// <exception cref="MessageStoreUnavailableException">It cannot be reached, read and written now.</exception>
    /// <exception cref="PostgresSchemaException">It is of a newer version, or cannot hold the tables.</exception>
    public static PostgresMessageStore Open(PostgresMessageStoreOptions options, TimeProvider time, ILogger<PostgresMessageStore> logger) =>
        Open(options, PostgresMigration.All, time, logger);

    public async Task<IReadOnlyList<RoomOpening>> OpenAsync(IReadOnlyList<RoomAtEpoch> rooms, CancellationToken cancellation)
    {
        foreach (var room in rooms)
        {
            if (room.Epoch is < 1 or long.MaxValue)
            {
                throw new ArgumentOutOfRangeException(nameof(rooms), room.Epoch, "an epoch is at least 1 and below that of closed rooms");
            }
        }

        if (rooms.Count == 0)
        {
            return [];
        }

        var order = Enumerable.Range(0, rooms.Count).OrderBy(i => rooms[i].Room, StringComparer.Ordinal).ToArray();
        return await _hosting.RunAsync<IReadOnlyList<RoomOpening>>(
            async limited =>
            {
                await _abandoned.EndAsync(limited);
                await using var connection = await _sources.Hosting.OpenAsync(limited);
                await using var command = new NpgsqlCommand("SELECT * FROM open_rooms($1, $2)", connection);
                command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(order, i => rooms[i].Room) });
                command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = Array.ConvertAll(order, i => rooms[i].Epoch) });
                var openings = new RoomOpening[rooms.Count];
                await using var row = await command.ExecuteReaderAsync(CancellationToken.None); // It is never cancelled: what it waits for may be a standby.
                for (var at = 0; await row.ReadAsync(CancellationToken.None); at++)
                {
                    openings[order[at]] = new RoomOpening((RoomStatus)row.GetInt16(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3));
                }

                await row.NextResultAsync(CancellationToken.None); // The commit.
                return openings;
            },
            cancellation);
    }

    public async Task<IReadOnlyList<RoomWriteResult>> WriteAsync(IReadOnlyList<RoomWrite> batch, CancellationToken cancellation)
    {
        // Not in the middle: the outcome would be unknown.
        cancellation.ThrowIfCancellationRequested();
        if (batch.Count == 0)
        {
            return [];
        }

        var results = await _commits.WriteAsync(batch);
        var changes = 0L;
        for (var i = 0; i < results.Count; i++)
        {
            changes += results[i].Status == RoomStatus.Ok ? results[i].Rev - batch[i].Rev : 0;
        }

        _indexer.Lag.Wrote(changes);
        return results;
    }

    public Task<ChangeAnswer?> FindAnswerAsync(string room, string author, string clientId, CancellationToken cancellation) =>
        AskAsync(limited => _pages.FindAnswerAsync(room, author, clientId, limited), cancellation);

    public Task<ChangesPage> ReadAfterAsync(string room, long afterRev, int limit, string? reader, CancellationToken cancellation)
    {
        ThrowIfNoPage(limit);
        return AskAsync(limited => _pages.AfterAsync(room, afterRev, limit, reader, limited), cancellation);
    }

    public Task<MessagesPage> ReadBeforeAsync(string room, long? beforeSeq, int limit, string? reader, CancellationToken cancellation)
    {
        ThrowIfNoPage(limit);
        return AskAsync(limited => _pages.BeforeAsync(room, beforeSeq, limit, reader, limited), cancellation);
    }

    public Task<Message?> FindMessageAsync(string room, long seq, string? reader, CancellationToken cancellation) =>
        AskAsync(limited => _pages.FindAsync(room, seq, reader, limited), cancellation);

    public async Task<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellation)
    {
        ThrowIfNoPage(query.Limit);
        if (query.After is { } cursor)
        {
            SearchPosition.Parse(cursor);
        }

        if (SearchWords.Query(query.Text) is not { } words)
        {
            return new SearchPage([], null);
        }

        var started = _time.GetTimestamp();
        return await AskAsync(
            limited => new SearchRun(_sources.Reader, query, words).RunAsync(() => _time.GetElapsedTime(started) >= _options.SearchBudget, limited),
            cancellation);
    }

    public Task<IReadOnlyList<ReadState>> ReadMarksAsync(string user, IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        _marks.ReadAsync(user, rooms, cancellation);

    public async Task WriteMarksAsync(IReadOnlyList<ReadMark> marks, CancellationToken cancellation)
    {
        foreach (var some in marks.Chunk(MarksAtOnce))
        {
            await RunAmongReadersAsync(
                """
                INSERT INTO read_marks (room_key, user_name, seq)
                SELECT r.key, i.user_name, max(least(i.seq, r.seq))
                FROM unnest($1, $2, $3) AS i (user_name, room, seq)
                JOIN rooms r ON r.id = i.room AND r.epoch < 9223372036854775807
                GROUP BY r.key, i.user_name ORDER BY r.key, i.user_name
                ON CONFLICT (room_key, user_name) DO UPDATE SET seq = excluded.seq WHERE read_marks.seq < excluded.seq
                """,
                cancellation,
                Array.ConvertAll(some, mark => mark.User),
                Array.ConvertAll(some, mark => mark.Room),
                Array.ConvertAll(some, mark => mark.Seq));
        }
    }

    public Task<IReadOnlyList<long>> ReadEpochsAsync(IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        _hosting.RunAsync(limited => PageReader.EpochsAsync(_sources.Hosting, rooms, limited), cancellation);

    public Task<IReadOnlyList<long>> ReadLastSentAsync(IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        AskAsync(limited => _pages.LastSentAsync(rooms, limited), cancellation);

    public Task CloseAsync(string room, CancellationToken cancellation) =>
        RunAmongReadersAsync("SELECT close_room($1, $2)", cancellation, room, Now());

    public async Task<bool> PurgeAsync(int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return await RunAmongReadersAsync("SELECT purge_rooms($1)", cancellation, limit) is true;
    }

    public async Task<bool> RetainAsync(RoomAtEpoch room, long sentBefore, long keptMs, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(keptMs);
        return await RunAmongReadersAsync("SELECT retain_room_at($1, $2, $3, $4, $5, $6)", cancellation, room.Room, room.Epoch, sentBefore, keptMs, limit, Now()) is true;
    }

    public Task<string> ReadIdAsync(CancellationToken cancellation) => AskAsync(
        async limited =>
        {
            await using var connection = await _sources.Reader.OpenAsync(limited);
            await using var command = new NpgsqlCommand("SELECT id FROM store", connection);
            return (string)(await command.ExecuteScalarAsync(limited))!;
        },
        cancellation);

    public async Task CheckAsync(CancellationToken cancellation)
    {
        try
        {
            await RunAsync(
                "INSERT INTO store_checks (process, at) VALUES ($1, now()) ON CONFLICT (process) DO UPDATE SET at = excluded.at", cancellation, _sources.Process);
            if (!_hasChecked)
            {
                // The rows of processes that are gone. Each leaves one, and each takes those that it finds.
                await RunAsync(
                    "DELETE FROM store_checks WHERE process IN (SELECT process FROM store_checks WHERE at < now() - interval '1 day' FOR UPDATE SKIP LOCKED)", cancellation);
                _hasChecked = true;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            _sources.Doubt(new TimeoutException()); // Whoever asks waits no longer than a call may take.
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _indexer.DisposeAsync();
        await _strays.DisposeAsync();
        await _sources.DisposeAsync();
    }

    internal static PostgresMessageStore Open(
        PostgresMessageStoreOptions options, IReadOnlyList<PostgresMigration> migrations, TimeProvider time, ILogger<PostgresMessageStore> logger)
    {
        options.Validate();
        try
        {
            using var setup = PostgresSources.ForSetup(options.Url);
            PostgresMigrations.Apply(setup, options.Url, migrations);
            UnfinishedStore.Refuse(ReadId(setup), options.Url.ToString());
        }
        catch (Exception error) when (PostgresFailures.Translate(error, options.Url) is { } meaning)
        {
            throw meaning;
        }

        return new PostgresMessageStore(options, time, logger);
    }

    private static string ReadId(NpgsqlDataSource source)
    {
        using var command = source.CreateCommand("SELECT id FROM store");
        return (string)command.ExecuteScalar()!;
    }

    private Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellation) => _reads.RunAsync(ask, cancellation);

    private Task<object?> RunAsync(string sql, CancellationToken cancellation, params object[] values) =>
        RunAsync(_hosting, _sources.Hosting, sql, values, cancellation);

    private Task<object?> RunAmongReadersAsync(string sql, CancellationToken cancellation, params object[] values) =>
        RunAsync(_reads, _sources.Reader, sql, values, cancellation);

    private static Task<object?> RunAsync(PostgresPipeline pipeline, PostgresPool pool, string sql, object[] values, CancellationToken cancellation) => pipeline.RunAsync(
        async limited =>
        {
            await using var connection = await pool.OpenAsync(limited);
            await using var command = new NpgsqlCommand(sql, connection);
            foreach (var value in values)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            }

            return await command.ExecuteScalarAsync(limited);
        },
        cancellation);

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private static void ThrowIfNoPage(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MessageLimits.Page);
    }
}
