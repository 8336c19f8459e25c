using DChat.Core.Messages;
using Npgsql;

namespace DChat.Storage.Postgres.Search;

/// <summary>How far the index is behind, as the server last told it, and what this store has written since it was asked.</summary>
internal sealed class IndexLag(TimeProvider time)
{
    // A restore lifts revisions by far more than there are messages.
    private const string Sql = "SELECT coalesce(sum(least(rev - indexed_rev, seq - removed_seq)), 0)::bigint, min(dirty_since) FROM rooms WHERE dirty_since IS NOT NULL";

    private readonly Lock _lock = new();
    private SearchLag _told;
    private long _written;
    private long _writtenSince;

    public SearchLag Current
    {
        get
        {
            lock (_lock)
            {
                return _written == 0
                    ? _told
                    : new SearchLag(_told.Messages + _written, Math.Max(_told.OldestAgeMs, (long)time.GetElapsedTime(_writtenSince).TotalMilliseconds));
            }
        }
    }

    public void Wrote(long changes)
    {
        lock (_lock)
        {
            _writtenSince = _written == 0 ? time.GetTimestamp() : _writtenSince;
            _written += changes;
        }
    }

    public async Task ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var (before, asked) = (_written, time.GetTimestamp());
        await using var command = new NpgsqlCommand(Sql, connection);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        var since = await row.IsDBNullAsync(1, cancellation) ? (long?)null : row.GetInt64(1);
        lock (_lock)
        {
            _told = since is { } oldest
                ? new SearchLag(Math.Max(1, row.GetInt64(0)), Math.Max(0, time.GetUtcNow().ToUnixTimeMilliseconds() - oldest))
                : default;
            _written -= before;
            _writtenSince = asked;
        }
    }
}
