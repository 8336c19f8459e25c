using DChat.Core.Registry.Collections;
using DChat.Core.Rooms;

namespace DChat.Core.Registry;

internal sealed partial class RegistryDraft
{
    private void Apply(RoomCreated e)
    {
        var creator = AccountOf(e.Owner);
        var room = AddRoom(new Room
        {
            Handle = _rooms.Count,
            Id = e.Room,
            Name = e.Name,
            Kind = RoomKind.Room,
            Topic = e.Topic,
            Visibility = e.Visibility,
            PasswordHash = e.PasswordHash,
            PasswordVersion = e.PasswordHash is null ? 0 : 1,
            CreatedAt = _record.At,
            CreatedBy = creator.Name,
        });
        room = Join(room, creator, RoomRole.Owner);
        SetRoom(room);
        Assign(room.Id, e.Worker, e.Epoch);
    }

    private void Apply(DirectOpened e)
    {
        var user = AccountOf(e.User);
        var room = AddRoom(new Room
        {
            Handle = _rooms.Count,
            Id = e.Room,
            Name = "",
            Kind = RoomKind.Direct,
            Visibility = RoomVisibility.Private,
            CreatedAt = _record.At,
            CreatedBy = user.Name,
        });
        room = Join(room, user, RoomRole.Member);
        if (e.Peer != e.User)
        {
            room = Join(room, AccountOf(e.Peer), RoomRole.Member);
        }

        SetRoom(room);
        SetDirect(e.User, e.Peer, room.Handle);
        SetDirect(e.Peer, e.User, room.Handle);
        Assign(room.Id, e.Worker, e.Epoch);
    }

    private void Apply(RoomUpdated e)
    {
        var room = RoomOf(e.Room);
        if (e.Name is not null)
        {
            room = WithNotice(room with { Name = e.Name }, NoticeKind.Name, "", e.Name);
        }

        if (e.Topic is not null)
        {
            room = WithNotice(room with { Topic = e.Topic }, NoticeKind.Topic, "", e.Topic);
        }

        if (e.PasswordHash is not null)
        {
            room = room with { PasswordHash = e.PasswordHash.Length == 0 ? null : e.PasswordHash, PasswordVersion = room.PasswordVersion + 1 };
        }

        SetRoom(room with
        {
            Visibility = e.Visibility ?? room.Visibility,
            SlowModeSeconds = e.SlowModeSeconds ?? room.SlowModeSeconds,
            RetentionDays = e.RetentionDays ?? room.RetentionDays,
            Archived = e.Archived ?? room.Archived,
        });
    }

    private void Apply(RoomDeleted e)
    {
        var room = RoomOf(e.Room);
        foreach (var member in room.Members.After())
        {
            var account = _accounts[member.Account];
            SetAccount(account with { Rooms = account.Rooms.Remove((uint)room.Handle) });
        }

        DropInvitations(room);
        _membershipCount -= room.MemberCount;
        if (_workers.TryGetValue(room.AssignedTo, out var worker))
        {
            SetWorker(worker with { Rooms = worker.Rooms.Remove((uint)room.Handle) });
        }

        if (room.HoldsName)
        {
            _roomsByName = _roomsByName.Remove(RoomName.Fold(room.Name), _owner);
        }

        _roomsById = _roomsById.Remove(room.Id, _owner);
        _rooms = _rooms.Set(room.Handle, null, _owner);
    }

    private void Apply(MemberJoined e)
    {
        var account = AccountOf(e.User);
        var room = Join(RoomOf(e.Room), account, RoomRole.Member);
        if (room.MemberCount < RegistryBounds.JoinNoticeMembers)
        {
            room = WithNotice(room, NoticeKind.Join, account.Name, "");
        }

        SetRoom(room);
    }

    private void Apply(MembersJoined e)
    {
        var room = RoomOf(e.Room);
        var joined = new MemberEntry[e.Users.Count];
        for (var i = 0; i < joined.Length; i++)
        {
            var account = AccountOf(e.Users[i]);
            room = DropInvitation(room, ref account);
            joined[i] = new MemberEntry(checked(room.NextJoin + (uint)i), account.Handle);
            SetAccount(account with { Rooms = account.Rooms.Set(new RoomEntry(room.Handle, joined[i].Join, _record.At, RoomRole.Member)) });
        }

        _membershipCount += joined.Length;
        SetRoom(room with { Members = room.Members.AppendRange(joined), NextJoin = checked(room.NextJoin + (uint)joined.Length) });
    }

    private void Apply(MemberLeft e)
    {
        var account = AccountOf(e.User);
        var room = RoomOf(e.Room);
        var entry = MembershipOf(room, account);
        SetAccount(account with { Rooms = account.Rooms.Remove((uint)room.Handle) });
        _membershipCount--;
        room = WithOwner(room with
        {
            Members = room.Members.Remove(entry.Join),
            Owners = room.Owners.Remove(entry.Join),
            Moderators = room.Moderators.Remove(entry.Join),
        });

        if (e.Reason == LeaveReason.Kicked)
        {
            room = WithNotice(room, NoticeKind.Kick, account.Name, e.Text ?? "");
        }
        else if (e.Reason == LeaveReason.Left && room.MemberCount < RegistryBounds.JoinNoticeMembers)
        {
            room = WithNotice(room, NoticeKind.Leave, account.Name, "");
        }

        if (room.MemberCount == 0)
        {
            DropInvitations(room);
            room = room with { Invitations = default };
        }

        SetRoom(room);
    }

    private Room AddRoom(Room room)
    {
        if (_roomsById.Contains(room.Id))
        {
            throw Broken($"the room {room.Id} exists");
        }

        _rooms = _rooms.Append(room, _owner);
        _roomsById = _roomsById.Set(room.Id, room.Handle, _owner);
        return room;
    }

    /// <summary>Makes somebody a member, which uses up an invitation. The caller puts the room in place.</summary>
    private Room Join(Room room, Account account, RoomRole role)
    {
        if (account.Rooms.Contains((uint)room.Handle))
        {
            throw Broken($"{account.Name} is a member of {room.Id} already");
        }

        room = DropInvitation(room, ref account);
        var member = new MemberEntry(room.NextJoin, account.Handle);
        SetAccount(account with { Rooms = account.Rooms.Set(new RoomEntry(room.Handle, member.Join, _record.At, role)) });
        _membershipCount++;
        return WithOwner(room with
        {
            Members = room.Members.Set(member),
            Owners = role == RoomRole.Owner ? room.Owners.Set(member) : room.Owners,
            NextJoin = checked(room.NextJoin + 1),
        });
    }

    private void SetDirect(string user, string peer, int room)
    {
        var account = AccountOf(user);
        SetAccount(account with { Directs = account.Directs.Set(new DirectEntry(AccountOf(peer).Handle, room)) });
    }

    private Room WithOwner(Room room) =>
        room with { Owner = room.Owners.Count == 0 ? null : _accounts[room.Owners.First.Account].Name };

    private RoomEntry MembershipOf(Room room, Account account) =>
        account.Rooms.TryGet((uint)room.Handle, out var entry) ? entry : throw Broken($"{account.Name} is no member of {room.Id}");

    private static Room DropInvitation(Room room, ref Account account)
    {
        if (!room.Invitations.Contains((uint)account.Handle))
        {
            return room;
        }

        account = account with { Invitations = account.Invitations.Remove((uint)room.Handle) };
        return room with { Invitations = room.Invitations.Remove((uint)account.Handle) };
    }

    /// <summary>Takes the room out of all invited users' lists.</summary>
    private void DropInvitations(Room room)
    {
        foreach (var invitation in room.Invitations.After())
        {
            var account = _accounts[invitation.Account];
            SetAccount(account with { Invitations = account.Invitations.Remove((uint)room.Handle) });
        }
    }

    /// <summary>Adds a notice, and drops the oldest where there are too many, those of this entry last; direct rooms have none.</summary>
    private Room WithNotice(Room room, NoticeKind kind, string subject, string text)
    {
        if (room.IsDirect)
        {
            return room;
        }

        var older = room.Notices.Count(notice => notice.Index < _index);
        var surplus = Math.Min(older, room.Notices.Count - RegistryBounds.NoticesPerRoom + 1);
        var kept = room.Notices.Skip(Math.Max(surplus, room.Notices.Count - RegistryBounds.NoticesPerEntry + 1));
        var notice = new Notice(_index, _ordinal++, kind, _record.Actor, subject, text, _record.At);
        return room with { Notices = [.. kept, notice] };
    }
}
