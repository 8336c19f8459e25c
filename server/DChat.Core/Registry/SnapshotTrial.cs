using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

/// <summary>
/// Reads a snapshot as a loader does, and keeps nothing of it: what a loader would refuse is refused, but for keys that come twice, which only its indexes find.
/// </summary>
internal sealed class SnapshotTrial(SnapshotReader reader) : SnapshotParts(reader)
{
    /// <summary>Of what was read.</summary>
    public long Index { get; private set; }

    protected override void TakeHead(RegistryState head) => Index = head.Index;

    protected override void TakeNameCount(int count)
    {
    }

    protected override string TakeName(string name, int rooms) => ""; // Of a million accounts they are most of what would be held.

    protected override void TakeRoomCount(int count)
    {
    }

    protected override void TakeRoom(Room room, ReadOnlySpan<RoomEntry> memberships)
    {
    }

    protected override void TakeAccount(Account account)
    {
    }

    protected override void TakeRest(RegistryState rest)
    {
    }
}
