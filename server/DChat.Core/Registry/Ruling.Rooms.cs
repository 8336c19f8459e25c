using DChat.Core.Rooms;

namespace DChat.Core.Registry;

internal sealed partial class Ruling
{
    private Outcome Rule(CreateRoom c)
    {
        if (CheckNewRoom(c.RoomId, c.Worker) is { } refusal)
        {
            return refusal;
        }

        if (RoomName.Check(c.Name, out var name) is { } badName)
        {
            return Outcome.Refused(badName, "a room's name has 1 to 64 characters on one line");
        }

        if (RoomTexts.CheckTopic(c.Topic, out var topic) is { } badTopic)
        {
            return Outcome.Refused(badTopic, "a topic has at most 500 characters on one line");
        }

        if (!Enum.IsDefined(c.Visibility) || (c.PasswordHash is not null && !IsPasswordHash(c.PasswordHash)))
        {
            return Invalid("a room is public or private, and a password's hash has 1 to 256 bytes");
        }

        if (c.Visibility == RoomVisibility.Public && state.FindPublicRoom(name) is not null)
        {
            return RoomTaken();
        }

        if (FindInitialMembers(c, out var members) is { } badMembers)
        {
            return badMembers;
        }

        var creator = state.FindAccount(c.Actor);
        if (creator is not null && Exceeds(OwnRooms(creator) + 1, limits.RoomsPerUser))
        {
            return TooMany($"a user is in at most {limits.RoomsPerUser} rooms");
        }

        var owner = creator?.Name ?? members.FirstOrDefault();
        if (owner is null)
        {
            return Invalid("a room that the system makes needs a member");
        }

        Add(new RoomCreated(c.RoomId, name, topic, c.Visibility, c.PasswordHash, owner, c.Worker, state.LastEpoch + 1));
        members.Remove(owner);
        if (members.Count > 0)
        {
            Add(new MembersJoined(c.RoomId, members));
        }

        if (c.InitialMembers is not null)
        {
            Audit("createRoom", c.RoomId, "", $"{name}, {members.Count} members"); // An administrator put others into it.
        }

        return Outcome.Ok(c.RoomId);
    }

    private Outcome Rule(AddMembers c)
    {
        if (!IsAdministration)
        {
            return Forbidden("only an administrator adds members");
        }

        if (state.FindRoom(c.Room) is not { } room)
        {
            return NoSuchRoom();
        }

        if (room.IsDirect || room.Archived)
        {
            return Forbidden("nobody joins a direct or an archived room");
        }

        if (FindAccounts(c.Users, out var users) is { } refusal)
        {
            return refusal;
        }

        users.RemoveAll(user => state.FindMembership(room, user) is not null || state.FindBan(room, user) is not null);
        if (Exceeds(room.MemberCount + users.Count, limits.MembersPerRoom))
        {
            return RoomFull();
        }

        if (users.Count > 0)
        {
            Add(new MembersJoined(room.Id, users));
            Audit("addMembers", room.Id, "", $"{users.Count} members");
        }

        return Outcome.Ok(users.Count.ToString());
    }

    private Outcome Rule(JoinRoom c)
    {
        if (FindRoomFor(c.Room, out var room, out var actor, out var role) is { } refusal)
        {
            return refusal;
        }

        if (role >= RoomRole.Member)
        {
            return Outcome.Ok(room.Id);
        }

        if (Refuse(room, actor, role, RoomAction.Join) is { } forbidden)
        {
            return forbidden;
        }

        if (room.HasPassword && role != RoomRole.Invited && c.VerifiedPasswordVersion != room.PasswordVersion)
        {
            return Outcome.Refused(RefusalCodes.WrongPassword, "the room's password is another");
        }

        if (Exceeds(OwnRooms(actor) + 1, limits.RoomsPerUser))
        {
            return TooMany($"a user is in at most {limits.RoomsPerUser} rooms");
        }

        if (Exceeds(room.MemberCount + 1, limits.MembersPerRoom))
        {
            return RoomFull();
        }

        Add(new MemberJoined(room.Id, actor.Name));
        return Outcome.Ok(room.Id);
    }

    private Outcome Rule(LeaveRoom c)
    {
        if (FindRoomFor(c.Room, out var room, out var actor, out var role) is { } refusal)
        {
            return refusal;
        }

        if (Refuse(room, actor, role, RoomAction.Leave) is { } forbidden)
        {
            return forbidden;
        }

        if (role == RoomRole.Invited)
        {
            Add(new InvitationWithdrawn(room.Id, actor.Name));
        }
        else
        {
            AddLeaving(room, actor, LeaveReason.Left, null);
        }

        return Outcome.Done;
    }

    private Outcome Rule(DeleteRoom c)
    {
        if (FindRoomToManage(c.Room, RoomAction.Delete, out var room, out _, out _) is { } refusal)
        {
            return refusal;
        }

        Add(new RoomDeleted(room.Id));
        Audit(AuditLine.DeleteRoom, room.Id, "", room.Name);
        return Outcome.Done;
    }

    private Outcome Rule(OpenDirect c)
    {
        if (state.FindAccount(c.Actor) is not { } actor)
        {
            return Forbidden("only a user opens a direct room");
        }

        if (state.FindAccount(c.User) is not { } peer)
        {
            return NoSuchUser();
        }

        if (state.FindDirect(actor.Name, peer.Name) is { } direct)
        {
            return Outcome.Ok(direct.Id);
        }

        if (peer.Closed)
        {
            return NoSuchUser();
        }

        if (CheckNewRoom(c.RoomId, c.Worker) is { } refusal)
        {
            return refusal;
        }

        if (Exceeds(actor.Directs.Count + 1, limits.RoomsPerUser))
        {
            return TooMany($"a user has at most {limits.RoomsPerUser} direct rooms");
        }

        Add(new DirectOpened(c.RoomId, actor.Name, peer.Name, c.Worker, state.LastEpoch + 1));
        return Outcome.Ok(c.RoomId);
    }

    /// <summary>Somebody leaves or is removed: who is next in line becomes owner, and the last one to go archives the room.</summary>
    private void AddLeaving(Room room, Account leaver, LeaveReason reason, string? text)
    {
        Add(new MemberLeft(room.Id, leaver.Name, reason, text));
        if (room.MemberCount == 1)
        {
            if (!room.Archived)
            {
                Add(new RoomUpdated(room.Id, null, null, null, null, null, true));
            }
        }
        else if (room.Owners.Count == 1 && room.Owners.First.Account == leaver.Handle)
        {
            var line = room.Moderators.Count > 0 ? room.Moderators : room.Members;
            var heir = line.After().First(member => member.Account != leaver.Handle);
            Add(new RoleChanged(room.Id, state.Accounts[heir.Account].Name, RoomRole.Owner));
        }
    }

    private Outcome? CheckNewRoom(string roomId, string worker)
    {
        if (!IsId(roomId) || state.FindRoom(roomId) is not null)
        {
            return Invalid("a room's id has 1 to 64 visible characters and is new");
        }

        if (worker.Length > 0 && state.FindWorker(worker) is not { State: WorkerState.Active })
        {
            return Outcome.Refused(RefusalCodes.Unavailable, $"worker {worker} is not active");
        }

        return Exceeds(state.RoomCount + 1, limits.Rooms) ? TooMany("the server has as many rooms as it may") : null;
    }

    private Outcome? FindInitialMembers(CreateRoom c, out List<string> members)
    {
        members = [];
        if (c.InitialMembers is null)
        {
            return null;
        }

        if (!IsAdministration)
        {
            return Forbidden("only an administrator adds members");
        }

        return FindAccounts(c.InitialMembers, out members)
            ?? (Exceeds(members.Count + 1, limits.MembersPerRoom) ? RoomFull() : null);
    }

    /// <summary>The names of existing accounts, each once.</summary>
    private Outcome? FindAccounts(IReadOnlyList<string> names, out List<string> users)
    {
        users = [];
        if (names.Count > RegistryBounds.BulkNames)
        {
            return Invalid($"at most {RegistryBounds.BulkNames} names at once");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (state.FindAccount(name) is not { Closed: false } account)
            {
                return NoSuchUser();
            }

            if (seen.Add(account.Name))
            {
                users.Add(account.Name);
            }
        }

        return null;
    }

    /// <summary>The room and what the acting user is in it; no rights are checked yet.</summary>
    private Outcome? FindRoomFor(string id, out Room room, out Account actor, out RoomRole role)
    {
        room = state.FindRoom(id)!;
        actor = state.FindAccount(command.Actor)!;
        role = room is null || actor is null ? RoomRole.None : state.RoleOf(room, actor);
        return actor is null ? Forbidden("only a user is in rooms") : room is null ? NoSuchRoom() : null;
    }

    private Outcome? Refuse(Room room, Account actor, RoomRole role, RoomAction action)
    {
        var code = RoomRights.Check(room.Kind, room.Visibility, room.Archived, role, actor.IsAdmin, room.Bans.Contains((uint)actor.Handle), action);
        return code is null ? null : Refuse(code, room.Archived);
    }

    private static Outcome Refuse(string code, bool archived) => code switch
    {
        RefusalCodes.NotFound => NoSuchRoom(),
        RefusalCodes.NotMember => Outcome.Refused(code, "you are not a member of the room"),
        RefusalCodes.Banned => Outcome.Refused(code, "you are banned from the room"),
        _ => Outcome.Refused(code, archived ? "the room is archived" : "your role in the room does not allow it"),
    };

    /// <summary>Rooms that count against the limit: direct rooms are not of one's own doing.</summary>
    private static int OwnRooms(Account account) => account.Rooms.Count - account.Directs.Count;

    private static Outcome NoSuchRoom() => Outcome.Refused(RefusalCodes.NotFound, "no such room");

    private static Outcome RoomTaken() => Outcome.Refused(RefusalCodes.RoomTaken, "a public room has that name");

    private Outcome RoomFull() => TooMany($"a room has at most {limits.MembersPerRoom} members");
}
