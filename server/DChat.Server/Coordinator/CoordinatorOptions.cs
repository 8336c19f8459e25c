using DChat.Core.Placement;
using DChat.Core.Registry;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator;

/// <summary>How a coordinator works.</summary>
public sealed record CoordinatorOptions
{
    /// <summary>Where other nodes reach this coordinator, as <c>host:port</c>. Default: <c>127.0.0.1:8081</c>.</summary>
    public string Advertise { get; init; } = "127.0.0.1:8081";

    /// <summary>The limits by which commands are decided. Default: those of <see cref="RegistryLimits"/>.</summary>
    public RegistryLimits Limits { get; init; } = new();

    /// <summary>How the host of a new room is chosen. Default: the least loaded worker.</summary>
    public PlacementPolicy Placement { get; init; } = PlacementPolicy.LeastLoaded;

    /// <summary>Commands that may wait to be decided; beyond, they are answered <c>unavailable</c>. 1 or more. Default: 10,000.</summary>
    public int QueueMax { get; init; } = 10_000;

    /// <summary>A command that is not answered in this time, because the log is away or slow, is answered <c>unavailable</c>; more than zero. Default: 5 seconds.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A snapshot is written after so many entries; 0: only by time. Default: 10,000.</summary>
    public int SnapshotEntries { get; init; } = 10_000;

    /// <summary>A snapshot is written after so long, if anything changed; zero: only by entries. Default: 10 minutes.</summary>
    public TimeSpan SnapshotInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Verified snapshots that are kept, and as many below one that a restore made; the log is truncated behind the second-newest. 2 or more. Default: 3.</summary>
    public int SnapshotsKept { get; init; } = 3;

    /// <summary>Days of which the last snapshot is kept besides, in UTC, the newest snapshot's day among them; 0: none. Default: 7.</summary>
    public int SnapshotDays { get; init; } = 7;

    /// <summary>How long to wait after a failed snapshot before the next attempt, more than zero. Default: 30 seconds.</summary>
    public TimeSpan SnapshotRetry { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the leader looks whether a token-protection key is due, more than zero. Default: 1 hour.</summary>
    public TimeSpan KeyCheckInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Where a snapshot is put together (sealed) before it goes to the blob store. Default: the system's folder for temporary files.</summary>
    public string ScratchFolder { get; init; } = Path.GetTempPath();

    /// <summary>Where the first administrator's password is kept. Default: <c>initial-admin-password</c> in the current folder.</summary>
    public string AdminPasswordPath { get; init; } = "initial-admin-password";

    /// <summary>A file that says that this cluster's registry has begun: an empty log beside it is one that was lost. Null, the default: none is kept.</summary>
    public string? BeganPath { get; init; }

    /// <summary>
    /// Whether every coordinator of the log reads these snapshots. Where not, the log is never truncated: whoever starts without them needs all of it.
    /// </summary>
    public bool SharesSnapshots { get; init; } = true;

    /// <summary>A file with the latest term in which this node led: the process after it need not wait for that term's end. Null, the default: none is kept.</summary>
    public string? TermPath { get; init; }

    /// <summary>The first administrator's password; null or empty: a random one is made and kept at <see cref="AdminPasswordPath"/>.</summary>
    public string? AdminPassword { get; init; }

    /// <summary>Whether a new worker takes part at once or waits for an administrator. Default: at once.</summary>
    public WorkerAdmissionMode Admission { get; init; } = WorkerAdmissionMode.Open;

    /// <summary>A worker that was silent for so long is dead, more than zero. Default: 3 seconds.</summary>
    public TimeSpan WorkerSilence { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>So long a worker may take to come to a new leader: it has to notice that the one before is silent, and to look for the next.</summary>
    public TimeSpan ElectionGrace => WorkerSilence + TimeSpan.FromMilliseconds(NodeLink.SilentMs);

    /// <summary>A worker whose connection closed, and that is not back within this time, is dead. Default: 0.3 seconds.</summary>
    public TimeSpan WorkerClosed { get; init; } = TimeSpan.FromSeconds(0.3);

    /// <summary>Rooms that move in a second to even loads out; 0: none do. Default: 50.</summary>
    public int MovesPerSecond { get; init; } = 50;

    /// <summary>Rooms that a draining worker loses in a second, more where it would take longer than 5 s; 1 or more. Default: 2,000.</summary>
    public int DrainMovesPerSecond { get; init; } = 2_000;

    /// <summary>Whether the start waits until this node leads: for the only coordinator of a cluster. One that is not the
    /// only one resigns where it seems to be cut off from the workers. Default: true.</summary>
    public bool StartsAsLeader { get; init; } = true;

    /// <summary>Whether this process runs an etcd member, which the other coordinators need for their majority: one that stands by parks rather than to end
    /// where the log is newer than its program. Default: false.</summary>
    public bool RunsMember { get; init; }
}
