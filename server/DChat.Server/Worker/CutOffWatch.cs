using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Joining;
using DChat.Server.Worker.Peers;
using Microsoft.Extensions.Hosting;
using WorkerState = DChat.Core.Registry.WorkerState;

namespace DChat.Server.Worker;

/// <summary>
/// Sends the clients of a worker to others while it hears no coordinator and another worker does: its rooms were given away and it does not
/// know to whom, nor who was banned or signed out. Where it reaches no other worker either, the store tells: somebody else has opened a room of its own. One without a store can serve nobody then.
/// Where nobody hears a coordinator all go on as they are. It does so too where it hears a coordinator and is passed over all the same, as it does not
/// reach the other workers, or the message store.
/// </summary>
internal sealed partial class CutOffWatch(
    IClusterMembership membership, RegistryReplica replica, WorkerIdentity identity, PeerPorts peers, StoreCheck store, RoomHost host, ChatGateway gateway, ServerOptions options,
    TimeProvider time, ILogger<CutOffWatch> log) : BackgroundService
{
    private const string HearsNobody = "This worker is cut off from the coordinators.";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private Task _goodbyes = Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.CutOffMs == 0)
        {
            return;
        }

        var verdict = new CutOffVerdict(TimeSpan.FromMilliseconds(options.CutOffMs), membership.SearchAsync);
        var passedOver = new PassedOverVerdict(TimeSpan.FromMilliseconds(options.CutOffMs) * 2);
        var (started, lostBefore) = (time.GetTimestamp(), host.RoomsLost);
        var (was, trouble) = (default(string?), PassedOverVerdict.ReachesNoHosts);
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                var hears = membership.HearsCoordinator;
                lostBefore = hears ? host.RoomsLost : lostBefore;
                var goesOn = !hears && (await peers.HearsCoordinatorAsync().WaitAsync(stoppingToken) || (peers.ReachesNobody && (host.RoomsLost > lostBefore || ServesNobody)));
                verdict.See(hears, goesOn, time.GetElapsedTime(started));
                var found = PassedOverVerdict.TroubleOf(replica.State, identity.Id, peers.Unreachable, store.WasWell);
                trouble = found ?? trouble;
                passedOver.See(found is not null, found is not null && await IsUnfitAsync(stoppingToken), time.GetElapsedTime(started));
                var why = verdict.IsCutOff ? HearsNobody : passedOver.IsPassedOver ? trouble : null;
                Act(was, why);
                was = why;
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await _goodbyes; // Draining has closed the connections that they wait for.
        }
    }

    /// <summary>A gateway without a store of its own that reaches nobody: whatever became of the others, its clients are better off elsewhere. (Not where only one hosts, which is away: they would be sent round.)</summary>
    private bool ServesNobody => !options.IsHost && replica.State.Workers().Count(static worker => worker is { State: WorkerState.Active, Capacity: > 0 }) > 1;

    /// <summary>Whether a leader says that it gives this worker no rooms.</summary>
    private async Task<bool> IsUnfitAsync(CancellationToken cancellation) =>
        (await membership.LookAsync(cancellation))?.Workers.FirstOrDefault(worker => worker.Id == identity.Id) is { Unfit: not null };

    private void Act(string? was, string? why)
    {
        if (was == why)
        {
            return;
        }

        if (why is null)
        {
            gateway.TakePartAgain();
            Back(log);
            return;
        }

        _goodbyes = Task.WhenAll(_goodbyes, gateway.CutOffAsync(why));
        if (why == HearsNobody)
        {
            CutOff(log, options.CutOffMs);
        }
        else
        {
            PassedOver(log, options.CutOffMs * 2, why, string.Join(", ", peers.Unreachable));
        }
    }

    [LoggerMessage(2621, LogLevel.Warning, "for {Ms} ms the cluster has gone on elsewhere and this worker has heard no coordinator: clients are sent to others until it does")]
    private static partial void CutOff(ILogger log, int ms);

    [LoggerMessage(2623, LogLevel.Warning, "for {Ms} ms the leader has given this worker no rooms, and it cannot serve its clients in those of others: {Why} Clients are sent to others until it can. Workers that are not reached: {Unreachable}")]
    private static partial void PassedOver(ILogger log, int ms, string why, string unreachable);

    [LoggerMessage(2622, LogLevel.Information, "this worker is not cut off any more: clients are welcome")]
    private static partial void Back(ILogger log);
}
