using System.Collections.Concurrent;
using DChat.Core.Placement;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator.Standby;

namespace DChat.Server.Coordinator.Workers;

using Worker = DChat.Core.Registry.Worker;

/// <summary>
/// What a leader sees to all the time: workers that died, drain or lost their message store lose their rooms, rooms without a host get one, and loads are evened out.
/// Everything goes through the log; a host that does not know it yet is fenced by its rooms' epochs.
/// </summary>
internal sealed partial class ClusterDuties(RegistryReplica replica, WorkerWatch watch, StandbyWatch standbys, CoordinatorOptions options, TimeProvider time, ILogger<ClusterDuties> log) : IRegistryObserver
{
    /// <summary>How often workers are looked at.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    /// <summary>How often loads are evened out, soft state is told on, and rooms without a host are looked for.</summary>
    private static readonly TimeSpan SlowTick = TimeSpan.FromSeconds(1);

    /// <summary>A room that moved stays for so long, unless its host dies, and counts at least what it cost before.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    /// <summary>A new leader waits for so long for the reports of all workers before it evens loads out by those that it has.</summary>
    private static readonly TimeSpan ReportsFor = TimeSpan.FromSeconds(10);

    /// <summary>
    /// For so long after workers of a zone died, they count as having died together with those that die there next: a zone rarely goes in one moment, and who is started in it
    /// in place of them comes within minutes.
    /// </summary>
    private static readonly TimeSpan ZoneOutageFor = TimeSpan.FromMinutes(2);

    /// <summary>
    /// So many that are gone stay listed, those that came last: an operator sees what became of them, and they need no approval when they come back.
    /// The machines of a group that grows and shrinks are new ones each time; the others are forgotten.
    /// </summary>
    internal const int GoneKept = 100;

    /// <summary>Of them, at a time.</summary>
    private const int ForgottenAtOnce = 100;

    /// <summary>A worker that drains has lost its rooms in this time, however many it has: half of what a stop may take where nothing else is set.</summary>
    private static readonly TimeSpan DrainedWithin = TimeSpan.FromSeconds(5);

    private readonly RoomLoads _loads = new(time, Rest);
    private readonly StoreLookout _stores = new(replica, watch, log);
    private readonly IsolationLookout _isolation = new(replica, watch, time, log);
    private readonly ConcurrentDictionary<string, long> _movedAt = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Zone, long At)> _buried = new(StringComparer.Ordinal);
    private DrainPace _drains = new(options.DrainMovesPerSecond, DrainedWithin, Tick);
    private WorkerLookout? _lookout;

    /// <summary>A term begins, before any worker registers in it.</summary>
    public void BeginTerm()
    {
        watch.Forget();
        _loads.Forget();
    }

    /// <summary>Works until cancelled, or until the log says that the term is over.</summary>
    /// <exception cref="LeaderCutOffException">It seems to be this leader that does not hear the workers, and another may lead.</exception>
    /// <exception cref="LeaderClockException">This leader's clock is wrong: it would refuse the commands of those whose clocks are right.</exception>
    public async Task RunAsync(RegistryLeader leader, CancellationToken offDuty)
    {
        using var observing = replica.Subscribe(this, out _);
        using var lookout = new WorkerLookout(replica, watch, standbys, options, time, log);
        Volatile.Write(ref _lookout, lookout);
        var began = time.GetTimestamp();
        var slowAt = began;
        using var timer = new PeriodicTimer(Tick, time);
        while (await timer.WaitForNextTickAsync(offDuty))
        {
            var found = lookout.Look();
            if (found.CutOff is not null)
            {
                if (!await leader.StillLeadsAsync(offDuty))
                {
                    return;
                }

                // The answer may have taken a while; one that is cut off from the log too has none, and its term runs out.
                found = lookout.Look();
                if (found.CutOff is { } why)
                {
                    throw new LeaderCutOffException(why);
                }
            }

            await BuryAsync(leader, found.Dead, offDuty);
            Recall();
            _stores.Look();
            _isolation.Look(IsHeard, _stores);
            await EmptyAsync(leader, offDuty);
            if (time.GetElapsedTime(slowAt) >= SlowTick)
            {
                slowAt = time.GetTimestamp();
                if (!options.StartsAsLeader && standbys.AheadOfMostMs is { } ahead)
                {
                    throw new LeaderClockException($"{CommandClocks.Text(ahead)} those of most coordinators, which agree");
                }

                TakeLoads();
                await HouseAsync(leader, offDuty);
                await ForgetAsync(leader, offDuty);
                if (HaveAllReported() || time.GetElapsedTime(began) > ReportsFor)
                {
                    await RebalanceAsync(leader, offDuty);
                }

                watch.TellActivity();
            }
        }
    }

    /// <summary>How a worker is expected to be loaded: its rooms in the state that is given, and the latest reports.</summary>
    public WorkerLoad LoadOf(Worker worker) => new(
        worker.Id, Math.Max(1, worker.Capacity), _loads.On(worker.Id), watch.Find(worker.Id)?.Report?.Connections ?? 0, worker.RoomCount);

    /// <summary>It is not heard, and rooms are left to it all the same: it may be this coordinator that is cut off.</summary>
    public bool IsMissing(string worker) => Volatile.Read(ref _lookout)?.Missing.Contains(worker) is true;

    /// <summary>Why it is given no rooms, and those that it has go to others, where there are any; null: nothing speaks against it. To be called by any thread.</summary>
    public string? WhyUnfit(Worker worker) =>
        _stores.BetterOffThan(worker.Id) is not null ? UnfitReasons.Store
        : _isolation.IsIsolated(worker.Id) ? UnfitReasons.Isolated
        : null;

    /// <summary>May be given a new room now.</summary>
    public bool MayTake(Worker worker) => IsFit(worker) && IsSound(worker);

    /// <summary>What an administrator moved is not moved on at once.</summary>
    void IRegistryObserver.Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
    {
        foreach (var record in entry.Records)
        {
            foreach (var happened in record.Events)
            {
                if (happened is RoomsAssigned assigned)
                {
                    Moved(before, after, assigned, isByHand: record.Actor.Length > 0);
                }
                else if (happened is RoomDeleted deleted)
                {
                    watch.Deleted(deleted.Room);
                    _loads.Moved(deleted.Room, before.FindRoom(deleted.Room)?.AssignedTo ?? "", null);
                }
            }
        }
    }

    void IRegistryObserver.Replaced(RegistryState before, RegistryState after)
    {
        // Nothing is known of when rooms moved; what they cost is taken anew within a second.
    }

    private void Moved(RegistryState before, RegistryState after, RoomsAssigned assigned, bool isByHand)
    {
        foreach (var room in assigned.Rooms)
        {
            var from = before.FindRoom(room)?.AssignedTo ?? "";
            _loads.Moved(room, from, assigned.Worker);
            if (after.FindWorker(from) is { State: WorkerState.Gone })
            {
                watch.Orphaned(room);
            }

            if (isByHand)
            {
                _movedAt[room] = time.GetTimestamp();
            }
        }
    }

    /// <summary>Whoever was taken for dead and is linked all the same registers anew: it was buried while it came back.</summary>
    private void Recall()
    {
        foreach (var worker in replica.State.Workers().Where(worker => worker.State == WorkerState.Gone))
        {
            if (watch.Find(worker.Id) is { ClosedFor: null, HasLeft: false, IsHere: false } sight && sight.Peer.Incarnation == worker.Incarnation)
            {
                watch.End(worker.Id, "it was taken for dead and is not: it registers anew");
            }
        }
    }

    /// <summary>Nothing speaks against giving it rooms.</summary>
    private bool IsFit(Worker worker) => WhyUnfit(worker) is null;

    /// <summary>It is linked, to a leader that was just elected too, or in this process, and not silent.</summary>
    private bool IsHeard(Worker worker) =>
        watch.Find(worker.Id) is { ClosedFor: null, HasLeft: false } sight && sight.Peer.Incarnation == worker.Incarnation && !IsMissing(worker.Id);

    private bool IsSound(Worker worker) => IsHeard(worker) && !_isolation.IsSuspected(worker.Id);

    /// <summary>Before, what rooms cost is not known, and moves would be made by mistake.</summary>
    private bool HaveAllReported() => Hosts().TrueForAll(host => IsHeard(host) && watch.Find(host.Id)?.Report is not null);

    private async Task BuryAsync(RegistryLeader commands, IReadOnlyList<(Worker Worker, string Why)> dead, CancellationToken offDuty)
    {
        foreach (var (worker, _) in dead.Where(gone => watch.Find(gone.Worker.Id) is not { HasLeft: true }))
        {
            _buried[worker.Id] = (ZoneOutage.ZoneOf(worker.Labels), time.GetTimestamp());
        }

        if (dead.Count == 0)
        {
            return;
        }

        var heirs = Takers().Where(heir => dead.All(gone => gone.Worker.Id != heir.Id)).ToList();
        var rooms = new List<RoomLoad>();
        var told = new List<Task>();
        foreach (var (worker, why) in dead)
        {
            Gone(log, worker.Id, worker.Address, worker.RoomCount, why);
            watch.End(worker.Id, why);
            rooms.AddRange(Loads(worker));

            // All at once into the leader's queue: they become one entry, or as few as they fit.
            told.Add(commands.SubmitAsync(new SetWorkerState("", "", Now, worker.Id, WorkerState.Gone, worker.Incarnation), offDuty));
        }

        // Those of all together: each worker's busiest would go to the same heir.
        var moved = AssignAsync(commands, RoomSpread.Over(options.Placement, rooms, heirs.ConvertAll(LoadOf)), offDuty);
        await Task.WhenAll(told);
        await moved;
        if (rooms.Count > 0 && heirs.Count > 0)
        {
            MovedAll(log, rooms.Count, string.Join(", ", dead.Select(gone => gone.Worker.Id)), heirs.Count);
        }
        else if (rooms.Count > 0)
        {
            Wait(log, rooms.Count);
        }
    }

    /// <summary>Of all that have rooms: those of a worker that drains, or whose store is away, are given to others by what they cost.</summary>
    private void TakeLoads() => _loads.Take(
        () => replica.State,
        state => from worker in state.Workers()
                 where worker.State is WorkerState.Active or WorkerState.Draining
                 let report = watch.Find(worker.Id)?.Report
                 where report is not null
                 select (worker.Id, report));

    /// <summary>Takes the rooms of workers that drain, or have lost their store, away, the busiest first, as fast as is allowed.</summary>
    private async Task EmptyAsync(IRegistryCommands commands, CancellationToken offDuty)
    {
        var hosts = Hosts();
        var takers = Heard(hosts);
        var emptied = replica.State.Workers().Where(worker => worker.RoomCount > 0
            && (worker.State == WorkerState.Draining || (worker.State == WorkerState.Active && !hosts.Exists(host => host.Id == worker.Id)))).ToList();
        (_drains, var due) = _drains.Look(time.GetElapsedTime(0), emptied.ConvertAll(worker => (worker.Id, worker.RoomCount)));
        foreach (var worker in emptied)
        {
            var rooms = Loads(worker).OrderByDescending(room => room.Expected).Take(due[worker.Id]);
            await AssignAsync(commands, RoomSpread.Over(options.Placement, rooms, [.. Heirs(worker, takers).Select(LoadOf)]), offDuty);
        }
    }

    /// <summary>Where the worker's store is away, only those of which it is known that theirs is not; one that drains gives its rooms to others all the same.</summary>
    private List<Worker> Heirs(Worker worker, List<Worker> takers)
    {
        if (_stores.BetterOffThan(worker.Id) is not { } betterOff)
        {
            return takers;
        }

        var heirs = takers.FindAll(taker => betterOff.Contains(taker.Id));
        return heirs.Count > 0 || worker.State != WorkerState.Draining ? heirs : takers;
    }

    /// <summary>Gives rooms a host that have none: made while no worker was active, or left on one that is gone.</summary>
    private async Task HouseAsync(IRegistryCommands commands, CancellationToken offDuty)
    {
        var hosts = Takers().Where(IsHeard).Select(LoadOf).ToList();
        if (hosts.Count == 0)
        {
            return; // They come, or are dead.
        }

        var state = replica.State;
        var homeless = state.Workers().Where(worker => worker.State is WorkerState.Gone or WorkerState.Pending && worker.RoomCount > 0).SelectMany(Loads).ToList();
        if (state.Workers().Sum(worker => worker.RoomCount) < state.RoomCount)
        {
            homeless.AddRange(state.AllRooms().Where(room => room.AssignedTo.Length == 0).Select(room => new RoomLoad(room.Id, 0)));
        }

        await AssignAsync(commands, RoomSpread.Over(options.Placement, homeless, hosts), offDuty);
    }

    private async Task ForgetAsync(RegistryLeader leader, CancellationToken offDuty)
    {
        var old = replica.State.Workers().Where(worker => worker is { State: WorkerState.Gone, RoomCount: 0 })
            .OrderByDescending(worker => worker.IncarnationEpoch).Skip(GoneKept).Take(ForgottenAtOnce).ToList();
        if (old.Count > 0)
        {
            Forgotten(log, old.Count, GoneKept);
            await Task.WhenAll(old.ConvertAll(worker => leader.SubmitAsync(new RemoveWorker("", "", Now, worker.Id, worker.Incarnation), offDuty)));
        }

        var state = replica.State;
        watch.Forget(worker => state.FindWorker(worker) is null);
    }

    private async Task RebalanceAsync(IRegistryCommands commands, CancellationToken offDuty)
    {
        foreach (var (room, _) in _movedAt.Where(moved => time.GetElapsedTime(moved.Value) > Rest).ToList())
        {
            _movedAt.TryRemove(room, out _);
        }

        if (options.Placement == PlacementPolicy.Creator || _stores.IsUndecided)
        {
            return; // A room stays where it was made; and while a store is away, or comes back, where it is.
        }

        var workers = Takers().Where(IsHeard).ToDictionary(worker => worker.Id, StringComparer.Ordinal);
        var moves = Rebalancing.Plan(
            [.. workers.Values.Select(LoadOf)],
            worker => Loads(workers[worker]).Where(room => !_movedAt.ContainsKey(room.Room)),
            new RebalancingOptions(MovesMax: options.MovesPerSecond));
        foreach (var move in moves)
        {
            _movedAt[move.Room] = time.GetTimestamp();
        }

        if (moves.Count > 0)
        {
            EvenedOut(log, moves.Count, string.Join(", ", moves.Take(5).Select(move => $"{move.Room} to {move.Worker}")));
        }

        await AssignAsync(commands, moves, offDuty);
    }

    private async Task AssignAsync(IRegistryCommands commands, IReadOnlyList<RoomMove> moves, CancellationToken offDuty)
    {
        var pending = moves
            .GroupBy(move => move.Worker, move => move.Room, StringComparer.Ordinal)
            .SelectMany(group => group.Chunk(RegistryBounds.BulkRooms).Select(rooms => new AssignRooms("", "", Now, group.Key, rooms)))
            .Select(command => commands.SubmitAsync(command, offDuty))
            .ToList();
        foreach (var result in await Task.WhenAll(pending))
        {
            if (!result.Outcome.IsOk)
            {
                NotAssigned(log, result.Outcome.Text); // Whoever has no host yet is looked for again within a second.
            }
        }
    }

    /// <summary>Who may have rooms. One that is not fit is none, unless none is: then moving helps nobody.</summary>
    private List<Worker> Hosts()
    {
        var active = replica.State.Workers().Where(worker => worker is { State: WorkerState.Active, Capacity: > 0 }).ToList();
        var fit = active.Where(IsFit).ToList();
        return fit.Count > 0 ? fit : active;
    }

    /// <summary>Those that are heard and reached, or at least heard, where any is: whoever is not keeps its rooms and gets no more.</summary>
    private List<Worker> Heard(List<Worker> hosts) => hosts.FindAll(IsSound) is { Count: > 0 } sound ? sound : hosts.FindAll(IsHeard) is { Count: > 0 } heard ? heard : hosts;

    /// <summary>Who may be given more rooms now: in zones whose workers die, nobody, unless there is no other.</summary>
    private List<Worker> Takers()
    {
        foreach (var (worker, _) in _buried.Where(buried => time.GetElapsedTime(buried.Value.At) > ZoneOutageFor).ToList())
        {
            _buried.Remove(worker);
        }

        var hosts = Heard(Hosts());
        var failing = ZoneOutage.Of(hosts.Where(host => !_buried.ContainsKey(host.Id)).Select(host => (ZoneOutage.ZoneOf(host.Labels), false)).Concat(_buried.Values.Select(buried => (buried.Zone, true))));
        var takers = hosts.Where(host => !failing.Contains(ZoneOutage.ZoneOf(host.Labels))).ToList();
        return takers.Count > 0 ? takers : hosts;
    }

    private IEnumerable<RoomLoad> Loads(Worker worker) => replica.State.RoomsOn(worker.Id).Select(room => new RoomLoad(room.Id, _loads.Of(room.Id, worker.Id)));

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(2070, LogLevel.Warning, "worker {Worker} at {Address} with {Rooms} rooms is gone: {Why}")]
    private static partial void Gone(ILogger log, string worker, string address, int rooms, string why);

    [LoggerMessage(2071, LogLevel.Information, "{Rooms} rooms of {Worker} were given to {Others} other workers")]
    private static partial void MovedAll(ILogger log, int rooms, string worker, int others);

    [LoggerMessage(2083, LogLevel.Warning, "{Rooms} rooms wait for a worker that can take them: there is none now")]
    private static partial void Wait(ILogger log, int rooms);

    [LoggerMessage(2078, LogLevel.Information, "{Count} workers that are gone are forgotten: the {Kept} that came last stay listed")]
    private static partial void Forgotten(ILogger log, int count, int kept);

    [LoggerMessage(2073, LogLevel.Information, "{Rooms} rooms are moved to even the loads out: {Moves}")]
    private static partial void EvenedOut(ILogger log, int rooms, string moves);

    [LoggerMessage(2072, LogLevel.Warning, "rooms could not be assigned: {Why}")]
    private static partial void NotAssigned(ILogger log, string why);
}
