using System.Runtime.CompilerServices;
using DChat.Core.ControlLog;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite.ControlLog;

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
    private readonly SqliteSession _writer;
    private readonly SqliteSession _reader;
    private readonly ControlLogTable _writing;
    private readonly ControlLogTable _reading;
    private readonly SemaphoreSlim _write = new(1);
    private readonly SemaphoreSlim _read = new(1);
    private readonly SemaphoreSlim _seat = new(1);
    private readonly CancellationTokenSource _closed = new();
    private readonly ChangeSignal _committed = new();
    private LocalLeadership? _leader;
    private int _disposed;

    private SqliteControlLog(string path, SqliteLock owner, SqliteSession writer, SqliteSession reader)
    {
        (_path, _owner, _writer, _reader) = (path, owner, writer, reader);
        _writing = new ControlLogTable(writer, path);
        _reading = new ControlLogTable(reader, path);
    }

    /// <summary>Opens the log, or makes an empty one, and checks every entry in it.</summary>
    /// <exception cref="ControlLogDamagedException">An entry is missing or not as it was written.</exception>
    /// <exception cref="ControlLogUnavailableException">The file cannot be read or written.</exception>
    /// <exception cref="SqliteInUseException">Another process has the file.</exception>
    /// <exception cref="SqliteSchemaException">The file is another program's, or a newer release's.</exception>
    public static SqliteControlLog Open(string path, TimeProvider? time = null)
    {
        SqliteLock? owner = null;
        SqliteSession? writer = null;
        SqliteSession? reader = null;
        try
        {
            owner = SqliteLock.Take(path);
            writer = SqliteSession.OpenWriter(path, SqliteSynchronous.Full);
            SqliteMigrations.Apply(writer, path, ControlLogSchema.ApplicationId, ControlLogSchema.Migrations, time ?? TimeProvider.System);
            reader = SqliteSession.OpenReader(path);
            var log = new SqliteControlLog(path, owner, writer, reader);
            reader.Read(() =>
            {
                log._reading.Verify();
                return true;
            });
            return log;
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
            var term = await WriteAsync(_writing.RaiseTerm, linked.Token);
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

    public Task<bool> DeposeAsync(long term, CancellationToken cancellation)
    {
        if (Volatile.Read(ref _leader) is not { } leader || leader.Term != term)
        {
            return Task.FromResult(false);
        }

        Resign(leader);
        return Task.FromResult(true);
    }

    public async Task<AppendOutcome> AppendAsync(long term, long index, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        ControlLogArguments.CheckAppend(term, index, payload);
        var outcome = await WriteAsync(() => _writing.Append(Leads(term), term, index, payload.Span), cancellation);
        if (outcome == AppendOutcome.Committed)
        {
            _committed.Raise();
        }

        return outcome;
    }

    public Task<LogBounds> ReadBoundsAsync(CancellationToken cancellation) => ReadAsync(() =>
    {
        var state = _reading.ReadState();
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
            var page = await ReadAsync(() => _reading.ReadPage(from, FollowPageEntries), cancellation);
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
        var done = await WriteAsync(() =>
        {
            if (Leads(term))
            {
                _writing.Truncate(throughIndex);
                return true;
            }

            return false;
        }, cancellation);
        _committed.Raise();
        return done;
    }

    public async Task<bool> BeginAfterAsync(long term, long index, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(index, 1);
        return await WriteAsync(() =>
        {
            if (Leads(term))
            {
                _writing.BeginAfter(index);
                return true;
            }

            return _writing.BeganAfter(index);
        }, cancellation);
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

    /// <summary>For tests of full disks.</summary>
    internal async Task ExecuteOnWriterAsync(string sql)
    {
        await _write.WaitAsync(CancellationToken.None);
        _writer.Execute(sql);
        _write.Release();
    }

    // Asked inside the write transaction: a campaign raises the term in one, too.
    private bool Leads(long term) => Volatile.Read(ref _leader)?.Term == term;

    private async Task<T> WriteAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        await _write.WaitAsync(cancellation);
        try
        {
            ThrowIfClosed();
            return _writer.Write(work);
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

    private async Task<T> ReadAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        await _read.WaitAsync(cancellation);
        try
        {
            ThrowIfClosed();
            return _reader.Read(work);
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

    internal static Exception? Translate(Exception error, string path) => error switch
    {
        SqliteException sqlite when SqliteFailures.Classify(sqlite) == SqliteFailure.Damaged => ControlLogSchema.Damaged(path, sqlite),
        SqliteException sqlite when SqliteFailures.Classify(sqlite) == SqliteFailure.Unavailable =>
            new ControlLogUnavailableException($"The control log '{path}' cannot be used: {sqlite.Message}", sqlite),
        IOException or UnauthorizedAccessException => new ControlLogUnavailableException($"The control log '{path}' cannot be used: {error.Message}", error),
        _ => null,
    };
}
