namespace DChat.Server.Coordinator.Snapshots;

/// <summary>The blob store holds a snapshot of entries that this log does not have: another cluster keeps its snapshots there.</summary>
/// <param name="last">Where this log ends.</param>
public sealed class AnotherLogsSnapshotException(SnapshotName name, long last) : Exception(
    $"snapshot '{name}' holds entries up to {name.Index}, and this log ends at {last}: another cluster keeps its snapshots in these --blobs, such as one that was restored in place while this one was not stopped. "
    + "Until that is mended this one writes no snapshot, removes none, and does not truncate its log. "
    + $"Remedy: stop all coordinators of the one that is not to go on; where that is the other one, remove the snapshots above {last} from '{SnapshotName.Folder}' too");
