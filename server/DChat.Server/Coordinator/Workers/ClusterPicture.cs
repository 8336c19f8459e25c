using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Coordinator.Standby;

namespace DChat.Server.Coordinator.Workers;

using Worker = DChat.Core.Registry.Worker;

/// <summary>The cluster as its leader sees it now.</summary>
internal sealed class ClusterPicture(CoordinatorService coordinator, RegistryReplica replica, WorkerWatch watch, ClusterDuties duties, SnapshotKeeper snapshots, StandbyWatch standbys, IControlLog log, CoordinatorOptions options)
{
    /// <summary>Null where this coordinator does not lead.</summary>
    public ClusterStatus? Take()
    {
        if (!coordinator.IsLeader)
        {
            return null;
        }

        var state = replica.State;
        var workers = state.Workers().Select(worker => Describe(state, worker)).ToList();
        return new ClusterStatus(
            options.Advertise,
            coordinator.Term,
            state.Index,
            snapshots.Index,
            state.AccountCount,
            state.RoomCount,
            state.MembershipCount,
            workers.Sum(worker => worker.Connections),
            workers,
            Coordinators(state.Index),
            (long?)snapshots.Age?.TotalMilliseconds,
            snapshots.Error,
            snapshots.LogEntries,
            log.IsFull);
    }

    private List<CoordinatorStatus> Coordinators(long index) =>
    [
        new(options.Advertise, "leader", 0, 0, ConfigVerbs.ProductVersion),
        .. standbys.All.Select(standby => new CoordinatorStatus(
            standby.Peer.Address, standby.IsParked ? "parked" : "standby", Math.Max(0, index - standby.Index), (long)standby.SilentFor.TotalMilliseconds, standby.Peer.Product)),
    ];

    private WorkerStatus Describe(RegistryState state, Worker worker)
    {
        var sight = watch.Find(worker.Id);
        var report = worker.State == WorkerState.Gone ? null : sight?.Report;
        return new WorkerStatus(
            worker.Id,
            worker.Address,
            worker.State.ToString().ToLowerInvariant(),
            worker.Capacity,
            worker.Labels,
            worker.RoomCount,
            worker.Capacity == 0 ? 0 : Math.Round(duties.LoadOf(worker).Expected / worker.Capacity, 3),
            report?.Connections ?? 0,
            Math.Round(report?.DeliveriesPerSecond ?? 0, 1),
            report is null ? null : Math.Max(0, state.Index - report.Index),
            sight?.Peer.Product,
            sight is null ? null : (long)sight.SilentFor.TotalMilliseconds,
            report?.StoreError,
            Unreachable(state, report),
            worker.State == WorkerState.Active ? duties.WhyUnfit(worker) : null);
    }

    /// <summary>What a worker cannot reach of those that there are: it may not know yet that one was removed.</summary>
    private static List<string>? Unreachable(RegistryState state, WorkerReport? report) =>
        report?.Unreachable.Where(id => state.FindWorker(id) is not null).ToList() is { Count: > 0 } there ? there : null;
}
