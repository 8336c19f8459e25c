using System.Threading.Channels;
using DChat.Core.Messages;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>
/// The one who writes <c>messages.db</c>: a thread with the only writing connection, for which transactions queue.
/// A second writer would only wait for the file's lock, and not fairly.
/// </summary>
internal sealed class StoreWriter : IAsyncDisposable
{
    /// <summary>Transactions that may wait; the callers of more wait in turn.</summary>
    private const int QueueMax = 256;

    /// <summary>
    /// Pages (of 4 KiB) in the write-ahead log at which a commit carries them over into the file: larger than SQLite's 1,000,
    /// since under load the same pages are written again and again, and each carrying over costs two more flushes.
    /// </summary>
    private const int CheckpointPages = 8_000;

    /// <summary>The page cache, in KiB.</summary>
    private const int CacheKiB = 64 * 1024;

    private readonly SqliteMessageStoreOptions _options;
    private readonly Channel<Job> _jobs = Channel.CreateBounded<Job>(new BoundedChannelOptions(QueueMax) { SingleReader = true });
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MessageTables? _tables;

    private StoreWriter(SqliteMessageStoreOptions options, MessageTables tables)
    {
        _options = options;
        _tables = tables;
    }

    /// <param name="session">An open writing session, which the writer takes over.</param>
    public static StoreWriter Start(SqliteMessageStoreOptions options, SqliteSession session)
    {
        var writer = new StoreWriter(options, Prepare(session));
        new Thread(writer.Run) { Name = "message store writer", IsBackground = true }.Start();
        return writer;
    }

    /// <summary>Runs <paramref name="work"/> in a transaction of its own; done when that is durable.</summary>
    public async Task<T> WriteAsync<T>(Func<MessageTables, T> work, CancellationToken cancellation)
    {
        var job = new Job<T>(work, cancellation);
        try
        {
            await _jobs.Writer.WriteAsync(job, cancellation);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(SqliteMessageStore));
        }

        return await job.Done;
    }

    /// <summary>Ends when all that waits is written.</summary>
    public async ValueTask DisposeAsync()
    {
        _jobs.Writer.TryComplete();
        await _ended.Task;
    }

    /// <summary>Runs outside any transaction: for pragmas.</summary>
    internal Task ExecuteAsync(string sql) => WriteAsync(
        tables =>
        {
            tables.Session.Execute(sql);
            return true;
        },
        CancellationToken.None);

    internal static void Tune(SqliteSession session) =>
        session.Execute($"PRAGMA wal_autocheckpoint = {CheckpointPages}; PRAGMA cache_size = -{CacheKiB}");

    private static MessageTables Prepare(SqliteSession session)
    {
        var tables = MessageTables.Over(session);
        Tune(session);
        return tables;
    }

    private void Run()
    {
        try
        {
            while (_jobs.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                while (_jobs.Reader.TryRead(out var job))
                {
                    Run(job);
                }
            }

            _tables?.Dispose();
            _ended.SetResult();
        }
        catch (Exception error)
        {
            _jobs.Writer.TryComplete(error);
            _ended.SetException(error);
        }
    }

    private void Run(Job job)
    {
        if (job.Cancelled)
        {
            return;
        }

        try
        {
            _tables ??= Prepare(SqliteSession.OpenWriter(_options.Path, _options.Synchronous));
            job.Run(_tables);
        }
        catch (SqliteException error)
        {
            if (StoreFailures.SuspectConnection(error))
            {
                _tables?.Dispose();
                _tables = null;
            }

            job.Fail(StoreFailures.Translate(error, _options.Path) ?? error);
        }
        catch (Exception error)
        {
            job.Fail(error);
        }
    }

    private abstract class Job
    {
        public abstract bool Cancelled { get; }

        public abstract void Run(MessageTables tables);

        public abstract void Fail(Exception error);
    }

    private sealed class Job<T>(Func<MessageTables, T> work, CancellationToken cancellation) : Job
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Done => _done.Task;

        public override bool Cancelled => cancellation.IsCancellationRequested && _done.TrySetCanceled(cancellation);

        public override void Run(MessageTables tables) => _done.SetResult(tables.Session.Write(() => work(tables)));

        public override void Fail(Exception error) => _done.SetException(error);
    }
}
