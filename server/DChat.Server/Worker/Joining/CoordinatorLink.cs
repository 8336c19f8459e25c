using System.Text.Json;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.EtcdMembers;
using DChat.Server.Nodes;
using DChat.Storage;

namespace DChat.Server.Worker.Joining;

/// <summary>
/// A worker's link to the leader, made anew whenever it ends: it brings the registry, carries commands, and reports. While the leader cannot be
/// reached, a standby brings the registry and passes commands on. While there is neither, rooms that run go on; what changes the registry waits
/// a while and is then answered <c>unavailable</c>.
/// </summary>
internal sealed partial class CoordinatorLink : BackgroundService, IClusterMembership, IRegistryCommands
{
    /// <summary>How long a command may take, links that come back included.</summary>
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RetryFirst = Redial.First;
    private static readonly TimeSpan RetryLongest = Redial.Longest;
    private static readonly TimeSpan SayAgainAfter = TimeSpan.FromSeconds(10);

    private readonly LeaderSearch _search;
    private readonly NodeSelf _self;
    private readonly CoordinatorAddresses _addresses;
    private readonly RegistryReplica _replica;
    private readonly OwnDrain _drain;
    private readonly RegistryHalt _halt;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly ILogger<CoordinatorLink> _log;
    private readonly ChangeSignal _linked = new();
    private readonly ChangeSignal _sooner = new();
    private readonly TaskCompletionSource<WorkerApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile NodeLink? _leader;
    private volatile NodeLink? _standby;
    private TaskCompletionSource _nextSearch = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _admittedAt;
    private string? _lastLeader;

    public CoordinatorLink(
        NodeDialer dialer, NodeSelf self, CoordinatorAddresses addresses, RegistryReplica replica, OwnDrain drain, RegistryHalt halt, IHostApplicationLifetime lifetime,
        TimeProvider time, ILogger<CoordinatorLink> log)
    {
        (_search, _self, _addresses, _replica, _drain, _halt, _lifetime, _time, _log) =
            (new LeaderSearch(dialer, addresses, time), self, addresses, replica, drain, halt, lifetime, time, log);
    }

    /// <summary>Soft state of rooms that the leader tells.</summary>
    public event Action<IReadOnlyList<RoomActivity>>? ActivityTold;

    public event Action? LeaderReached;

    public bool ReachesLeader => IsLinkedToLeader;

    /// <summary>Whether the leader is linked.</summary>
    public bool IsLinkedToLeader => _leader is not null;

    public bool HearsCoordinator => Link is not null;

    public Task SearchAsync()
    {
        var next = Volatile.Read(ref _nextSearch).Task; // Before it is asked for: it may have begun and failed at once.
        _sooner.Raise();
        return next;
    }

    /// <summary>What commands go over.</summary>
    private NodeLink? Link => _leader ?? (_standby is { IsUp: true } standby ? standby : null);

    public async Task JoinAsync(WorkerApplication application, CancellationToken cancellation)
    {
        try
        {
            await TakePartAsync(application, cancellation);
        }
        catch (OperationCanceledException) when (_halt.Why is { } why)
        {
            throw new StartRefusedException(why.Message, why);
        }
    }

    private async Task TakePartAsync(WorkerApplication application, CancellationToken cancellation)
    {
        _application.TrySetResult(application);
        await _joined.Task.WaitAsync(cancellation);
        var said = default(long?);
        var reported = default(long?);
        while (true)
        {
            var isShown = _replica.Index >= Volatile.Read(ref _admittedAt); // Before the state is read, which is then no older.
            var self = _replica.State.FindWorker(_self.Node);
            if (isShown && self is null)
            {
                throw new StartRefusedException($"This worker ({_self.Node}) was removed from the cluster before it was approved. Remedy: start it again to ask anew.");
            }

            var state = self?.Incarnation == _self.Incarnation ? self.State : WorkerState.Gone;
            if (isShown && state is WorkerState.Active or WorkerState.Draining)
            {
                return;
            }

            if (state == WorkerState.Pending && (said is null || _time.GetElapsedTime(said.Value) >= SayAgainAfter))
            {
                said = _time.GetTimestamp();
                AwaitsApproval(_log, _self.Node);
            }

            if (reported is null || _time.GetElapsedTime(reported.Value) >= WorkerReports.Interval)
            {
                reported = _time.GetTimestamp();
                Report(new WorkerReport(0, 0, 0, _replica.Index, null, [], [], [])); // Whoever is approved is expected to be heard at once.
            }

            await _replica.WaitForAsync(_replica.Index + 1, RetryLongest, cancellation);
        }
    }

    public void Report(WorkerReport report) => _leader?.Post(RegistryMethods.Report, JsonSerializer.SerializeToUtf8Bytes(report, WorkerJson.Default.WorkerReport));

    public void Leave() => _leader?.Post(RegistryMethods.Leave, []);

    public async Task<CommandResult> SubmitAsync(Command command, CancellationToken cancellation)
    {
        var started = _time.GetTimestamp();
        var encoded = CommandCodec.Encode(command);
        var mayRepeat = command.CommandId.Length > 0;
        var wait = RetryFirst;
        var last = PendingCommand.Unavailable(_replica.Index);
        while (CommandLimit - _time.GetElapsedTime(started) is var left && left > TimeSpan.Zero)
        {
            var linked = _linked.Next;
            try
            {
                if (Link is not { } link)
                {
                    await linked.WaitAsync(left, _time, cancellation);
                    continue;
                }

                last = CommandAnswer.Decode(await link.CallAsync(RegistryMethods.Submit, encoded, left, cancellation));
                if (last.Outcome.Error != RefusalCodes.Unavailable || !mayRepeat)
                {
                    return last; // Else the leader changes, perhaps: again, with its id.
                }
            }
            catch (NodeLinkException) when (mayRepeat)
            {
                // Again, with its id.
            }
            catch (Exception failure) when (failure is TimeoutException or NodeLinkException)
            {
                break;
            }

            await linked.WaitAsync(wait < left ? wait : left, _time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellation.ThrowIfCancellationRequested();
            wait = wait * 2 > RetryLongest ? RetryLongest : wait * 2;
        }

        return last; // It may say why.
    }

    public async Task<ClusterStatus?> LookAsync(CancellationToken cancellation)
    {
        try
        {
            return Link is { } link && await link.CallAsync(RegistryMethods.Look, default, CommandLimit, cancellation) is { Length: > 0 } picture
                ? JsonSerializer.Deserialize(picture, ProtocolJson.Wire.ClusterStatus)
                : null;
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException)
        {
            return null;
        }
    }

    public async Task<EtcdMemberAnswer?> AskMembersAsync(EtcdMemberRequest request, CancellationToken cancellation)
    {
        try
        {
            return Link is { } link && link.Peer.Knows(RegistryMethods.MembersSince)
                ? JsonSerializer.Deserialize(
                    await link.CallAsync(RegistryMethods.Members, JsonSerializer.SerializeToUtf8Bytes(request, MemberJson.Default.EtcdMemberRequest), MemberChanges.Limit, cancellation), MemberJson.Default.EtcdMemberAnswer)
                : null;
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException)
        {
            return null;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, _halt.Halted);
        var end = ending.Token;
        try
        {
            var application = await _application.Task.WaitAsync(end);
            var attempt = 0;
            var said = default(long?);
            var grace = new RefusalGrace(_time);
            while (true)
            {
                end.ThrowIfCancellationRequested();
                var sooner = _sooner.Next;
                var search = Interlocked.Exchange(ref _nextSearch, new(TaskCreationOptions.RunContinuationsAsynchronously));
                var why = await TryAsync(application, end);
                search.TrySetResult();
                end.ThrowIfCancellationRequested(); // Before a link that ended is made anew, or anything is said of waiting.
                if (why is null)
                {
                    (attempt, said) = (0, null);
                    continue;
                }

                if (!_joined.Task.IsCompleted && grace.IsOver(why))
                {
                    _joined.TrySetException(new StartRefusedException($"The cluster refuses this worker: {why.Message}."));
                    return;
                }

                if (said is null || _time.GetElapsedTime(said.Value) > SayAgainAfter)
                {
                    said = _time.GetTimestamp();
                    Waits(_log, _addresses.ToString(), why.Message);
                }

                // Who is still to take part ends when it was refused for long enough, and finds that out soon.
                var isSeldom = why.IsLasting && _joined.Task.IsCompleted;
                await sooner.WaitAsync(Redial.After(attempt++, isSeldom), _time, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                attempt = sooner.IsCompleted ? 0 : attempt;
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            _joined.TrySetCanceled(end); // Who joins asks why.
        }
        finally
        {
            await (_standby?.DisposeAsync() ?? default);
        }
    }

    /// <summary>Looks for the leader once, and serves it until the link ends.</summary>
    /// <returns>Null after a link; else why there was none.</returns>
    private async Task<SearchFailure?> TryAsync(WorkerApplication application, CancellationToken stop)
    {
        var found = await _search.FindAsync(_standby, _lastLeader, () => new Receiver(this), stop);
        if (found.Leader is not { } leader)
        {
            await StandInAsync(found.Standby, stop);
            return found.Failure;
        }

        await using (leader)
        {
            try
            {
                // Whoever is registered is given rooms and expected to report: a new worker has the registry first, which may take a while. One
                // that comes back has rooms already, and is missed.
                var isNew = !_joined.Task.IsCompleted;
                if (isNew)
                {
                    await CatchUpAsync(leader, stop);
                }

                var held = _replica.Index;
                var asked = application with { Drains = _drain.IsAsked || _lifetime.ApplicationStopping.IsCancellationRequested };
                var answer = await leader.CallAsync(
                    RegistryMethods.Register, JsonSerializer.SerializeToUtf8Bytes(asked, WorkerJson.Default.WorkerApplication), CommandLimit, stop);
                var admission = JsonSerializer.Deserialize(answer, WorkerJson.Default.WorkerAdmission)!;
                if (admission is { IsTaken: true, Error: { } taken } && _joined.Task.IsCompletedSuccessfully)
                {
                    throw new WorkerTakenException(taken); // While this process was not heard: its rooms are the other's.
                }

                if (admission.Error is not null)
                {
                    return new SearchFailure($"{leader.Peer.Address}: {admission.Error}", IsRefusal: !admission.IsPassing);
                }

                if (admission.Index < held)
                {
                    // A registration stands behind all that was ever committed, or was decided upon it.
                    throw new RegistryForkException($"this worker has the registry up to entry {held}, and the leader at {leader.Peer.Address} only up to {admission.Index}");
                }

                _lastLeader = leader.Peer.Address;
                Volatile.Write(ref _admittedAt, admission.Index); // Before the entries that lead up to it: one of them may have removed this worker.
                if (!isNew)
                {
                    await FollowAsync(leader, stop);
                }

                LeaderReached?.Invoke();
                await ServeAsync(leader, admission, stop);
                return null;
            }
            catch (Exception end) when (end is RegistryForkException or WorkerTakenException)
            {
                _halt.Halt(end);
                return new SearchFailure(end.Message, IsRefusal: true);
            }
            catch (NodeLinkException refused)
            {
                return new SearchFailure(refused.Message, refused is NodeRefusedException, refused is NodeRefusedException { IsLasting: true });
            }
            catch (TimeoutException)
            {
                return new SearchFailure($"{leader.Peer.Address} did not answer in time", IsRefusal: false);
            }
        }
    }

    /// <summary>Until the leader is found, a standby brings the registry and passes commands on.</summary>
    private async Task StandInAsync(NodeLink? standby, CancellationToken stop)
    {
        if (standby is null || standby == _standby)
        {
            return;
        }

        await (_standby?.DisposeAsync() ?? default);
        _standby = standby;
        try
        {
            await FollowAsync(standby, stop);
            StandsIn(_log, standby.Peer.Address);
            _linked.Raise();
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException)
        {
            standby.End(failure.Message);
        }
        catch (RegistryForkException fork)
        {
            OfAnotherRegistry(_log, standby.Peer.Address, fork.Message); // Which of the two is right, the leader knows.
            standby.End(fork.Message);
        }
    }

    /// <returns>The entry up to which the coordinator has the registry now.</returns>
    /// <exception cref="RegistryForkException">It has another entry than the last one here, and tells nothing.</exception>
    private async Task<long> FollowAsync(NodeLink link, CancellationToken stop)
    {
        var answer = new PayloadReader(await link.CallAsync(RegistryMethods.Follow, ReplicaDoor.After(_replica).WrittenMemory, CommandLimit, stop));
        var there = answer.Number();
        return answer.IsAtEnd || !answer.Flag()
            ? there
            : throw new RegistryForkException($"the coordinator at {link.Peer.Address} has another entry than the last one that was applied here (up to {_replica.Index})");
    }

    private async Task CatchUpAsync(NodeLink link, CancellationToken stop)
    {
        var index = await FollowAsync(link, stop);
        while (!await _replica.WaitForAsync(index, RetryLongest, stop))
        {
            if (!link.IsUp)
            {
                throw new NodeLinkException($"{link.Peer.Address}: {await link.Completion}");
            }
        }
    }

    /// <summary>A standby tells this worker, too, that another process took its place.</summary>
    private void EndWhereTaken(long index)
    {
        if (_joined.Task.IsCompletedSuccessfully && index > Volatile.Read(ref _admittedAt) && _replica.State.FindWorker(_self.Node) is { } registered && registered.Incarnation != _self.Incarnation)
        {
            _halt.Halt(new WorkerTakenException($"another process, at {registered.Address}, takes part as worker {_self.Node} since entry {index}"));
        }
    }

    private async Task ServeAsync(NodeLink link, WorkerAdmission admission, CancellationToken stop)
    {
        Linked(_log, link.Peer.Node, link.Peer.Address, admission.Epoch);
        _leader = link;
        _linked.Raise();
        _joined.TrySetResult();
        var standby = Interlocked.Exchange(ref _standby, null);
        try
        {
            await (standby?.DisposeAsync() ?? default); // What waits on it is repeated on the leader's.
            var why = await link.Completion.WaitAsync(stop);
            Unlinked(_log, link.Peer.Address, why);
        }
        finally
        {
            _leader = null;
        }
    }

    /// <summary>What a coordinator sends on one link.</summary>
    private sealed class Receiver(CoordinatorLink owner) : INodeService
    {
        private StateStream? _state;

        public async ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
        {
            try
            {
                switch (message.Method)
                {
                    case RegistryMethods.Entry:
                        var payload = new PayloadReader(message.Payload);
                        var index = payload.Number();
                        owner._replica.Apply(index, RegistryEntryCodec.Decode(payload.Bytes().Span));
                        owner.EndWhereTaken(index);
                        break;
                    case RegistryMethods.StatePart:
                        await (_state ??= new StateStream()).AddAsync(message.Payload);
                        break;
                    case RegistryMethods.StateEnd when _state is { } state:
                        _state = null;
                        owner._replica.Replace(await state.EndAsync());
                        break;
                    case RegistryMethods.Activity:
                        owner.ActivityTold?.Invoke(JsonSerializer.Deserialize(message.Payload, WorkerJson.Default.ActivityNews)!.Rooms);
                        break;
                    case RegistryMethods.Replaced:
                        owner._halt.Halt(new WorkerTakenException($"another process takes part as worker {owner._self.Node}"));
                        break;
                    default:
                        throw new InvalidDataException($"a coordinator sent {message.Method} out of turn");
                }
            }
            catch (UnknownRegistryEventException newer)
            {
                owner._halt.Halt(newer);
                link.End(newer.Message);
            }
            catch (RegistryForkException fork)
            {
                if (link == owner._leader)
                {
                    owner._halt.Halt(fork);
                }

                link.End(fork.Message);
            }
            catch (JsonException failure)
            {
                throw new InvalidDataException("what came on the link does not fit its kind", failure);
            }
        }

        public void Ended(NodeLink link, string why) => _ = _state?.AbandonAsync();
    }

    [LoggerMessage(3100, LogLevel.Warning, "waiting for a coordinator at {Addresses}: {Why}")]
    private static partial void Waits(ILogger log, string addresses, string why);

    [LoggerMessage(3101, LogLevel.Information, "registered with {Coordinator} at {Address}; rooms of this worker have epoch {Epoch} or higher")]
    private static partial void Linked(ILogger log, string coordinator, string address, long epoch);

    [LoggerMessage(3102, LogLevel.Warning, "the link to the leader at {Address} ended: {Why}. Rooms that run go on")]
    private static partial void Unlinked(ILogger log, string address, string why);

    [LoggerMessage(3106, LogLevel.Information, "until the leader is found, the coordinator at {Address} brings the registry and passes commands on")]
    private static partial void StandsIn(ILogger log, string address);

    [LoggerMessage(3107, LogLevel.Warning, "the coordinator at {Address} is not followed: {Why}")]
    private static partial void OfAnotherRegistry(ILogger log, string address, string why);

    [LoggerMessage(3103, LogLevel.Warning, "waiting for an administrator's approval: dchat-server worker approve {Worker}")]
    private static partial void AwaitsApproval(ILogger log, string worker);
}
