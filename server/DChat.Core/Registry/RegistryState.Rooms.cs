using DChat.Core.Registry.Collections;
using DChat.Core.Rooms;

namespace DChat.Core.Registry;

public sealed partial class RegistryState
{
    public Room? FindRoom(string id) => RoomsById.TryGet(id, out var handle) ? RoomsByHandle[handle] : null;

    /// <summary>The room with a <see cref="Room.Handle"/> of this process; null where it was deleted.</summary>
    public Room? RoomAt(int handle) => RoomsByHandle[handle];

    /// <summary>A public room by its name, however it is capitalized.</summary>
    public Room? FindPublicRoom(string name) => RoomsByName.TryGet(RoomName.Fold(name), out var handle) ? RoomsByHandle[handle] : null;

    /// <summary>A room by its id, or a public one by its name.</summary>
    public Room? FindRoomOrName(string idOrName) => FindRoom(idOrName) ?? FindPublicRoom(idOrName);

    /// <summary>The membership, or null where the user is no member.</summary>
    public Membership? FindMembership(string room, string user) =>
        FindRoom(room) is { } found ? FindMembership(found, user) : null;

    public Membership? FindMembership(Room room, string user) =>
        FindAccount(user) is { } account && account.Rooms.TryGet((uint)room.Handle, out var entry) ? ViewOf(room, account, entry) : null;

    /// <summary>Member, moderator, owner, invited or none.</summary>
    public RoomRole RoleOf(Room room, string user) =>
        FindAccount(user) is { } account ? RoleOf(room, account) : RoomRole.None;

    public BanInfo? FindBan(Room room, string user) =>
        FindAccountHandle(user) is { } handle && room.Bans.TryGet((uint)handle, out var ban) ? ViewOf(ban) : null;

    /// <summary>Members in order of joining.</summary>
    /// <param name="after">The <see cref="Membership.Cursor"/> of the last one of the page before; -1: from the beginning.</param>
    public IReadOnlyList<Membership> MembersPage(Room room, long after, int limit)
    {
        var page = new List<Membership>();
        foreach (var member in room.Members.After(after).Take(limit))
        {
            var account = Accounts[member.Account];
            account.Rooms.TryGet((uint)room.Handle, out var entry);
            page.Add(ViewOf(room, account, entry));
        }

        return page;
    }

    /// <summary>The names of all members, in order of joining; as many as the room has.</summary>
    public IEnumerable<string> MembersOf(Room room) => room.Members.After().Select(member => Accounts[member.Account].Name);

    /// <summary>Those who are invited to a room and have not answered.</summary>
    public IEnumerable<string> InviteesOf(Room room) => room.Invitations.After().Select(invitation => Accounts[invitation.Account].Name);

    /// <summary>The handles of all members' accounts, in order of joining.</summary>
    public IEnumerable<int> MemberHandlesOf(Room room) => room.Members.After().Select(member => member.Account);

    /// <summary>Bans, in the order in which the banned accounts were made.</summary>
    /// <param name="after">The name of the last one of the page before; null: from the beginning.</param>
    public IReadOnlyList<BanInfo> BansPage(Room room, string? after, int limit) =>
        [.. room.Bans.After(after is null ? -1 : FindAccountHandle(after) ?? -1).Take(limit).Select(ViewOf)];

    /// <summary>All rooms of a user, direct rooms included, in order of creation.</summary>
    public IReadOnlyList<Room> RoomsOf(string user) =>
        FindAccount(user) is { } account ? [.. account.Rooms.After().Select(entry => RoomsByHandle[entry.Room]!)] : [];

    /// <summary>All invitations of a user that wait for an answer.</summary>
    public IReadOnlyList<RoomInvitation> InvitationsOf(string user)
    {
        if (FindAccount(user) is not { } account)
        {
            return [];
        }

        var invitations = new List<RoomInvitation>();
        foreach (var entry in account.Invitations.After())
        {
            var room = RoomsByHandle[entry.Handle]!;
            room.Invitations.TryGet((uint)account.Handle, out var invitation);
            invitations.Add(new RoomInvitation(room, invitation.By, invitation.At));
        }

        return invitations;
    }

    /// <summary>The direct room of two users, or of one with itself.</summary>
    public Room? FindDirect(string user, string other) =>
        FindAccount(user) is { } account && FindAccountHandle(other) is { } peer && account.Directs.TryGet((uint)peer, out var entry)
            ? RoomsByHandle[entry.Room]
            : null;

    /// <summary>In a direct room, the other user, or the user itself in the room with oneself; null in another room.</summary>
    public string? PeerOf(Room room, string user)
    {
        if (!room.IsDirect)
        {
            return null;
        }

        var names = MembersOf(room).ToList();
        return names.Find(name => name != UserName.Fold(user)) ?? names[0];
    }

    /// <summary>Public rooms that are not archived, in order of creation.</summary>
    /// <param name="after">The <see cref="Room.Handle"/> of the last one of the page before; -1: from the beginning.</param>
    public IEnumerable<Room> PublicRooms(int after = -1) =>
        AllRooms(after).Where(room => room is { Kind: RoomKind.Room, Visibility: RoomVisibility.Public, Archived: false });

    /// <summary>All rooms in order of creation.</summary>
    public IEnumerable<Room> AllRooms(int after = -1)
    {
        for (var handle = after + 1; handle < RoomsByHandle.Count; handle++)
        {
            if (RoomsByHandle[handle] is { } room)
            {
                yield return room;
            }
        }
    }

    /// <summary>
    /// Whether a user may do something in a room now: null, or the refusal's code. The one check for gateways and hosts.
    /// </summary>
    /// <param name="room">Null (no such room) is <c>not_found</c>.</param>
    /// <param name="now">Unix milliseconds, for mutes.</param>
    public string? Check(Room? room, string user, RoomAction action, long now)
    {
        if (room is null || FindAccount(user) is not { CanSignIn: true } account)
        {
            return RefusalCodes.NotFound;
        }

        var refusal = RoomRights.Check(
            room.Kind, room.Visibility, room.Archived, RoleOf(room, account), account.IsAdmin, room.Bans.Contains((uint)account.Handle), action);
        return refusal ?? (action is RoomAction.Send or RoomAction.EditOwn or RoomAction.Typing && MutedUntil(room, account) > now ? RefusalCodes.Muted : null);
    }

    internal RoomRole RoleOf(Room room, Account account) =>
        account.Rooms.TryGet((uint)room.Handle, out var entry) ? entry.Role
        : room.Invitations.Contains((uint)account.Handle) ? RoomRole.Invited
        : RoomRole.None;

    private static long MutedUntil(Room room, Account account) => room.Mutes.TryGet((uint)account.Handle, out var mute) ? mute.Until : 0;

    private static Membership ViewOf(Room room, Account account, RoomEntry entry) =>
        new(account.Name, entry.Role, entry.JoinedAt, MutedUntil(room, account), entry.Join);

    private BanInfo ViewOf(BanEntry ban) => new(Accounts[ban.Account].Name, ban.By, ban.Reason, ban.At);
}
