using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Coordinator.Workers;

namespace DChat.Server.Coordinator;

/// <summary>
/// A coordinator's life: recover the registry, follow the log while campaigning, lead while elected, and again.
/// Where the log is damaged or an invariant is broken it ends with the exception, which stops the server.
/// </summary>
internal sealed partial class CoordinatorService : BackgroundService, IRegistryCommands
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly IControlLog _log;
    private readonly RegistryReplica _replica;
    private readonly RegistryRecovery _recovery;
    private readonly SnapshotKeeper _keeper;
    private readonly ClusterBootstrap _bootstrap;
    private readonly NewRoomPlacement _placement;
    private readonly ClusterDuties _workers;
    private readonly CoordinatorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CoordinatorService> _logger;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _abort = new();
    private RegistryLeader? _leader;

    public CoordinatorService(
        IControlLog log,
        RegistryReplica replica,
        SnapshotStore snapshots,
        SnapshotKeeper keeper,
        ClusterDuties workers,
        IPasswordHashing passwords,
        IProtectionKeyFactory keys,
        CoordinatorOptions options,
        TimeProvider time,
        ILogger<CoordinatorService> logger)
    {
        (_log, _replica, _keeper, _workers, _options, _time, _logger) = (log, replica, keeper, workers, options, time, logger);
        _recovery = new RegistryRecovery(log, snapshots, logger);
        _bootstrap = new ClusterBootstrap(replica, options, passwords, keys, time, logger);
        _placement = new NewRoomPlacement(options.Placement, workers.LoadOf, workers.IsFit);
    }

    /// <summary>The random password of the account <c>admin</c>, where this process made it; to be shown once. Else null.</summary>
    public string? NewAdminPassword => _bootstrap.NewPassword;

    /// <summary>Whether this node leads now.</summary>
    public bool IsLeader => Volatile.Read(ref _leader) is not null;

    /// <summary>The term in which this node leads or led last; 0: it never did.</summary>
    public long Term { get; private set; }

    /// <summary>Commands that wait to be decided here.</summary>
    public int Queued => Volatile.Read(ref _leader)?.Queued ?? 0;

    public Task<CommandResult> SubmitAsync(Command command, CancellationToken cancellation) =>
        Volatile.Read(ref _leader) is { } leader
            ? leader.SubmitAsync(command, cancellation)
            : Task.FromResult(PendingCommand.Unavailable(_replica.Index));

    /// <summary>Returns when the registry is recovered and, with <see cref="CoordinatorOptions.StartsAsLeader"/>, this node leads.</summary>
    /// <exception cref="ControlLogDamagedException">Log and snapshots do not make a whole.</exception>
    /// <exception cref="StartRefusedException">Going on could lose something; the message says what and the remedy.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RecoverAsync(cancellationToken);
        }
        catch (Exception error) when (error is UnknownRegistryEventException or ControlLogUnavailableException)
        {
            throw new StartRefusedException(error.Message, error);
        }

        await base.StartAsync(cancellationToken);
        if (_options.StartsAsLeader)
        {
            await (await Task.WhenAny(_ready.Task, ExecuteTask!).WaitAsync(cancellationToken));
        }
    }

    /// <summary>Answers what waits and resigns; when <paramref name="cancellationToken"/> comes first, what waits is answered <c>unavailable</c>.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        var stopped = base.StopAsync(cancellationToken); // First: a term that is cut short below is not followed by another.
        await using var outOfTime = cancellationToken.Register(_abort.Cancel);
        await stopped;
    }

    public override void Dispose()
    {
        _abort.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var leadership = await CampaignAsync(stoppingToken);
                await LeadAsync(leadership, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (ControlLogUnavailableException error)
            {
                Log.LogAway(_logger, error.Message);
                await Task.Delay(RetryAfter, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (LeaderCutOffException error)
            {
                Log.CutOff(_logger, error.Message);
                await Task.Delay(RetryAfter, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (EntryTruncatedException error)
            {
                Log.Behind(_logger, error.Message);
                await RecoverAsync(stoppingToken);
            }
        }
    }

    private async Task RecoverAsync(CancellationToken cancellation)
    {
        if (await _recovery.RecoverAsync(_replica, cancellation) is { } used)
        {
            await _keeper.RecoveredAsync(used, cancellation);
        }

        if (_replica.Index == 0 && File.Exists(_options.BeganPath))
        {
            throw new StartRefusedException(
                $"The control log is empty, but this cluster has begun ('{_options.BeganPath}'): its accounts, rooms and members are lost from the log. "
                + "Remedy: put the log back as it was, with all its files (of SQLite: control.db and control.db-wal); for a new cluster, give an empty folder with --data.");
        }
    }

    /// <summary>Follows the log until elected, then to its end, so that the replica holds all that former leaders committed.</summary>
    private async Task<ILeadership> CampaignAsync(CancellationToken stop)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var elected = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var following = _recovery.FollowAsync(_replica, elected.Token);
        var campaign = _log.CampaignAsync(_options.Advertise, giveUp.Token);
        await Task.WhenAny(following, campaign);
        if (!campaign.IsCompleted)
        {
            await giveUp.CancelAsync();
        }

        ILeadership? leadership = null;
        try
        {
            leadership = await campaign;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // Given up because following failed: its exception, below, is the reason.
        }
        finally
        {
            await elected.CancelAsync();
            await ObserveAsync(following, leadership);
        }

        if (leadership is null)
        {
            throw new InvalidOperationException("the stream of the control log ended by itself");
        }

        try
        {
            await _recovery.CatchUpAsync(_replica, stop);
            return leadership;
        }
        catch
        {
            await leadership.DisposeAsync();
            throw;
        }
    }

    /// <summary>Throws what made following fail, having resigned; being cancelled is no failure.</summary>
    private static async Task ObserveAsync(Task following, ILeadership? leadership)
    {
        await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (following.IsFaulted)
        {
            await (leadership?.DisposeAsync() ?? ValueTask.CompletedTask);
            await following;
        }
    }

    private async Task LeadAsync(ILeadership leadership, CancellationToken stop)
    {
        var leader = new RegistryLeader(leadership.Term, _log, _replica, _options, _placement, _time, _logger);
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(leadership.Lost, _abort.Token);
        using var offDuty = CancellationTokenSource.CreateLinkedTokenSource(lost.Token, stop);
        Term = leadership.Term;
        Log.Leading(_logger, leadership.Term, _replica.Index);
        Volatile.Write(ref _leader, leader);
        var deciding = leader.RunAsync(lost.Token, stop);
        var cluster = SeeToClusterAsync(leader, offDuty.Token);
        var snapshots = _keeper.RunAsync(leadership.Term, offDuty.Token);
        var duties = Task.WhenAll(cluster, snapshots);
        try
        {
            await Task.WhenAny(deciding, cluster, snapshots);
            if (cluster.IsFaulted || snapshots.IsFaulted)
            {
                await lost.CancelAsync();
            }

            Log.LeadsNoMore(_logger, leadership.Term, await deciding);
        }
        finally
        {
            Volatile.Write(ref _leader, null);
            await offDuty.CancelAsync();
            await duties.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (duties.IsFaulted)
        {
            await duties;
        }
    }

    private async Task SeeToClusterAsync(RegistryLeader leader, CancellationToken offDuty)
    {
        if (await _bootstrap.EnsureAdminAsync(leader, offDuty))
        {
            _bootstrap.NoteBegun();
            var keys = _bootstrap.RotateKeysAsync(leader, () => _ready.TrySetResult(), offDuty);
            var workers = _workers.RunAsync(leader, offDuty);
            await await Task.WhenAny(keys, workers);
        }

        await Task.Delay(Timeout.Infinite, offDuty);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2040, Level = LogLevel.Information, Message = "This coordinator leads in term {Term} from entry {Index} on")]
        public static partial void Leading(ILogger logger, long term, long index);

        [LoggerMessage(EventId = 2041, Level = LogLevel.Information, Message = "Term {Term} ended: {End}")]
        public static partial void LeadsNoMore(ILogger logger, long term, TermEnd end);

        [LoggerMessage(EventId = 2042, Level = LogLevel.Warning, Message = "The control log is away; trying again: {Reason}")]
        public static partial void LogAway(ILogger logger, string reason);

        [LoggerMessage(EventId = 2044, Level = LogLevel.Error, Message = "This coordinator resigns, it seems to be cut off: {Reason}")]
        public static partial void CutOff(ILogger logger, string reason);

        [LoggerMessage(EventId = 2043, Level = LogLevel.Warning, Message = "This coordinator fell behind the log's beginning and takes a snapshot: {Reason}")]
        public static partial void Behind(ILogger logger, string reason);
    }
}
