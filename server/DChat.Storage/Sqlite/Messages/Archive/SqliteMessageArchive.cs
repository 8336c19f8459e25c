using System.Runtime.CompilerServices;
using DChat.Core.Messages;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite.Messages.Archive;

/// <summary>All of a <c>messages.db</c>: read beside the server that has it open, or filled while none has.</summary>
public sealed class SqliteMessageArchive(SqliteMessageStoreOptions options, TimeProvider time) : IMessageArchive
{
    private SqliteArchiveFilling? _filling;

    private bool IsThere => File.Exists(options.Path) && new FileInfo(options.Path).Length > 0;

    public Task<ArchiveSummary> LookAsync(CancellationToken cancellation) => Task.FromResult(Guard(() =>
    {
        var user = FindUser();
        if (!IsThere)
        {
            return new ArchiveSummary("", 0, 0, 0, false, user);
        }

        using var session = OpenBeside();
        var id = session.ReadText("SELECT id FROM store");
        return new ArchiveSummary(
            id,
            Number(session, "SELECT count(*) FROM rooms"),
            Number(session, "SELECT coalesce(sum(seq - removed_seq), 0) FROM rooms WHERE epoch < 9223372036854775807"),
            Number(session, "SELECT coalesce(max(epoch), 0) FROM rooms WHERE epoch < 9223372036854775807"),
            id.StartsWith(UnfinishedStore.Prefix, StringComparison.Ordinal),
            user);
    }));

    public async IAsyncEnumerable<ArchivedRoom> RoomsAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        if (!IsThere)
        {
            yield break;
        }

        foreach (var room in Guard(Rooms))
        {
            yield return room;
        }

        await Task.CompletedTask;
    }

    public async IAsyncEnumerable<RoomPiece> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        using var reader = Guard(() => new SqliteArchiveReader(OpenBeside()));
        using var pieces = reader.Read().GetEnumerator();
        while (Guard(pieces.MoveNext))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return pieces.Current;
        }

        await Task.CompletedTask;
    }

    public async Task<string> BeginFillAsync(string? again, CancellationToken cancellation)
    {
        var found = await LookAsync(cancellation);
        if (found is { Rooms: > 0, Unfinished: false } && found.Id != again)
        {
            throw new MessageStoreUnavailableException($"'{options.Path}' holds {found.Rooms} rooms");
        }

        return Guard(() =>
        {
            var held = Hold();
            try
            {
                _filling = SqliteArchiveFilling.Begin(options, held, time);
                return _filling.Id;
            }
            catch
            {
                held.Dispose();
                throw;
            }
        });
    }

    public Task FillAsync(RoomPiece piece, long epoch, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Guard(() =>
        {
            Filling.Put(piece, epoch);
            return true;
        });
        return Task.CompletedTask;
    }

    public Task EndFillAsync(RoomLift lift, IReadOnlyCollection<string> known, CancellationToken cancellation) => Task.FromResult(Guard(() =>
    {
        Filling.End(lift, known);
        Filling.Dispose();
        _filling = null;
        return true;
    }));

    public Task LiftAsync(RoomLift lift, IReadOnlyCollection<string> known, CancellationToken cancellation)
    {
        Guard(() =>
        {
            using var held = Hold();
            SqliteArchiveFilling.SearchIndex(options);
            using var session = SqliteSession.OpenWriter(options.Path, SqliteSynchronous.Full);
            SqliteMigrations.Apply(session, options.Path, MessageSchema.ApplicationId, MessageSchema.Migrations, time);
            session.Write(() =>
            {
                var reopen = session.Prepare("UPDATE rooms SET epoch = 0, purged = 0 WHERE id = ?1 AND epoch = 9223372036854775807");
                foreach (var room in known)
                {
                    reopen.Bind(1, room).Run();
                }

                session.Prepare("UPDATE rooms SET epoch = ?1, rev = iif(?3 > rev, ?3, rev + ?2), removed_rev = iif(?3 > rev, ?3, rev + ?2) WHERE epoch < 9223372036854775807")
                    .Bind(1, lift.Epoch).Bind(2, lift.Gap).Bind(3, lift.Floor).Run();
                SqliteArchiveFilling.BeginOthers(session, lift, known); // Behind the others, or they would be lifted twice.
                return true;
            });
            return true;
        });
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _filling?.Dispose();
        return ValueTask.CompletedTask;
    }

    private SqliteArchiveFilling Filling => _filling ?? throw new InvalidOperationException("no filling was begun");

    private SqliteSession OpenBeside()
    {
        var session = SqliteSession.OpenBeside(options.Path);
        if (session.ReadText("PRAGMA application_id") != $"{MessageSchema.ApplicationId}" || session.ReadText("SELECT max(version) FROM schema_versions") != $"{MessageSchema.Migrations.Count}")
        {
            session.Dispose();
            throw new SqliteSchemaException($"'{options.Path}' is no message store of this version. Remedy: name another file, or start this version once with it.");
        }

        return session;
    }

    private List<ArchivedRoom> Rooms()
    {
        using var session = OpenBeside();
        var rooms = new List<ArchivedRoom>();
        var row = session.Prepare("SELECT id, epoch, seq - removed_seq FROM rooms");
        while (row.Step())
        {
            rooms.Add(new ArchivedRoom(row.Text(0), row.Int64(1) == RoomRow.ClosedEpoch, row.Int64(2)));
        }

        return rooms;
    }

    private string? FindUser()
    {
        if (_filling is not null || !File.Exists(options.Path + ".lock"))
        {
            return null;
        }

        try
        {
            SqliteLock.Take(options.Path).Dispose();
            return null;
        }
        catch (SqliteInUseException)
        {
            return "another process";
        }
    }

    private SqliteLock Hold()
    {
        try
        {
            return SqliteLock.Take(options.Path);
        }
        catch (SqliteInUseException error)
        {
            throw new MessageStoreUnavailableException(error.Message, error);
        }
    }

    private static long Number(SqliteSession session, string sql) => long.Parse(session.ReadText(sql), System.Globalization.CultureInfo.InvariantCulture);

    private T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException error) when (StoreFailures.TranslateAtOpening(error, options.Path) is { } meaning)
        {
            throw meaning;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MessageStoreUnavailableException($"'{options.Path}' cannot be used now: {error.Message}", error);
        }
    }
}
