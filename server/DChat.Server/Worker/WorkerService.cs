using System.Globalization;
using System.Threading.Channels;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Joining;
using DChat.Server.Worker.Peers;
using Microsoft.Extensions.Hosting;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker;

/// <summary>
/// A worker's life: it takes part before it serves, reports while it does, and before it stops it gives its rooms away, then asks its
/// clients to go elsewhere.
/// </summary>
internal sealed partial class WorkerService(
    WorkerIdentity identity,
    IClusterMembership membership,
    RegistryCalls registry,
    ChatGateway gateway,
    RoomHost host,
    PeerPorts ports,
    IMessageStore store,
    StoreCheck storeCheck,
    NodeDoor door,
    OwnDrain drain,
    RegistryHalt halt,
    ServerOptions options,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<WorkerService> log) : IHostedLifecycleService, IDisposable
{
    /// <summary>Of the time that a stop may take, from its beginning: rooms move until then.</summary>
    private const double RoomsMove = 0.5;

    /// <summary>Clients that were asked to go may stay until then.</summary>
    private const double ClientsStay = 0.75;

    /// <summary>All clients are closed by then; the rest is for requests, and for what has to be closed in an orderly way.</summary>
    private const double ClientsClose = 0.9;

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    /// <summary>Links may come and go fast.</summary>
    private static readonly TimeSpan ReportsApart = TimeSpan.FromMilliseconds(100);

    private readonly Channel<bool> _linksChanged = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private PeriodicTimer? _reports;
    private Task _reporting = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        var labels = options.Label.Split(',', StringSplitOptions.RemoveEmptyEntries);
        var storeId = options.IsHost ? await store.ReadIdAsync(waiting.Token) : null;
        await membership.JoinAsync(new WorkerApplication(options.Capacity, labels, storeId), waiting.Token);
        Registered(log, identity.Id, options.EffectiveAdvertise);
        if (options is { Mode: ServerMode.Worker, Store.Scheme: "sqlite" })
        {
            HostsAlone(log, identity.Id);
        }

        _reports = new PeriodicTimer(WorkerReports.Interval, time);
        ports.Changed += LinkChanged;
        membership.LeaderReached += host.TellActivityAnew;
        _reporting = VitalWork.RunAsync("the reports to the leader", () => ReportAsync(_reports), log);
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before anything stops: this worker is not ready any more, and all the same the web server serves whoever comes until rooms and clients have moved.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        lifetime.StopApplication(); // So all hear of it, whoever began the stop.
        return _reports is null ? Task.CompletedTask : DrainAsync(cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        ports.Changed -= LinkChanged;
        membership.LeaderReached -= host.TellActivityAnew;
        if (_reports is not null)
        {
            membership.Leave(); // Not before the web server has stopped: the link ends with it, and would come back.
            _reports.Dispose(); // Ends the reports.
        }

        await UntilAsync(_reporting, cancellationToken);
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _reports?.Dispose();

    /// <summary>Waits for its end no longer than until then.</summary>
    private static async Task UntilAsync(Task task, CancellationToken end)
    {
        await task.WaitAsync(end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (task.IsCompleted)
        {
            await task;
        }
    }

    private async Task DrainAsync(CancellationToken end)
    {
        var began = time.GetTimestamp();
        TimeSpan Until(double part) => (TimeSpan.FromSeconds(options.DrainSeconds) * part) - time.GetElapsedTime(began);

        if (HasHeir && options.IsHost && !halt.IsHalted)
        {
            await GiveRoomsAwayAsync(Until(RoomsMove), end);
        }

        var mayStay = !halt.IsHalted && registry.State.Workers().Any(worker => worker.State == WorkerState.Active && worker.Id != identity.Id);
        await UntilAsync(gateway.DrainAsync(mayStay, Until(ClientsStay), Until(ClientsClose)), end);
        door.Close();
    }

    /// <summary>Whether anybody is there to take the rooms.</summary>
    private bool HasHeir => registry.State.Workers().Any(worker => worker is { State: WorkerState.Active, Capacity: > 0 } && worker.Id != identity.Id);

    /// <summary>While clients are still served: each room pauses for its move only. A registry that stands still shows no move, and is not waited for.</summary>
    private async Task GiveRoomsAwayAsync(TimeSpan limit, CancellationToken stopped)
    {
        var started = time.GetTimestamp();
        using var over = new CancellationTokenSource(limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(over.Token, stopped, halt.Halted);
        var refusal = await AskForDrainAsync(end.Token);
        while (refusal is null && HasHeir && registry.State.FindWorker(identity.Id) is { RoomCount: > 0 } && !end.IsCancellationRequested)
        {
            await Task.Delay(LookAgain, time, CancellationToken.None);
        }

        var left = registry.State.FindWorker(identity.Id)?.RoomCount ?? 0;
        var took = time.GetElapsedTime(started).TotalMilliseconds;
        if (refusal is not null)
        {
            NotDrained(log, identity.Id, refusal, left, took);
        }
        else if (left > 0)
        {
            PartlyDrained(log, identity.Id, left, took);
        }
        else
        {
            Drained(log, identity.Id, took);
        }
    }

    /// <returns>Why a coordinator did not take it, for people; null: one did.</returns>
    private async Task<string?> AskForDrainAsync(CancellationToken end)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"drain-{identity.Incarnation}");
        try
        {
            return (await registry.CommitAsync(new SetWorkerState(id, "", registry.Now(), identity.Id, WorkerState.Draining, identity.Incarnation), end)).Error?.Message;
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return "none answered";
        }
    }

    /// <summary>An administrator drains this worker, and others can do what it does. A process that is a coordinator too only gives its rooms away.</summary>
    private bool IsSentAway => !options.IsCoordinator && HasHeir && drain.IsAsked;

    private void LinkChanged(IHostPort port) => _linksChanged.Writer.TryWrite(true);

    /// <summary>Once a second, and as soon as a link to another worker is lost or back: rooms that most cannot reach wait for the leader.</summary>
    private async Task ReportAsync(PeriodicTimer timer)
    {
        var tick = timer.WaitForNextTickAsync(CancellationToken.None).AsTask();
        var links = _linksChanged.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
        while (true)
        {
            if (IsSentAway && !lifetime.ApplicationStopping.IsCancellationRequested)
            {
                SentAway(log, identity.Id);
                lifetime.StopApplication();
            }

            // Not of a file that no other worker could use: an idle server by itself writes nothing.
            var found = options.IsHost && (HasHeir || store.IsShared) ? await storeCheck.LookAsync() : new StoreFinding(null, time.GetTimestamp());
            membership.Report(new WorkerReport(
                gateway.Connections, host.Count, host.Load.DeliveriesPerSecond, registry.Index, found.Error,
                [.. ports.Unreachable.Take(WorkerReports.UnreachableMax)], host.Load.BusiestRooms(WorkerReports.BusiestMax), membership.ReachesLeader ? host.Load.TakeChanges(WorkerReports.ActivityMax) : [],
                (long)time.GetElapsedTime(found.BeganAt).TotalMilliseconds));
            if (await Task.WhenAny(tick, links) == links)
            {
                await Task.Delay(ReportsApart, time, CancellationToken.None);
                _linksChanged.Reader.TryRead(out _);
                links = _linksChanged.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
                continue;
            }

            if (!await tick)
            {
                return;
            }

            tick = timer.WaitForNextTickAsync(CancellationToken.None).AsTask();
        }
    }

    [LoggerMessage(2400, LogLevel.Information, "worker {Worker} takes part, for other nodes at {Address}")]
    private static partial void Registered(ILogger log, string worker, string address);

    [LoggerMessage(2407, LogLevel.Warning, "worker {Worker} has its message store in SQLite, which no other worker can use: when it dies, nobody takes its rooms, and they wait until it is started again. Remedy: --store postgres://… on all workers")]
    private static partial void HostsAlone(ILogger log, string worker);

    [LoggerMessage(2402, LogLevel.Information, "worker {Worker} is drained by an administrator: it stops")]
    private static partial void SentAway(ILogger log, string worker);

    [LoggerMessage(2403, LogLevel.Information, "worker {Worker} gave its rooms away in {Milliseconds:0} ms")]
    private static partial void Drained(ILogger log, string worker, double milliseconds);

    [LoggerMessage(2406, LogLevel.Warning, "worker {Worker} could not give all its rooms away: {Left} rooms are left after {Milliseconds:0} ms, and pause until the coordinator gives them to others")]
    private static partial void PartlyDrained(ILogger log, string worker, int left, double milliseconds);

    [LoggerMessage(2405, LogLevel.Warning, "worker {Worker} gave no room away, as no coordinator took the request within {Milliseconds:0} ms ({Why}): {Left} rooms stay here until it ends, and pause until a coordinator gives them to others")]
    private static partial void NotDrained(ILogger log, string worker, string why, int left, double milliseconds);
}
