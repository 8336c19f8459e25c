using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.EtcdMembers;
using DChat.Server.Nodes;
using DChat.Server.Worker.Peers;

namespace DChat.Server.Worker.Joining;

/// <summary>The worker that shares its process with a coordinator: no link, and no waiting for approval.</summary>
internal sealed class LocalMembership(
    WorkerWatch watch, WorkerAdmissions admissions, IRegistryCommands commands, RegistryReplica replica, ClusterPicture picture, RoomActivities activities, NodeSelf self, TimeProvider time,
    MemberChanges? members = null) : IClusterMembership
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly NodeHello _hello = self.Hello(NodeServices.Registry);

    /// <summary>Never: it is here.</summary>
    public event Action? LeaderReached
    {
        add { }
        remove { }
    }

    public bool HearsCoordinator => true;

    public bool ReachesLeader => true;

    public Task SearchAsync() => Task.CompletedTask;

    public async Task JoinAsync(WorkerApplication application, CancellationToken cancellation)
    {
        watch.ReportedHere(_hello, null);
        watch.ActivityTold += activities.Report; // Of rooms that other workers host.
        await BuryPredecessorAsync(cancellation);
        WorkerAdmission admission;
        while ((admission = await admissions.AdmitAsync(_hello, application, WorkerState.Active, cancellation)).IsPassing)
        {
            await Task.Delay(RetryAfter, time, cancellation);
        }

        if (admission.Error is { } error)
        {
            throw new StartRefusedException(
                $"The worker could not register: {error}. Remedy: give the --store and --data that this cluster had before, or an empty --data folder for a new cluster.");
        }
    }

    public void Report(WorkerReport report) => watch.ReportedHere(_hello, report);

    public Task<ClusterStatus?> LookAsync(CancellationToken cancellation) => Task.FromResult(picture.Take());

    public async Task<EtcdMemberAnswer?> AskMembersAsync(EtcdMemberRequest request, CancellationToken cancellation) => await MemberChanges.CarryOutAsync(members, request, cancellation);

    public void Leave()
    {
        watch.ActivityTold -= activities.Report; // The coordinator goes with it.
    }

    /// <summary>A worker of another id at this process's own address is no more: this process listens there. Its file with the id was lost.</summary>
    private async Task BuryPredecessorAsync(CancellationToken cancellation)
    {
        foreach (var other in replica.State.Workers().Where(other => other.Id != _hello.Node && other.Address == _hello.Address && other.State != WorkerState.Gone))
        {
            await commands.SubmitAsync(new SetWorkerState("", "", time.GetUtcNow().ToUnixTimeMilliseconds(), other.Id, WorkerState.Gone), cancellation);
        }
    }
}
