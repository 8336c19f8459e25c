using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Workers;

/// <summary>
/// Lets workers take part: at once, or when an administrator has approved them. Only as the leader: what was found out here about a worker is
/// not passed on to another leader, to which it may have come meanwhile.
/// </summary>
internal sealed class WorkerAdmissions(CoordinatorService coordinator, RegistryReplica replica, WorkerWatch watch, ClusterDuties duties, CoordinatorOptions options, TimeProvider time)
{
    private static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(2);

    public Task<WorkerAdmission> AdmitAsync(NodeHello worker, WorkerApplication application, CancellationToken cancellation) =>
        AdmitAsync(worker, application, StateOf(worker, application.Drains), cancellation);

    public async Task<WorkerAdmission> AdmitAsync(NodeHello worker, WorkerApplication application, WorkerState state, CancellationToken cancellation)
    {
        if (IsTaken(worker) is { } other)
        {
            return new WorkerAdmission(
                $"a process at {other.Peer.Address} takes part as worker {worker.Node}, and lives: give each worker a --data folder of its own, which is no copy of another's", 0, replica.Index, IsTaken: true);
        }

        await ClearAddressAsync(worker, cancellation);
        var command = new RegisterWorker(
            "",
            "",
            time.GetUtcNow().ToUnixTimeMilliseconds(),
            worker.Node,
            worker.Address,
            worker.Incarnation,
            application.Store is null ? 0 : application.Capacity,
            application.Labels,
            state,
            application.Store);
        var result = await coordinator.DecideAsync(command, cancellation);
        if (!result.Outcome.IsOk)
        {
            return new WorkerAdmission(result.Outcome.Text, 0, result.Index, IsPassing: result.Outcome.Error == RefusalCodes.Unavailable);
        }

        await replica.WaitForAsync(result.Index, CatchUp, cancellation);
        return new WorkerAdmission(null, long.Parse(result.Outcome.Result, System.Globalization.CultureInfo.InvariantCulture), result.Index);
    }

    /// <summary>Who came first stays: of two that took each other's place no room would ever be served. The link of one that died ends.</summary>
    private Sight? IsTaken(NodeHello worker) =>
        watch.Find(worker.Node) is { IsLinked: true, HasLeft: false } other && other.Peer.Incarnation != worker.Incarnation ? other : null;

    /// <summary>Whose address another uses now, and is not heard, is no more: its folder with its id was lost. Who was not approved yet is forgotten.</summary>
    private async Task ClearAddressAsync(NodeHello worker, CancellationToken cancellation)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var other in replica.State.Workers().Where(other => other.Id != worker.Node && other.Address == worker.Address))
        {
            if (other.State == WorkerState.Pending && (watch.Find(other.Id) is not { ClosedFor: null } sight || sight.SilentFor > options.WorkerSilence))
            {
                await coordinator.DecideAsync(new RemoveWorker("", "", now, other.Id), cancellation);
            }
            else if (duties.IsMissing(other.Id))
            {
                await coordinator.DecideAsync(new SetWorkerState("", "", now, other.Id, WorkerState.Gone, other.Incarnation), cancellation);
            }
        }
    }

    /// <summary>Who was approved once stays so; a process that drains goes on draining when its link comes back, whatever it was taken for meanwhile.</summary>
    private WorkerState StateOf(NodeHello worker, bool drains)
    {
        var known = replica.State.FindWorker(worker.Node);
        if (known is null or { State: WorkerState.Pending } && options.Admission != WorkerAdmissionMode.Open)
        {
            return WorkerState.Pending;
        }

        return drains || (known is { State: WorkerState.Draining } && known.Incarnation == worker.Incarnation) ? WorkerState.Draining : WorkerState.Active;
    }
}

/// <summary>Whether a new worker waits for an administrator.</summary>
public enum WorkerAdmissionMode
{
    /// <summary>Whoever holds the cluster secret takes part at once.</summary>
    Open,

    /// <summary>Each new worker waits until an administrator approves it.</summary>
    Approve,
}
