using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

/// <summary>
/// Reads a snapshot as a loader does and writes each piece again at once, so that what comes out equals what was written exactly where
/// nothing of it was misread. Holds no second registry.
/// </summary>
/// <param name="original">What was written.</param>
internal sealed class SnapshotEcho(SnapshotReader reader, SnapshotWriter writer, RegistryState original) : SnapshotParts(reader)
{
    private readonly SnapshotSections _sections = new(writer, original);

    protected override void TakeHead(RegistryState head) => _sections.WriteHead(head);

    protected override void TakeNameCount(int count) => writer.Number(count);

    protected override string TakeName(string name, int rooms)
    {
        if (Names.Count >= original.Accounts.Count || original.Accounts[Names.Count].Name is not { } same || same != name)
        {
            throw SnapshotReader.Damaged("it has other accounts than were written");
        }

        _sections.WriteName(name, rooms);
        return same;
    }

    protected override void TakeRoomCount(int count) => writer.Number(count);

    protected override void TakeRoom(Room room, ReadOnlySpan<RoomEntry> memberships) => _sections.WriteRoom(room, memberships);

    protected override void TakeAccount(Account account) => _sections.WriteAccount(account);

    protected override void TakeRest(RegistryState rest) => _sections.WriteRest(rest);
}
