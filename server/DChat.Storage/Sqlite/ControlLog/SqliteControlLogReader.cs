using System.Runtime.CompilerServices;
using DChat.Core.ControlLog;

namespace DChat.Storage.Sqlite.ControlLog;

/// <summary>Reads the file of a control log beside the process that owns it, or where none does. Sees what is committed, a moment later.</summary>
public sealed class SqliteControlLogReader : IControlLogReader
{
    private const int PageEntries = 64;

    /// <summary>Another process's commits are told to nobody: one has to look.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly SqliteSession _session;
    private readonly ControlLogTable _table;
    private readonly Lock _lock = new();

    private SqliteControlLogReader(string path, TimeProvider time, SqliteSession session)
    {
        (_path, _time, _session) = (path, time, session);
        _table = new ControlLogTable(session, path);
    }

    /// <exception cref="ControlLogUnavailableException">The file is not there or cannot be read.</exception>
    /// <exception cref="ControlLogDamagedException">It is no control log.</exception>
    public static SqliteControlLogReader Open(string path, TimeProvider time)
    {
        SqliteSession? session = null;
        try
        {
            session = SqliteSession.OpenBeside(path);
            return session.ReadText("PRAGMA application_id") == $"{ControlLogSchema.ApplicationId}"
                ? new SqliteControlLogReader(path, time, session)
                : throw new ControlLogUnavailableException($"'{path}' is no control log of D-Chat.");
        }
        catch (Exception error)
        {
            session?.Dispose();
            throw SqliteControlLog.Translate(error, path) ?? error;
        }
    }

    public Task<LogBounds> ReadBoundsAsync(CancellationToken cancellation) => Task.FromResult(Read(() =>
    {
        var state = _table.ReadState();
        return new LogBounds(state.First, state.Last);
    }));

    public async IAsyncEnumerable<LogEntry> FollowAsync(long fromIndex, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(fromIndex);
        for (var next = fromIndex; ;)
        {
            cancellation.ThrowIfCancellationRequested();
            var page = Read(() => _table.ReadPage(next, PageEntries));
            foreach (var entry in page)
            {
                yield return entry;
                next++;
            }

            if (page.Count == 0)
            {
                await Task.Delay(LookAgain, _time, cancellation);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _session.Dispose();
        return ValueTask.CompletedTask;
    }

    private T Read<T>(Func<T> work)
    {
        try
        {
            lock (_lock)
            {
                return _session.Read(work);
            }
        }
        catch (Exception error) when (SqliteControlLog.Translate(error, _path) is { } translated)
        {
            throw translated;
        }
    }
}
