using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

/// <summary>What must hold in every state that commands can reach.</summary>
internal static class RegistryInvariants
{
    public static void Check(RegistryState state)
    {
        var accounts = state.AccountsPage(-1, int.MaxValue);
        var rooms = state.AllRooms().ToList();
        Assert.Equal(state.AccountCount, accounts.Count);
        Assert.Equal(state.RoomCount, rooms.Count);
        Assert.Equal(state.ActiveAdmins, accounts.Count(account => account is { IsAdmin: true, CanSignIn: true }));
        Assert.Equal(state.MembershipCount, rooms.Sum(room => room.MemberCount));
        Assert.Equal(state.MembershipCount, accounts.Sum(account => account.RoomCount));
        foreach (var account in accounts)
        {
            CheckAccount(state, account);
        }

        foreach (var room in rooms)
        {
            CheckRoom(state, room);
        }

        CheckNames(state, rooms);
        CheckWorkers(state, rooms);
        Assert.Equal(
            accounts.SelectMany(account => state.ApiTokensOf(account.Name)).Count(),
            accounts.SelectMany(account => state.ApiTokensOf(account.Name)).Count(token => state.FindApiToken(token.Id) == token));
    }

    private static void CheckAccount(RegistryState state, Account account)
    {
        Assert.Same(account, state.FindAccount(account.Name.ToUpperInvariant()));
        Assert.Same(account, state.AccountAt(account.Handle));
        foreach (var room in state.RoomsOf(account.Name))
        {
            Assert.Contains(account.Name, state.MembersOf(room));
        }

        foreach (var invitation in state.InvitationsOf(account.Name))
        {
            Assert.Equal(RoomRole.Invited, state.RoleOf(invitation.Room, account.Name));
            Assert.False(account.Closed, "a closed account has no invitations");
        }

        if (account.Closed)
        {
            Assert.Null(account.PasswordHash);
            Assert.Empty(state.ApiTokensOf(account.Name));
        }
    }

    private static void CheckRoom(RegistryState state, Room room)
    {
        Assert.Same(room, state.FindRoom(room.Id));
        Assert.Same(room, state.RoomAt(room.Handle));
        var members = state.MembersPage(room, -1, int.MaxValue);
        Assert.Equal(room.MemberCount, members.Count);
        Assert.Equal(members, members.OrderBy(member => member.Cursor));
        foreach (var member in members)
        {
            Assert.Null(state.FindBan(room, member.User));
            Assert.True(member.Role >= RoomRole.Member, "a member has a member's role");
            Assert.Contains(room, state.RoomsOf(member.User));
            Assert.DoesNotContain(state.InvitationsOf(member.User), invitation => invitation.Room.Id == room.Id);
        }

        Assert.Equal(CursorsOf(members, RoomRole.Owner), room.Owners.After().Select(owner => (long)owner.Join));
        Assert.Equal(CursorsOf(members, RoomRole.Moderator), room.Moderators.After().Select(moderator => (long)moderator.Join));
        var bans = state.BansPage(room, null, int.MaxValue);
        Assert.Equal(room.BanCount, bans.Count);
        Assert.All(bans, ban => Assert.Equal(RoomRole.None, state.RoleOf(room, ban.User)));
        var ofLatest = room.Notices.Count(notice => notice.Index == room.Notices[^1].Index);
        Assert.True(room.Notices.Count <= Math.Max(RegistryBounds.NoticesPerRoom, ofLatest), "notices are bounded");
        Assert.True(room.Notices.Count <= RegistryBounds.NoticesPerEntry, "notices of one entry are bounded");
        Assert.Equal(room.Notices, room.Notices.OrderBy(notice => notice.Index).ThenBy(notice => notice.Ordinal));
        Assert.Equal(room.Notices.Count, room.Notices.Select(notice => notice.ClientId).Distinct().Count());
        if (room.IsDirect)
        {
            CheckDirect(state, room, members);
            return;
        }

        Assert.Equal(members.FirstOrDefault(member => member.Role == RoomRole.Owner).User, room.Owner);
        Assert.True(room.Archived || room.Owner is not null, "a room that is not archived has an owner");
        Assert.True(members.Count == 0 || room.Owner is not null, "a room with members has an owner");
        Assert.True(members.Count > 0 || room.Archived, "an empty room is archived");
    }

    private static IEnumerable<long> CursorsOf(IReadOnlyList<Membership> members, RoomRole role) =>
        members.Where(member => member.Role == role).Select(member => member.Cursor);

    private static void CheckDirect(RegistryState state, Room room, IReadOnlyList<Membership> members)
    {
        Assert.InRange(members.Count, 1, 2);
        Assert.Null(room.Owner);
        Assert.Empty(room.Notices);
        Assert.Equal(0, room.BanCount + room.InvitationCount);
        Assert.Same(room, state.FindDirect(members[0].User, members[^1].User));
        Assert.Same(room, state.FindDirect(members[^1].User, members[0].User));
        Assert.Equal(members[^1].User, state.PeerOf(room, members[0].User));
        Assert.All(members, member => Assert.Equal(RoomRole.Member, member.Role));
    }

    private static void CheckNames(RegistryState state, List<Room> rooms)
    {
        var named = rooms.Where(room => room is { Kind: RoomKind.Room, Visibility: RoomVisibility.Public } && room.MemberCount > 0).ToList();
        Assert.Equal(named.Count, named.Select(room => room.Name.ToLowerInvariant()).Distinct().Count());
        Assert.All(named, room => Assert.Same(room, state.FindPublicRoom(room.Name.ToUpperInvariant())));
        Assert.All(rooms.Except(named).Where(room => room.Name.Length > 0), room => Assert.NotSame(room, state.FindPublicRoom(room.Name)));
    }

    private static void CheckWorkers(RegistryState state, List<Room> rooms)
    {
        var hosted = 0;
        foreach (var worker in state.Workers())
        {
            var on = state.RoomsOn(worker.Id).ToList();
            hosted += on.Count;
            Assert.Equal(worker.RoomCount, on.Count);
            Assert.All(on, room => Assert.Equal(worker.Id, state.HostOf(room)!.Value.Worker));
            Assert.True(worker.IncarnationEpoch <= state.LastEpoch, "no epoch is above the last one");
        }

        Assert.Equal(hosted, rooms.Count(room => room.AssignedTo.Length > 0));
        Assert.All(rooms, room => Assert.True(room.AssignedEpoch <= state.LastEpoch, "no epoch is above the last one"));
    }
}
