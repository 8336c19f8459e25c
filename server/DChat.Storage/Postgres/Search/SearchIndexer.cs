using System.Globalization;
using DChat.Core.Messages;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DChat.Storage.Postgres.Search;

/// <summary>
/// Follows the commits with the search index: of all the stores of a cluster the one that holds the lock. How far a room was followed stands
/// in its row, and is written after its words, so whoever takes over goes on there; what was indexed twice is the same.
/// </summary>
internal sealed class SearchIndexer : IAsyncDisposable
{
    /// <summary>Messages of one batch: some tenths of a second of work at most.</summary>
    private const int BatchMessages = 500;

    /// <summary>Rooms of one batch.</summary>
    private const int BatchRooms = 500;

    /// <summary>Of the advisory lock.</summary>
    private const int LockOfIndexer = 2;

    /// <summary>How often a store asks whether it is its turn to index.</summary>
    private static readonly TimeSpan TurnDelay = TimeSpan.FromSeconds(1);

    /// <summary>How long it waits after an error.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private const string Behind =
        """
        SELECT r.id, r.key, r.indexed_rev, r.indexed_removed, r.rev, CASE WHEN r.epoch = 9223372036854775807 THEN r.seq ELSE r.removed_seq END,
            m.id, m.rev, m.kind, m.sent_at, m.body, m.deleted_at IS NOT NULL
        FROM (SELECT * FROM rooms WHERE dirty_since IS NOT NULL ORDER BY dirty_since LIMIT $1) r
        LEFT JOIN LATERAL (
            SELECT * FROM messages c WHERE c.room_key = r.key AND c.rev > r.indexed_rev AND r.epoch < 9223372036854775807 ORDER BY c.rev LIMIT $2) m ON true
        LIMIT $2
        """;

    private const string Put =
        """
        INSERT INTO search (id, sent_at, words)
        SELECT i.id, i.sent_at, fold(i.words)::tsvector FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS i (id, sent_at, words)
        ON CONFLICT (id) DO UPDATE SET words = excluded.words WHERE search.words <> excluded.words
        """;

    private const string Delete = "DELETE FROM search WHERE id = ANY ($1)";

    private const string DeleteRange = "DELETE FROM search WHERE id IN (SELECT id FROM search WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3)";

    // In order of the rooms' ids, as commits lock them.
    private const string Mark =
        """
        UPDATE rooms r SET indexed_rev = i.rev, indexed_removed = i.removed, dirty_since = CASE
            WHEN r.rev > i.rev OR (CASE WHEN r.epoch = 9223372036854775807 THEN r.seq ELSE r.removed_seq END) > i.removed THEN $4::bigint
        END
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS i (key, rev, removed)
        WHERE r.key = i.key
        """;

    private readonly PostgresSources _sources;
    private readonly PostgresMessageStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private bool _failing;

    public SearchIndexer(PostgresSources sources, PostgresMessageStoreOptions options, TimeProvider time, ILogger logger)
    {
        _sources = sources;
        _options = options;
        _time = time;
        _logger = logger;
        Lag = new IndexLag(time);
        _running = Task.Run(RunAsync, CancellationToken.None);
    }

    public IndexLag Lag { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(_stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                if (!_failing && !_stop.IsCancellationRequested)
                {
                    _failing = true;
                    SearchIndexerLog.Failed(_logger, _options.Url.ToString(), error.Message);
                    SearchIndexerLog.Trace(_logger, error);
                }

                await Task.Delay(RetryDelay, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        await using var connection = await _sources.Background.OpenAsync(stop);
        try
        {
            while (!await TakeTurnAsync(connection, stop))
            {
                await Lag.ReadAsync(connection, stop);
                _failing = false;
                await Task.Delay(TurnDelay, _time, stop);
            }

            SearchIndexerLog.Turn(_logger, _options.Url.ToString());
            while (true)
            {
                var started = _time.GetTimestamp();
                var some = await IndexSomeAsync(connection, stop);
                await Lag.ReadAsync(connection, stop);
                _failing = false;

                // Half of the time is left to those who talk.
                await Task.Delay(some ? _time.GetElapsedTime(started) : _options.IndexDelay, _time, stop);
            }
        }
        finally
        {
            // The lock is the session's: it must end with the turn, not go back into the pool.
            _sources.Background.Clear();
        }
    }

    private static async Task<bool> TakeTurnAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        var sql = string.Create(CultureInfo.InvariantCulture, $"SELECT pg_try_advisory_lock({PostgresMigrations.LockClass}, {LockOfIndexer})");
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(stop) is true;
    }

    /// <summary>Indexes a batch; false when nothing was behind.</summary>
    private async Task<bool> IndexSomeAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        var rooms = await ReadAsync(connection, stop);
        if (rooms.Count == 0)
        {
            return false;
        }

        foreach (var room in rooms.Where(room => room.Removed < room.RemovedSeq))
        {
            await RemoveAsync(connection, room, stop);
        }

        var removed = rooms.SelectMany(room => room.Deleted).ToArray();
        if (removed.Length > 0)
        {
            await RunAsync(connection, Delete, stop, removed);
        }

        var put = rooms.SelectMany(room => room.Posted).OrderBy(post => post.Id).ToList();
        if (put.Count > 0)
        {
            await RunAsync(connection, Put, stop, put.ConvertAll(post => post.Id).ToArray(), put.ConvertAll(post => post.SentAt).ToArray(), put.ConvertAll(post => SearchWords.Vector(post.Id, post.Body)).ToArray());
        }

        rooms.Sort((a, b) => string.CompareOrdinal(a.Id, b.Id));
        await RunAsync(
            connection,
            Mark,
            stop,
            rooms.ConvertAll(room => room.Key).ToArray(),
            rooms.ConvertAll(room => room.Rev).ToArray(),
            rooms.ConvertAll(room => room.Removed).ToArray(),
            _time.GetUtcNow().ToUnixTimeMilliseconds());
        return true;
    }

    private static async Task<List<RoomBehind>> ReadAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand(Behind, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = BatchRooms });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = BatchMessages });
        var rooms = new List<RoomBehind>();
        var rows = 0;
        await using var row = await command.ExecuteReaderAsync(stop);
        for (; await row.ReadAsync(stop); rows++)
        {
            var key = row.GetInt64(1);
            if (rooms.Count == 0 || rooms[^1].Key != key)
            {
                rooms.Add(new RoomBehind(row.GetString(0), key, row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5)));
            }

            if (!await row.IsDBNullAsync(6, stop))
            {
                rooms[^1].Follow(row.GetInt64(6), row.GetInt64(7), (MessageKind)row.GetInt16(8), row.GetInt64(9), row.GetString(10), row.GetBoolean(11));
            }
        }

        // Of the last room there may be more.
        for (var i = 0; i < rooms.Count; i++)
        {
            rooms[i].Finish(complete: rows < BatchMessages || i < rooms.Count - 1);
        }

        return rooms;
    }

    private static async Task RemoveAsync(NpgsqlConnection connection, RoomBehind room, CancellationToken stop)
    {
        var (from, to) = (RowId.Of(room.Key, room.Removed + 1), RowId.Of(room.Key, room.RemovedSeq));
        if (await RunAsync(connection, DeleteRange, stop, from, to, (long)BatchMessages) < BatchMessages)
        {
            room.Removed = room.RemovedSeq;
        }
    }

    private static async Task<int> RunAsync(NpgsqlConnection connection, string sql, CancellationToken stop, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return await command.ExecuteNonQueryAsync(stop);
    }

    /// <summary>A room that the index is behind of, and what there is to do.</summary>
    /// <param name="rev">Changes up to here are followed.</param>
    /// <param name="removed">Removals up to here are followed.</param>
    /// <param name="newestRev">The room's.</param>
    /// <param name="removedSeq">Nothing stays of the messages up to here.</param>
    private sealed class RoomBehind(string id, long key, long rev, long removed, long newestRev, long removedSeq)
    {
        private long _last = rev;

        public string Id => id;

        public long Key => key;

        public long Rev { get; private set; } = rev;

        public long Removed { get; set; } = removed;

        public long RemovedSeq => removedSeq;

        public List<(long Id, long SentAt, string Body)> Posted { get; } = [];

        public List<long> Deleted { get; } = [];

        public void Follow(long message, long changedAt, MessageKind kind, long sentAt, string body, bool deleted)
        {
            _last = changedAt;
            if (deleted)
            {
                Deleted.Add(message);
            }
            else if (kind != MessageKind.System)
            {
                Posted.Add((message, sentAt, body));
            }
        }

        public void Finish(bool complete) => Rev = complete ? newestRev : _last;
    }
}

internal static partial class SearchIndexerLog
{
    [LoggerMessage(EventId = 5101, Level = LogLevel.Information, Message = "This process now keeps the search index of {Store}")]
    public static partial void Turn(ILogger logger, string store);

    [LoggerMessage(EventId = 5102, Level = LogLevel.Warning, Message = "The search index of {Store} cannot be followed from here; trying again every second until it can: {Why}")]
    public static partial void Failed(ILogger logger, string store, string why);

    [LoggerMessage(EventId = 5103, Level = LogLevel.Debug, Message = "Why the search index cannot be followed")]
    public static partial void Trace(ILogger logger, Exception error);
}
