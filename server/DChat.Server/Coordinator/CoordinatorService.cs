using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator;

/// <summary>
/// A coordinator's life: recover the registry, follow the log while campaigning, lead while elected, and again.
/// Where the log is damaged or an invariant is broken it ends with the exception, which stops the server.
/// </summary>
internal sealed partial class CoordinatorService : BackgroundService, IRegistryCommands
{
    /// <summary>Why links to a leader end with its term.</summary>
    public const string LeadsNoMore = "this coordinator leads no more";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>A stop waits so long for a blob store, or a disk, that does not let go.</summary>
    private static readonly TimeSpan WorkEndsWithin = TimeSpan.FromSeconds(3);

    /// <summary>Recoveries in a row that a truncating leader may overtake.</summary>
    private const int RecoveriesMax = 5;

    private readonly IControlLog _log;
    private readonly RegistryReplica _replica;
    private readonly RegistryRecovery _recovery;
    private readonly SnapshotKeeper _keeper;
    private readonly ClusterBootstrap _bootstrap;
    private readonly CommandClocks _clocks;
    private readonly NewRoomPlacement _placement;
    private readonly ClusterDuties _workers;
    private readonly IProtectionKeyFactory _keys;
    private readonly LeaderLink? _leaderLink;
    private readonly TermNote _terms;
    private readonly RefusedAppends _refused;
    private readonly CoordinatorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CoordinatorService> _logger;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _abort = new();
    private Office? _office;
    private Task _snapshots = Task.CompletedTask;
    private Task _noting = Task.CompletedTask;

    /// <param name="leaderLink">Null: the log is this process's alone.</param>
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
        ILogger<CoordinatorService> logger,
        LeaderLink? leaderLink = null)
    {
        (_log, _replica, _keeper, _workers, _keys, _options, _time, _logger, _leaderLink) = (log, replica, keeper, workers, keys, options, time, logger, leaderLink);
        _recovery = new RegistryRecovery(log, snapshots, logger);
        _terms = new TermNote(options.TermPath);
        _refused = new RefusedAppends(time);
        _bootstrap = new ClusterBootstrap(replica, options, passwords, keys, time, logger);
        _clocks = new CommandClocks(time, logger);
        _placement = new NewRoomPlacement(options.Placement, workers.LoadOf, workers.MayTake);
    }

    /// <summary>The random password of the account <c>admin</c>, where this process made it; to be shown once. Else null.</summary>
    public string? NewAdminPassword => _bootstrap.NewPassword;

    /// <summary>Whether this node leads now.</summary>
    public bool IsLeader => Volatile.Read(ref _office) is not null;

    /// <summary>Where other nodes reach this coordinator, <c>host:port</c>.</summary>
    public string Advertise => _options.Advertise;

    /// <summary>Where the leader is, <c>host:port</c>, as far as this node knows; null: it knows of none.</summary>
    public string? LeaderAddress => IsLeader ? Advertise : _leaderLink?.Address;

    /// <summary>Whether this node leads, or is linked to the leader: what comes here can be carried out.</summary>
    public bool ReachesLeader => IsLeader || _leaderLink?.IsLinked is true;

    /// <summary>The term in which this node leads or led last; 0: it never did.</summary>
    public long Term { get; private set; }

    /// <summary>Commands that wait to be decided here.</summary>
    public int Queued => Volatile.Read(ref _office)?.Leader.Queued ?? 0;

    /// <summary>Decides where this node leads, and passes on to the leader where it does not.</summary>
    public Task<CommandResult> SubmitAsync(Command command, CancellationToken cancellation) =>
        IsLeader || _leaderLink is null ? DecideAsync(command, cancellation) : _leaderLink.SubmitAsync(command, cancellation);

    /// <summary>Decides where this node leads; else <c>unavailable</c>.</summary>
    public Task<CommandResult> DecideAsync(Command command, CancellationToken cancellation) =>
        Volatile.Read(ref _office) is { } office
            ? office.Leader.SubmitAsync(command, cancellation)
            : Task.FromResult(PendingCommand.Unavailable(_replica.Index));

    /// <summary>The same as <see cref="SubmitAsync"/> for what another node sent.</summary>
    public Task<CommandResult> SubmitFromAsync(NodeHello sender, Command command, CancellationToken cancellation) =>
        IsLeader || _leaderLink is null ? DecideFromAsync(sender, command, cancellation) : _leaderLink.SubmitAsync(command, cancellation);

    /// <summary>The same as <see cref="DecideAsync"/> for what another node sent: by a clock that is far from this leader's nothing is decided.</summary>
    public Task<CommandResult> DecideFromAsync(NodeHello sender, Command command, CancellationToken cancellation) =>
        Volatile.Read(ref _office) is not { } office ? Task.FromResult(PendingCommand.Unavailable(_replica.Index))
            : _clocks.Refuse(command, sender) is { } refusal ? Task.FromResult(new CommandResult(_replica.Index, refusal))
            : office.Leader.SubmitAsync(command, cancellation);

    /// <summary>The cluster as another coordinator, which leads, sees it, as it goes over links; empty: none is reached.</summary>
    public Task<byte[]> LookAtLeaderAsync(CancellationToken cancellation) => _leaderLink?.LookAsync(cancellation) ?? Task.FromResult<byte[]>([]);

    /// <summary>What another node asked of the members of etcd and a leader alone may do, carried out by another coordinator, which leads; null: none is reached.</summary>
    public Task<byte[]?> ChangeMembersAtLeaderAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation) =>
        IsLeader || _leaderLink is null ? Task.FromResult<byte[]?>(null) : _leaderLink.ChangeMembersAsync(request, cancellation);

    /// <summary>Does something when the term in which this node leads now ends; at once where it leads none.</summary>
    public CancellationTokenRegistration WhenTermEnds(Action act)
    {
        if (Volatile.Read(ref _office) is { } office)
        {
            return office.Ends.Register(act);
        }

        act();
        return default;
    }

    /// <summary>Returns when the registry is recovered and, with <see cref="CoordinatorOptions.StartsAsLeader"/>, this node leads.</summary>
    /// <exception cref="ControlLogDamagedException">Log and snapshots do not make a whole.</exception>
    /// <exception cref="StartRefusedException">Going on could lose something; the message says what and the remedy.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RecoverAtStartAsync(cancellationToken);
            RefuseAnotherSecret();
            await DeposePredecessorAsync(cancellationToken);
        }
        catch (Exception error) when (error is UnknownRegistryEventException or ControlLogUnavailableException or SnapshotsAwayException)
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
        var beside = Task.WhenAll(Volatile.Read(ref _snapshots), Volatile.Read(ref _noting), _terms.Writing);
        await beside.WaitAsync(WorkEndsWithin, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public override void Dispose()
    {
        _abort.Dispose();
        _parked.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var isBehind = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (IsParked)
                {
                    await StayParkedAsync(stoppingToken);
                    return;
                }

                if (isBehind)
                {
                    await RecoverAsync(stoppingToken);
                    isBehind = false;
                }

                await using var leadership = await CampaignAsync(stoppingToken);
                await LeadAsync(leadership, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (error is ControlLogUnavailableException or SnapshotsAwayException)
            {
                Log.LogAway(_logger, error.Message);
                await Task.Delay(RetryAfter, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (LeaderCutOffException error)
            {
                Log.CutOff(_logger, error.Message);
                await Task.Delay(RetryAfter, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (LeaderClockException error)
            {
                Log.WrongClock(_logger, error.Message);
                await Task.Delay(RetryAfter, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (ControlLogRefusedException error)
            {
                Log.AppendRefused(_logger, _refused.Add().TotalSeconds, error.Message);
            }
            catch (EntryTruncatedException error)
            {
                Log.Behind(_logger, error.Message);
                isBehind = true;
            }
            catch (UnknownRegistryEventException newer) when (MayPark)
            {
                Park(newer);
            }
        }
    }

    /// <summary>Before this node could lead: it would turn everybody else away, and could read no snapshot.</summary>
    private void RefuseAnotherSecret()
    {
        if (_replica.State.ProtectionKeys is { Count: > 0 } there)
        {
            _keys.CreateIfDue(there, _time.GetUtcNow());
        }
    }

    /// <summary>The process before this one is gone, and need not be waited for.</summary>
    private async Task DeposePredecessorAsync(CancellationToken cancellation)
    {
        try
        {
            if (await _log.ReadLeaderAsync(cancellation) is { } leader && Succession.IsPredecessor(leader, _terms.Read()) && await _log.DeposeAsync(leader.Term, cancellation))
            {
                Log.DeposedPredecessor(_logger, leader.Term);
            }
        }
        catch (ControlLogUnavailableException error)
        {
            Log.LogAway(_logger, error.Message); // Its lease ran out this moment, or will: whoever campaigns waits for it.
        }
    }

    /// <summary>
    /// One of several waits for its snapshots, and for the log where it runs a part of that, and does not end: the etcd that it runs would end with it, and where
    /// the blob store is away, or another member stands still for a moment, the next restart would take the majority along.
    /// </summary>
    private async Task RecoverAtStartAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await RecoverAsync(cancellation);
                return;
            }
            catch (SnapshotsAwayException error) when (!_options.StartsAsLeader)
            {
                Log.SnapshotsAway(_logger, _options.SnapshotRetry.TotalSeconds, error.Message);
                await Task.Delay(_options.SnapshotRetry, _time, cancellation);
            }
            catch (ControlLogUnavailableException error) when (_options.RunsMember)
            {
                Log.LogAway(_logger, error.Message);
                await Task.Delay(RetryAfter, _time, cancellation);
            }
            catch (UnknownRegistryEventException newer) when (MayPark)
            {
                Park(newer);
                return;
            }
        }
    }

    private async Task RecoverAsync(CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await _recovery.RecoverAsync(_replica, cancellation) is { } used)
                {
                    await _keeper.RecoveredAsync(used, cancellation);
                }

                break;
            }
            catch (EntryTruncatedException error) when (attempt < RecoveriesMax)
            {
                Log.Behind(_logger, error.Message); // A leader truncated meanwhile: it has a newer snapshot.
            }
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
        var campaign = CampaignLaterAsync(giveUp.Token);
        var linking = _leaderLink?.RunAsync(mayStandBy: !_options.StartsAsLeader || Term == 0, isParked: false, elected.Token) ?? Task.Delay(Timeout.InfiniteTimeSpan, elected.Token);
        _ = KeepSnapshots(async until => await _keeper.RelieveAsync(until).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing), elected.Token);
        await Task.WhenAny(following, campaign, linking);
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
            await ObserveAsync(Task.WhenAll(following, linking), leadership);
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

    private async Task<ILeadership> CampaignLaterAsync(CancellationToken cancellation)
    {
        await _refused.WaitAsync(cancellation);
        return await _log.CampaignAsync(_options.Advertise, cancellation);
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

        // What was begun is carried through, but not for as long as a log that is full takes nothing.
        await using var stopping = stop.Register(() => lost.CancelAfter(_options.CommandTimeout));
        Term = leadership.Term;
        Log.Leading(_logger, leadership.Term, _replica.Index);
        _workers.BeginTerm();
        Volatile.Write(ref _office, new Office(leader, offDuty.Token));
        _terms.Write(Term);
        var deciding = leader.RunAsync(lost.Token, stop);
        var cluster = SeeToClusterAsync(leader, offDuty.Token);
        var snapshots = KeepSnapshots(until => _keeper.RunAsync(leadership.Term, until), offDuty.Token);
        try
        {
            await Task.WhenAny(deciding, cluster, snapshots);
            if (cluster.IsFaulted || cluster.IsCompletedSuccessfully || snapshots.IsFaulted)
            {
                await lost.CancelAsync();
            }

            Log.LeadsNoMore(_logger, leadership.Term, await deciding);
        }
        finally
        {
            Volatile.Write(ref _office, null);
            var ending = offDuty.CancelAsync();
            await leadership.DisposeAsync(); // Before anything is waited for: what is still done for this term is fenced by it, or harms nobody.
            await ending;
            await cluster.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (cluster.IsFaulted)
        {
            await cluster;
        }

        if (snapshots.IsFaulted)
        {
            _snapshots = Task.CompletedTask; // It is told once.
            await snapshots;
        }
    }

    /// <summary>
    /// Work on snapshots, piece after piece. What a term before still does may wait long for a blob store that does not let go: neither the end of that term nor
    /// the next waits for it.
    /// </summary>
    private Task KeepSnapshots(Func<CancellationToken, Task> work, CancellationToken until) => _snapshots = KeepSnapshotsAsync(_snapshots, work, until);

    private static async Task KeepSnapshotsAsync(Task before, Func<CancellationToken, Task> work, CancellationToken until)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (before.IsFaulted)
        {
            await before;
        }

        until.ThrowIfCancellationRequested();
        await work(until);
    }

    /// <summary>Until cancelled, or until the log says that the term is over.</summary>
    private async Task SeeToClusterAsync(RegistryLeader leader, CancellationToken offDuty)
    {
        await Task.Yield(); // There are files in it: whoever leads waits for no disk.
        await _bootstrap.EnsureAdminAsync(leader, offDuty);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(offDuty);
        var keyed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = BecomeReadyAsync(keyed.Task, ending.Token);
        var keys = _bootstrap.RotateKeysAsync(leader, () => keyed.TrySetResult(), ending.Token);
        var workers = _workers.RunAsync(leader, ending.Token);
        var first = await Task.WhenAny(begun, keys, workers);
        await ending.CancelAsync();
        var all = Task.WhenAll(begun, keys, workers);
        await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // None goes on into the next term, and no failure is lost.
        await (all.IsFaulted ? all : first);
    }

    /// <summary>When there is a key, and it is noted that the cluster began. Until cancelled, whatever the disk does.</summary>
    private async Task BecomeReadyAsync(Task keyed, CancellationToken cancellation)
    {
        var noting = OwnThread.RunAsync(_bootstrap.NoteBegun);
        Volatile.Write(ref _noting, noting);
        await noting.WaitAsync(cancellation);
        await keyed.WaitAsync(cancellation);
        _ready.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
    }

    /// <summary>One term of leading.</summary>
    private sealed record Office(RegistryLeader Leader, CancellationToken Ends);

    private static partial class Log
    {
        [LoggerMessage(EventId = 2040, Level = LogLevel.Information, Message = "This coordinator leads in term {Term} from entry {Index} on")]
        public static partial void Leading(ILogger logger, long term, long index);

        [LoggerMessage(EventId = 2041, Level = LogLevel.Information, Message = "Term {Term} ended: {End}")]
        public static partial void LeadsNoMore(ILogger logger, long term, TermEnd end);

        [LoggerMessage(EventId = 2042, Level = LogLevel.Warning, Message = "The control log is away; trying again: {Reason}")]
        public static partial void LogAway(ILogger logger, string reason);

        [LoggerMessage(EventId = 2046, Level = LogLevel.Warning, Message = "This coordinator waits for its snapshots, and tries again every {Seconds} s. Until then it neither leads nor stands by; an etcd of its own runs: {Reason}")]
        public static partial void SnapshotsAway(ILogger logger, double seconds, string reason);

        [LoggerMessage(EventId = 2044, Level = LogLevel.Error, Message = "This coordinator resigns, it seems to be cut off: {Reason}")]
        public static partial void CutOff(ILogger logger, string reason);

        [LoggerMessage(EventId = 2047, Level = LogLevel.Error, Message = "This coordinator resigns, its clock is wrong: it is {Off}. See that this machine is set by NTP")]
        public static partial void WrongClock(ILogger logger, string off);

        [LoggerMessage(EventId = 2049, Level = LogLevel.Error, Message = "This coordinator resigns, the log refuses what it is to hold; it leaves leading to others for {Seconds} s: {Reason}")]
        public static partial void AppendRefused(ILogger logger, double seconds, string reason);

        [LoggerMessage(EventId = 2045, Level = LogLevel.Information, Message = "Term {Term} of the process before this one was ended: it is gone")]
        public static partial void DeposedPredecessor(ILogger logger, long term);

        [LoggerMessage(EventId = 2043, Level = LogLevel.Warning, Message = "This coordinator fell behind the log's beginning and takes a snapshot: {Reason}")]
        public static partial void Behind(ILogger logger, string reason);
    }
}
