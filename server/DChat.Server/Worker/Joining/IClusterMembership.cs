using DChat.Protocol;
using DChat.Server.Coordinator.Workers;
using DChat.Server.EtcdMembers;

namespace DChat.Server.Worker.Joining;

/// <summary>A worker's place in its cluster: the leader in this process, or coordinators elsewhere.</summary>
internal interface IClusterMembership
{
    /// <summary>Returns when this worker takes part and its replica shows so; says what it waits for.</summary>
    /// <exception cref="Coordinator.StartRefusedException">It is refused; the message says why and the remedy.</exception>
    Task JoinAsync(WorkerApplication application, CancellationToken cancellation);

    /// <summary>Whether a coordinator is there from which this worker has the registry.</summary>
    bool HearsCoordinator { get; }

    /// <summary>Looks for a coordinator at once, where none is heard, and often for a while. Ends when a search that was begun since found none.</summary>
    Task SearchAsync();

    /// <summary>Whether a leader is there to be told anything.</summary>
    bool ReachesLeader { get; }

    /// <summary>A leader is reached anew, perhaps another one: it knows nothing of what was told before.</summary>
    event Action? LeaderReached;

    /// <summary>Tells the leader how this worker stands; may be lost, and is due again a second later.</summary>
    void Report(WorkerReport report);

    /// <summary>The cluster as its leader sees it; null where none can be reached.</summary>
    Task<ClusterStatus?> LookAsync(CancellationToken cancellation);

    /// <summary>Has a coordinator look at, or change, who its etcd's members are; null where none can be reached.</summary>
    Task<EtcdMemberAnswer?> AskMembersAsync(EtcdMemberRequest request, CancellationToken cancellation);

    /// <summary>Says that this worker goes and has nothing left.</summary>
    void Leave();
}
