using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

/// <summary>
/// The accounts' sides of memberships, asked for room by room in the order of handles: so an account's next one stands where the one
/// before it ended, and none of millions is searched for.
/// </summary>
internal sealed class MembershipCursors
{
    private readonly Cursor[] _cursors;
    private RoomEntry[] _found = [];

    public MembershipCursors(PersistentVector<Account> accounts)
    {
        _cursors = new Cursor[accounts.Count];
        var handle = 0;
        foreach (var account in accounts.Items())
        {
            _cursors[handle++].Rooms = account.Rooms;
        }
    }

    /// <summary>Those of a room, which comes after the one asked for before, in the order of its members. Valid until the next call.</summary>
    public ReadOnlySpan<RoomEntry> Next(Room room)
    {
        if (_found.Length < room.MemberCount)
        {
            _found = new RoomEntry[room.MemberCount];
        }

        var count = 0;
        for (var run = 0; run < room.Members.RunCount; run++)
        {
            // Nothing else in this loop: each member is elsewhere in memory, and the processor fetches several at once.
            foreach (ref readonly var member in room.Members.Run(run))
            {
                ref var cursor = ref _cursors[member.Account];
                _found[count++] = cursor.Rooms[cursor.Next++];
            }
        }

        var found = _found.AsSpan(0, count);
        foreach (ref readonly var entry in found)
        {
            if (entry.Room != room.Handle)
            {
                throw new InvalidOperationException($"a member of room {room.Id} has no membership of it");
            }
        }

        return found;
    }

    private struct Cursor
    {
        public SortedRuns<RoomEntry> Rooms;
        public int Next;
    }
}
