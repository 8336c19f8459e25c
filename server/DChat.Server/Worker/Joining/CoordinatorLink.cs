using System.Text.Json;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Storage;

namespace DChat.Server.Worker.Joining;

/// <summary>
/// A worker's link to a coordinator, made anew whenever it ends: it brings the registry, carries commands to the leader, and reports.
/// While there is none, rooms that run go on; what changes the registry waits a while and is then answered <c>unavailable</c>.
/// </summary>
internal sealed partial class CoordinatorLink : BackgroundService, IClusterMembership, IRegistryCommands
{
    /// <summary>How long a command may take, links that come back included.</summary>
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(5);

    /// <summary>How long a first refusal is taken for a passing one (the process before it is not yet known to be dead).</summary>
    private static readonly TimeSpan RefusalGrace = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan RetryFirst = Redial.First;
    private static readonly TimeSpan RetryLongest = Redial.Longest;
    private static readonly TimeSpan SayAgainAfter = TimeSpan.FromSeconds(10);

    private readonly NodeDialer _dialer;
    private readonly NodeSelf _self;
    private readonly CoordinatorAddresses _addresses;
    private readonly RegistryReplica _replica;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly ILogger<CoordinatorLink> _log;
    private readonly ChangeSignal _linked = new();
    private readonly TaskCompletionSource<WorkerApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile NodeLink? _link;
    private long _admittedAt;
    private string? _lastGood;

    public CoordinatorLink(
        NodeDialer dialer, NodeSelf self, CoordinatorAddresses addresses, RegistryReplica replica, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<CoordinatorLink> log)
    {
        (_dialer, _self, _addresses, _replica, _lifetime, _time, _log) = (dialer, self, addresses, replica, lifetime, time, log);
    }

    /// <summary>Soft state of rooms that the leader tells.</summary>
    public event Action<IReadOnlyList<RoomActivity>>? ActivityTold;

    /// <summary>The coordinator that is linked, as <c>host:port</c>; null: none is.</summary>
    public string? Coordinator => _link?.Peer.Address;

    public async Task JoinAsync(WorkerApplication application, CancellationToken cancellation)
    {
        _application.TrySetResult(application);
        await _joined.Task.WaitAsync(cancellation);
        var said = default(long?);
        var reported = default(long?);
        while (true)
        {
            var state = _replica.State.FindWorker(_self.Node) is { } worker && worker.Incarnation == _self.Incarnation ? worker.State : WorkerState.Gone;
            if (_replica.Index >= Volatile.Read(ref _admittedAt) && state is WorkerState.Active or WorkerState.Draining)
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

    public void Report(WorkerReport report) => _link?.Post(RegistryMethods.Report, JsonSerializer.SerializeToUtf8Bytes(report, WorkerJson.Default.WorkerReport));

    public void Leave() => _link?.Post(RegistryMethods.Leave, []);

    public async Task<CommandResult> SubmitAsync(Command command, CancellationToken cancellation)
    {
        var started = _time.GetTimestamp();
        var encoded = CommandCodec.Encode(command);
        while (CommandLimit - _time.GetElapsedTime(started) is var left && left > TimeSpan.Zero)
        {
            var linked = _linked.Next;
            try
            {
                if (_link is { } link)
                {
                    var answer = new PayloadReader(await link.CallAsync(RegistryMethods.Submit, encoded, left, cancellation));
                    var index = answer.Number();
                    return new CommandResult(index, JsonSerializer.Deserialize(answer.Bytes().Span, WorkerJson.Default.Outcome)!);
                }

                await linked.WaitAsync(left, _time, cancellation);
            }
            catch (NodeLinkException) when (command.CommandId.Length > 0)
            {
                await linked.WaitAsync(RetryFirst, _time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // Again, with its id.
                cancellation.ThrowIfCancellationRequested();
            }
            catch (Exception failure) when (failure is TimeoutException or NodeLinkException)
            {
                break;
            }
        }

        return PendingCommand.Unavailable(_replica.Index);
    }

    public async Task<ClusterStatus?> LookAsync(CancellationToken cancellation)
    {
        try
        {
            return _link is { } link && await link.CallAsync(RegistryMethods.Look, default, CommandLimit, cancellation) is { Length: > 0 } picture
                ? JsonSerializer.Deserialize(picture, ProtocolJson.Wire.ClusterStatus)
                : null;
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException)
        {
            return null;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var application = await _application.Task.WaitAsync(stoppingToken);
            var attempt = 0;
            var said = default(long?);
            var refusedAt = default(long?);
            while (true)
            {
                var why = await TryAsync(application, stoppingToken);
                if (why is null)
                {
                    (attempt, said, refusedAt) = (0, null, null);
                    continue;
                }

                if (!_joined.Task.IsCompleted && why.IsRefusal)
                {
                    refusedAt ??= _time.GetTimestamp();
                    if (_time.GetElapsedTime(refusedAt.Value) > RefusalGrace)
                    {
                        _joined.TrySetException(new StartRefusedException($"The cluster refuses this worker: {why.Message}."));
                        return;
                    }
                }

                if (said is null || _time.GetElapsedTime(said.Value) > SayAgainAfter)
                {
                    said = _time.GetTimestamp();
                    Waits(_log, _addresses.ToString(), why.Message);
                }

                await Task.Delay(Redial.After(attempt++, why.IsLasting), _time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            _joined.TrySetCanceled(stoppingToken);
        }
    }

    /// <summary>Tries every coordinator once; serves the first that takes this worker until the link ends.</summary>
    /// <returns>Null after a link; else why there was none.</returns>
    private async Task<Failure?> TryAsync(WorkerApplication application, CancellationToken stop)
    {
        var failure = new Failure("no address is known", IsRefusal: false);
        var addresses = (await _addresses.ResolveAsync(stop)).ToArray();
        Random.Shared.Shuffle(addresses);
        foreach (var address in addresses.OrderByDescending(address => address == _lastGood))
        {
            try
            {
                await using var link = await _dialer.ConnectAsync(address, NodeServices.Registry, null, _ => new Receiver(this), stop);

                // Whoever is registered is given rooms and expected to report: a new worker has the registry first, which may take a while. One
                // that comes back has rooms already, and is missed.
                var isNew = !_joined.Task.IsCompleted;
                if (isNew)
                {
                    await CatchUpAsync(link, stop);
                }

                var answer = await link.CallAsync(
                    RegistryMethods.Register, JsonSerializer.SerializeToUtf8Bytes(application, WorkerJson.Default.WorkerApplication), CommandLimit, stop);
                var admission = JsonSerializer.Deserialize(answer, WorkerJson.Default.WorkerAdmission)!;
                if (admission.Error is not null)
                {
                    failure = new Failure($"{address}: {admission.Error}", IsRefusal: true);
                    continue;
                }

                _lastGood = address;
                if (!isNew)
                {
                    await FollowAsync(link, stop);
                }

                await ServeAsync(link, admission, stop);
                return null;
            }
            catch (NodeLinkException refused)
            {
                failure = new Failure(refused.Message, refused is NodeRefusedException, refused is NodeRefusedException { IsLasting: true });
            }
            catch (TimeoutException)
            {
                failure = new Failure($"{address} did not answer in time", IsRefusal: false);
            }
        }

        return failure;
    }

    /// <returns>The entry up to which the coordinator has the registry now.</returns>
    private async Task<long> FollowAsync(NodeLink link, CancellationToken stop) => new PayloadReader(
        await link.CallAsync(RegistryMethods.Follow, new PayloadWriter().Number(_replica.Index + 1).WrittenMemory, CommandLimit, stop)).Number();

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

    private async Task ServeAsync(NodeLink link, WorkerAdmission admission, CancellationToken stop)
    {
        Volatile.Write(ref _admittedAt, admission.Index);
        Linked(_log, link.Peer.Node, link.Peer.Address, admission.Epoch);
        _link = link;
        _linked.Raise();
        _joined.TrySetResult();
        try
        {
            var why = await link.Completion.WaitAsync(stop);
            Unlinked(_log, link.Peer.Address, why);
        }
        finally
        {
            _link = null;
        }
    }

    private sealed record Failure(string Message, bool IsRefusal, bool IsLasting = false);

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
                        Replaced(owner._log, owner._self.Node);
                        owner._lifetime.StopApplication();
                        break;
                    default:
                        throw new InvalidDataException($"a coordinator sent {message.Method} out of turn");
                }
            }
            catch (UnknownRegistryEventException newer)
            {
                TooOld(owner._log, newer.Message);
                owner._joined.TrySetException(new StartRefusedException(newer.Message, newer));
                owner._lifetime.StopApplication();
                link.End(newer.Message);
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

    [LoggerMessage(3101, LogLevel.Information, "taking part by {Coordinator} at {Address}; rooms of this worker have epoch {Epoch} or higher")]
    private static partial void Linked(ILogger log, string coordinator, string address, long epoch);

    [LoggerMessage(3102, LogLevel.Warning, "the link to the coordinator at {Address} ended: {Why}. Rooms that run go on")]
    private static partial void Unlinked(ILogger log, string address, string why);

    [LoggerMessage(3103, LogLevel.Warning, "waiting for an administrator's approval: dchat-server worker approve {Worker}")]
    private static partial void AwaitsApproval(ILogger log, string worker);

    [LoggerMessage(3104, LogLevel.Critical, "another process took the id of this worker, {Worker}; this one stops. Remedy: give each worker a --data folder of its own")]
    private static partial void Replaced(ILogger log, string worker);

    [LoggerMessage(3105, LogLevel.Critical, "the cluster is newer than this program; it stops: {Why}")]
    private static partial void TooOld(ILogger log, string why);
}
