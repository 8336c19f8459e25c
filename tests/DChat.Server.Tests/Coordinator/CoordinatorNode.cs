using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.TestKit;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Tests.Coordinator;

/// <summary>One coordinator, put together as the server does it.</summary>
internal sealed class CoordinatorNode : IAsyncDisposable
{
    private readonly ILoggerFactory _loggers;

    public CoordinatorNode(IControlLog log, IBlobStore blobs, ClusterSecret secret, CoordinatorOptions options, LogBook book, IProtectionKeyFactory? keys = null)
    {
        (Log, Blobs, Options) = (log, blobs, options);
        _loggers = LoggerFactory.Create(logging => logging.AddProvider(new BookProvider(book)));
        Snapshots = new SnapshotStore(blobs, secret, options.ScratchFolder);
        Keeper = new SnapshotKeeper(Snapshots, log, Replica, Standbys, options, TimeProvider.System, _loggers.CreateLogger<SnapshotKeeper>());
        var duties = new ClusterDuties(Replica, new WorkerWatch(TimeProvider.System), Standbys, options, TimeProvider.System, _loggers.CreateLogger<ClusterDuties>());
        Service = new CoordinatorService(
            log, Replica, Snapshots, Keeper, duties, new PlainHashing(), keys ?? new OneKey(), options, TimeProvider.System, _loggers.CreateLogger<CoordinatorService>());
    }

    public IControlLog Log { get; }

    public IBlobStore Blobs { get; }

    public CoordinatorOptions Options { get; }

    public RegistryReplica Replica { get; } = new(TimeProvider.System);

    public SnapshotStore Snapshots { get; }

    public StandbyWatch Standbys { get; } = new(TimeProvider.System);

    public SnapshotKeeper Keeper { get; }

    public CoordinatorService Service { get; }

    public async Task<CoordinatorNode> StartAsync()
    {
        try
        {
            await Service.StartAsync(CancellationToken.None).Within();
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public Task<CommandResult> SubmitAsync(Command command) => Service.SubmitAsync(command, CancellationToken.None).Within();

    /// <summary>Makes <paramref name="count"/> accounts, one entry after the other.</summary>
    public async Task MakeAccountsAsync(string prefix, int count)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.True((await SubmitAsync(RegistryBench.Account($"{prefix}{i}"))).Outcome.IsOk);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Service.StopAsync(CancellationToken.None).Within();
        Service.Dispose();
        await Log.DisposeAsync();
        await Blobs.DisposeAsync();
        _loggers.Dispose();
    }

    internal sealed class PlainHashing : IPasswordHashing
    {
        public byte[] Hash(string user, string password) => System.Text.Encoding.UTF8.GetBytes($"{user}:{password}");
    }

    internal sealed class OneKey : IProtectionKeyFactory
    {
        public ProtectionKey? CreateIfDue(IReadOnlyList<ProtectionKey> keys, DateTimeOffset now) =>
            keys.Count > 0 ? null : new ProtectionKey("key-1", [1, 2, 3], 1, 2, 3);
    }

    private sealed class BookProvider(LogBook book) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new BookLogger(book);

        public void Dispose()
        {
        }
    }

    private sealed class BookLogger(LogBook book) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            book.Write($"00:00:00.000 {(logLevel >= LogLevel.Error ? "fail" : "info")}: {eventId.Id} {formatter(state, exception)} {exception}");
    }
}
