using System.Runtime.CompilerServices;
using DChat.Core.ControlLog;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite;

/// <summary>
/// The control log of a single coordinator: one file, owned by one process. Every campaign raises the term durably,
/// so a term is never used twice, whatever was killed.
/// </summary>
/// <remarks>The file has one writer connection and one for reading; statements are short, so they run on the caller's thread.</remarks>
public sealed class SqliteControlLog : IControlLog
{
    private const int FollowPageEntries = 64;

    private readonly string _path;
    private readonly SqliteLock _owner;
    private readonly SqliteConnection _writer;
    private readonly SqliteConnection _reader;
    private readonly SemaphoreSlim _write = new(1);
    private readonly SemaphoreSlim _read = new(1);
    private readonly SemaphoreSlim _seat = new(1);
    private readonly CancellationTokenSource _closed = new();
    private readonly ChangeSignal _committed = new();
    private LocalLeadership? _leader;
    private int _disposed;

    private SqliteControlLog(string path, SqliteLock owner, SqliteConnection writer, SqliteConnection reader) =>
        (_path, _owner, _writer, _reader) = (path, owner, writer, reader);

    /// <summary>Opens the log, or makes an empty one, and checks every entry in it.</summary>
    /// <exception cref="ControlLogDamagedException">An entry is missing or not as it was written.</exception>
    /// <exception cref="ControlLogUnavailableException">The file cannot be read or written.</exception>
    /// <exception cref="SqliteInUseException">Another process has the file.</exception>
    public static SqliteControlLog Open(string path)
    {
        SqliteLock? owner = null;
        SqliteConnection? writer = null;
        SqliteConnection? reader = null;
        try
        {
            owner = SqliteLock.Take(path);
            writer = SqliteFile.Open(path, SqliteSynchronous.Full);
            ControlLogSchema.Migrate(writer, path);
            ControlLogSchema.Verify(writer, path, ReadState(writer, path));
            reader = SqliteFile.Open(path, SqliteSynchronous.Full);
            return new SqliteControlLog(path, owner, writer, reader);
        }
        catch (Exception error)
        {
            reader?.Dispose();
            writer?.Dispose();
            owner?.Dispose();
            if (Translate(error, path) is { } translated)
            {
                throw translated;
            }

            throw;
        }
    }

    public async Task<ILeadership> CampaignAsync(string advertise, CancellationToken cancellation)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closed.Token);
        await _seat.WaitAsync(linked.Token);
        try
        {
            var term = await WriteAsync(transaction =>
            {
                using var raise = Command(transaction, "UPDATE log_state SET term = term + 1 RETURNING term");
                return Convert.ToInt64(raise.ExecuteScalar());
            }, linked.Token);
            var leadership = new LocalLeadership(term, advertise, Resign);
            Volatile.Write(ref _leader, leadership);
            return leadership;
        }
        catch
        {
            _seat.Release();
            throw;
        }
    }

    public Task<LeaderInfo?> ReadLeaderAsync(CancellationToken cancellation) => Task.FromResult(Volatile.Read(ref _leader)?.Info);

    public async Task<AppendOutcome> AppendAsync(long term, long index, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        ControlLogArguments.CheckAppend(term, index, payload);
        var outcome = await WriteAsync(transaction => Append(transaction, term, index, payload), cancellation);
        if (outcome == AppendOutcome.Committed)
        {
            _committed.Raise();
        }

        return outcome;
    }

    public Task<LogBounds> ReadBoundsAsync(CancellationToken cancellation) => ReadAsync(() =>
    {
        var state = ReadState(_reader, _path);
        return new LogBounds(state.First, state.Last);
    }, cancellation);

    public async IAsyncEnumerable<LogEntry> FollowAsync(long fromIndex, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(fromIndex);
        for (var next = fromIndex; ;)
        {
            cancellation.ThrowIfCancellationRequested();
            var more = _committed.Next;
            var from = next;
            var page = await ReadAsync(() => ReadPage(from), cancellation);
            foreach (var entry in page)
            {
                yield return entry;
                next++;
            }

            if (page.Count == 0)
            {
                await more.WaitAsync(cancellation);
            }
        }
    }

    public async Task<bool> TruncateAsync(long term, long throughIndex, CancellationToken cancellation)
    {
        var done = await WriteAsync(transaction =>
        {
            if (Volatile.Read(ref _leader)?.Term != term)
            {
                return false;
            }

            var state = ReadState(_writer, _path);
            var through = Math.Min(throughIndex, state.Last);
            if (through >= state.First)
            {
                using var delete = Command(transaction, "DELETE FROM log_entry WHERE idx <= $through; UPDATE log_state SET first = $through + 1");
                delete.Parameters.AddWithValue("$through", through);
                delete.ExecuteNonQuery();
            }

            return true;
        }, cancellation);
        _committed.Raise();
        return done;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _closed.CancelAsync();
        if (Volatile.Read(ref _leader) is { } leader)
        {
            Resign(leader);
        }

        await _read.WaitAsync(CancellationToken.None);
        _reader.Dispose();
        await _write.WaitAsync(CancellationToken.None);
        _writer.Dispose();
        _owner.Dispose();
        _read.Release();
        _write.Release();
        _committed.Raise();
    }

    private AppendOutcome Append(SqliteTransaction transaction, long term, long index, ReadOnlyMemory<byte> payload)
    {
        var state = ReadState(_writer, _path);
        if (index < state.First)
        {
            return AppendOutcome.WrongIndex;
        }

        var hash = ControlLogSchema.Hash(index, term, payload.Span);
        if (index <= state.Last && IsThere(transaction, index, hash))
        {
            return AppendOutcome.Committed;
        }

        if (Volatile.Read(ref _leader)?.Term != term)
        {
            return AppendOutcome.Fenced;
        }

        if (index != state.Last + 1)
        {
            return AppendOutcome.WrongIndex;
        }

        using var insert = Command(transaction, "INSERT INTO log_entry VALUES ($index, $term, $hash, $payload); UPDATE log_state SET last = $index");
        insert.Parameters.AddWithValue("$index", index);
        insert.Parameters.AddWithValue("$term", term);
        insert.Parameters.AddWithValue("$hash", hash);
        insert.Parameters.AddWithValue("$payload", payload.ToArray());
        insert.ExecuteNonQuery();
        return AppendOutcome.Committed;
    }

    private bool IsThere(SqliteTransaction transaction, long index, byte[] hash)
    {
        using var select = Command(transaction, "SELECT 1 FROM log_entry WHERE idx = $index AND hash = $hash");
        select.Parameters.AddWithValue("$index", index);
        select.Parameters.AddWithValue("$hash", hash);
        return select.ExecuteScalar() is not null;
    }

    private List<LogEntry> ReadPage(long from)
    {
        using var transaction = _reader.BeginTransaction(deferred: true);
        var state = ReadState(_reader, _path);
        if (from < state.First)
        {
            throw new EntryTruncatedException(from, state.First);
        }

        var page = new List<LogEntry>();
        using var select = _reader.CreateCommand();
        select.CommandText = $"SELECT idx, term, hash, payload FROM log_entry WHERE idx >= $from ORDER BY idx LIMIT {FollowPageEntries}";
        select.Parameters.AddWithValue("$from", from);
        using var reader = select.ExecuteReader();
        while (reader.Read())
        {
            page.Add(ControlLogSchema.ReadEntry(reader, from + page.Count, _path));
        }

        return page.Count > 0 || from > state.Last ? page : throw ControlLogSchema.Damaged(_path, from, "is missing");
    }

    private static ControlLogState ReadState(SqliteConnection connection, string path)
    {
        using var select = connection.CreateCommand();
        select.CommandText = "SELECT term, first, last FROM log_state WHERE id = 1";
        using var reader = select.ExecuteReader();
        return reader.Read()
            ? new ControlLogState(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2))
            : throw ControlLogSchema.Damaged(path, 0, "(the table log_state) is missing");
    }

    private static SqliteCommand Command(SqliteTransaction transaction, string sql)
    {
        var command = transaction.Connection!.CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        return command;
    }

    private async Task<T> WriteAsync<T>(Func<SqliteTransaction, T> work, CancellationToken cancellation)
    {
        await _write.WaitAsync(cancellation);
        try
        {
            return Transact(work);
        }
        catch (Exception error) when (Translate(error, _path) is { } translated)
        {
            throw translated;
        }
        finally
        {
            _write.Release();
        }
    }

    private T Transact<T>(Func<SqliteTransaction, T> work)
    {
        ThrowIfClosed();
        using var transaction = _writer.BeginTransaction(deferred: false);
        var result = work(transaction);
        transaction.Commit();
        return result;
    }

    private async Task<T> ReadAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        await _read.WaitAsync(cancellation);
        try
        {
            ThrowIfClosed();
            return work();
        }
        catch (Exception error) when (Translate(error, _path) is { } translated)
        {
            throw translated;
        }
        finally
        {
            _read.Release();
        }
    }

    private void ThrowIfClosed()
    {
        if (Volatile.Read(ref _disposed) != 0)
        {
            throw new ControlLogUnavailableException("the control log is closed");
        }
    }

    private void Resign(LocalLeadership leadership)
    {
        if (Interlocked.CompareExchange(ref _leader, null, leadership) == leadership)
        {
            leadership.Lose();
            _seat.Release();
        }
    }

    private static Exception? Translate(Exception error, string path) => error switch
    {
        SqliteException sqlite when SqliteFailures.Classify(sqlite) == SqliteFailure.Damaged => ControlLogSchema.Damaged(path, sqlite),
        SqliteException sqlite when SqliteFailures.Classify(sqlite) == SqliteFailure.Unavailable =>
            new ControlLogUnavailableException($"The control log '{path}' cannot be used: {sqlite.Message}", sqlite),
        IOException or UnauthorizedAccessException => new ControlLogUnavailableException($"The control log '{path}' cannot be used: {error.Message}", error),
        _ => null,
    };
}
