using System.Runtime.CompilerServices;
using DChat.Core.Messages;
using Npgsql;

namespace DChat.Storage.Postgres.Archive;

/// <summary>All messages in a PostgreSQL: read beside the servers, or filled while there are none.</summary>
public sealed class PostgresMessageArchive(PostgresUrl url, TimeProvider time) : IMessageArchive
{
    private const string Summary =
        """
        SELECT (SELECT id FROM store), count(*),
            coalesce(sum(seq - removed_seq) FILTER (WHERE epoch < 9223372036854775807), 0)::bigint,
            coalesce(max(epoch) FILTER (WHERE epoch < 9223372036854775807), 0)
        FROM rooms
        """;

    // Of this database. Only a user's own sessions tell what they are called; servers share a user.
    private const string Users = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^dchat [0-9a-f]{8} '";

    private const string Lift =
        """
        WITH lifted AS (
            SELECT key, CASE WHEN $3 > rev THEN $3 ELSE rev + $2 END AS rev, epoch = 9223372036854775807 AS was_closed FROM rooms
            WHERE epoch < 9223372036854775807 OR id = ANY ($4)
        ), begun AS (
            INSERT INTO rooms (id, epoch, rev, removed_rev, indexed_rev)
            SELECT i.id, $1, $6, $6, $6 FROM unnest($4) AS i (id)
            WHERE NOT EXISTS (SELECT FROM rooms r WHERE r.id = i.id)
        )
        UPDATE rooms r SET epoch = $1, rev = l.rev, removed_rev = l.rev, purged = false,
            indexed_rev = CASE WHEN l.was_closed THEN 0 WHEN r.indexed_rev = r.rev THEN l.rev ELSE r.indexed_rev END,
            indexed_removed = CASE WHEN l.was_closed THEN r.removed_seq ELSE r.indexed_removed END,
            dirty_since = CASE WHEN l.was_closed THEN $5 ELSE r.dirty_since END
        FROM lifted l WHERE l.key = r.key
        """;

    private readonly ArchivePrimary _primary = new(url);
    private PostgresArchiveFilling? _filling;

    public Task<ArchiveSummary> LookAsync(CancellationToken cancellation) => GuardAsync(async () =>
    {
        await using var connection = await _primary.OpenAsync(cancellation);
        if (!await IsThereAsync(connection, cancellation))
        {
            return new ArchiveSummary("", 0, 0, 0, false, null);
        }

        var servers = (long)(await new NpgsqlCommand(Users, connection).ExecuteScalarAsync(cancellation))!;
        await using var command = new NpgsqlCommand(Summary, connection);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        var id = row.GetString(0);
        return new ArchiveSummary(
            id, row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), id.StartsWith(UnfinishedStore.Prefix, StringComparison.Ordinal),
            servers > 0 ? $"servers with {servers} connections" : null);
    });

    public async IAsyncEnumerable<ArchivedRoom> RoomsAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var rooms = await GuardAsync(async () =>
        {
            await using var connection = await _primary.OpenAsync(cancellation);
            var found = new List<ArchivedRoom>();
            if (await IsThereAsync(connection, cancellation))
            {
                await using var command = new NpgsqlCommand("SELECT id, epoch = 9223372036854775807, seq - removed_seq FROM rooms", connection);
                await using var row = await command.ExecuteReaderAsync(cancellation);
                while (await row.ReadAsync(cancellation))
                {
                    found.Add(new ArchivedRoom(row.GetString(0), row.GetBoolean(1), row.GetInt64(2)));
                }
            }

            return found;
        });
        foreach (var room in rooms)
        {
            yield return room;
        }
    }

    public async IAsyncEnumerable<RoomPiece> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await using (var connection = await GuardAsync(() => _primary.OpenAsync(cancellation)))
        {
            await using var pieces = new PostgresArchiveReader(connection).ReadAsync(cancellation).GetAsyncEnumerator(cancellation);
            while (await GuardAsync(() => pieces.MoveNextAsync().AsTask()))
            {
                yield return pieces.Current;
            }
        }

        await ConfirmAsync(cancellation);
    }

    public async Task<string> BeginFillAsync(string? again, CancellationToken cancellation)
    {
        await GuardAsync(async () =>
        {
            PostgresMigrations.Apply(await _primary.SourceAsync(cancellation), url, PostgresMigration.All);
            return true;
        });
        var found = await LookAsync(cancellation);
        RefuseUsed(found);
        if (found is { Rooms: > 0, Unfinished: false } && found.Id != again)
        {
            throw new MessageStoreUnavailableException($"'{url}' holds {found.Rooms} rooms");
        }

        _filling = await GuardAsync(() => PostgresArchiveFilling.BeginAsync(_primary, url, again, time, cancellation));
        return _filling.Id;
    }

    public Task FillAsync(RoomPiece piece, long epoch, CancellationToken cancellation) => GuardAsync(async () =>
    {
        await Filling.PutAsync(piece, epoch, cancellation);
        return true;
    });

    public Task EndFillAsync(RoomLift lift, IReadOnlyCollection<string> known, CancellationToken cancellation) => GuardAsync(async () =>
    {
        await _primary.ConfirmAsync(cancellation); // Before it is waited for: one that was left behind can commit nothing.
        await Filling.EndAsync(lift, known, cancellation);
        await Filling.DisposeAsync();
        _filling = null;
        return true;
    });

    public async Task LiftAsync(RoomLift lift, IReadOnlyCollection<string> known, CancellationToken cancellation)
    {
        RefuseUsed(await LookAsync(cancellation));
        await GuardAsync(async () =>
        {
            PostgresMigrations.Apply(await _primary.SourceAsync(cancellation), url, PostgresMigration.All);
            await using var connection = await _primary.OpenAsync(cancellation);
            await using var command = new NpgsqlCommand(Lift, connection);
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = lift.Epoch });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = lift.Gap });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = lift.Floor });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. known] });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = time.GetUtcNow().ToUnixTimeMilliseconds() });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = lift.First });
            return await command.ExecuteNonQueryAsync(cancellation);
        });
        await ConfirmAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (_filling is not null)
        {
            await _filling.DisposeAsync();
        }

        await _primary.DisposeAsync();
    }

    private PostgresArchiveFilling Filling => _filling ?? throw new InvalidOperationException("no filling was begun");

    private Task<bool> ConfirmAsync(CancellationToken cancellation) => GuardAsync(async () =>
    {
        await _primary.ConfirmAsync(cancellation);
        return true;
    });

    private void RefuseUsed(ArchiveSummary found)
    {
        if (found.InUse is { } who)
        {
            throw new MessageStoreUnavailableException($"'{url}' is in use by {who}");
        }
    }

    private static async Task<bool> IsThereAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        await new NpgsqlCommand($"SELECT to_regclass('{PostgresSources.Schema}.rooms') IS NOT NULL", connection).ExecuteScalarAsync(cancellation) is true;

    private async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception error) when (PostgresFailures.Translate(error, url) is { } meaning)
        {
            throw meaning;
        }
    }
}
