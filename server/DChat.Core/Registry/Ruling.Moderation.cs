using DChat.Core.Rooms;

namespace DChat.Core.Registry;

internal sealed partial class Ruling
{
    private Outcome Rule(UpdateRoom c)
    {
        if (state.FindRoom(c.Room) is not { } room)
        {
            return NoSuchRoom();
        }

        var actor = state.FindAccount(command.Actor);
        var role = actor is null ? RoomRole.None : state.RoleOf(room, actor);
        var archived = c.Archived ?? room.Archived;
        foreach (var action in ActionsOf(c).DefaultIfEmpty(RoomAction.See))
        {
            if (actor is not null && RoomRights.Check(
                    room.Kind, room.Visibility, archived && room.Archived, role, actor.IsAdmin, room.Bans.Contains((uint)actor.Handle), action) is { } code)
            {
                return Refuse(code, room.Archived);
            }
        }

        if (room.IsDirect || (room.MemberCount == 0 && !archived))
        {
            return Forbidden("a direct room has no settings, and an empty room stays archived");
        }

        return CheckSettings(c, out var name, out var topic) ?? Change(c, room, name, topic);
    }

    private static IEnumerable<RoomAction> ActionsOf(UpdateRoom c)
    {
        (bool Wanted, RoomAction Action)[] wishes =
        [
            (c.Name is not null, RoomAction.Rename),
            (c.Topic is not null, RoomAction.SetTopic),
            (c.Visibility is not null, RoomAction.SetVisibility),
            (c.PasswordHash is not null, RoomAction.SetPassword),
            (c.SlowModeSeconds is not null, RoomAction.SetSlowMode),
            (c.Archived is not null, RoomAction.Archive),
            (c.RetentionDays is not null, RoomAction.SetRetention),
        ];
        return wishes.Where(wish => wish.Wanted).Select(wish => wish.Action);
    }

    private static Outcome? CheckSettings(UpdateRoom c, out string name, out string topic)
    {
        (name, topic) = ("", "");
        if (c.Name is not null && RoomName.Check(c.Name, out name) is { } badName)
        {
            return Outcome.Refused(badName, "a room's name has 1 to 64 characters on one line");
        }

        if (c.Topic is not null && RoomTexts.CheckTopic(c.Topic, out topic) is { } badTopic)
        {
            return Outcome.Refused(badTopic, "a topic has at most 500 characters on one line");
        }

        if (c.Visibility is { } visibility && !Enum.IsDefined(visibility))
        {
            return Invalid("a room is public or private");
        }

        if (c.PasswordHash is { Length: > RegistryBounds.PasswordHashBytes })
        {
            return Invalid("a password's hash has at most 256 bytes");
        }

        if (c.RetentionDays is < 0 or > RegistryBounds.RetentionDays)
        {
            return Invalid("messages are kept for 1 to 36,500 days, or 0: as the server keeps them");
        }

        return c.SlowModeSeconds is < 0 or > RegistryBounds.SlowModeSeconds ? Invalid("slow mode is 0 to 3,600 seconds") : null;
    }

    /// <summary>The settings that become others, as one event.</summary>
    private Outcome Change(UpdateRoom c, Room room, string name, string topic)
    {
        var change = new RoomUpdated(
            room.Id,
            c.Name is not null && name != room.Name ? name : null,
            c.Topic is not null && topic != room.Topic ? topic : null,
            c.Visibility is { } visibility && visibility != room.Visibility ? visibility : null,
            c.PasswordHash is not null && (c.PasswordHash.Length > 0 || room.HasPassword) ? c.PasswordHash : null,
            c.SlowModeSeconds is { } seconds && seconds != room.SlowModeSeconds ? seconds : null,
            c.Archived is { } archived && archived != room.Archived ? archived : null,
            c.RetentionDays is { } days && days != room.RetentionDays ? days : null);

        if ((change.Visibility ?? room.Visibility) == RoomVisibility.Public && (change.Name ?? change.Visibility as object) is not null
            && state.FindPublicRoom(change.Name ?? room.Name) is { } holder && holder.Handle != room.Handle)
        {
            return RoomTaken();
        }

        if (change != new RoomUpdated(room.Id, null, null, null, null, null, null))
        {
            Add(change);
            if ((change.Name ?? change.Visibility ?? change.PasswordHash ?? change.Archived ?? change.RetentionDays as object) is not null)
            {
                Audit("updateRoom", room.Id, "", Describe(change));
            }
        }

        return Outcome.Ok(room.Id);
    }

    private static string Describe(RoomUpdated change)
    {
        string?[] parts =
        [
            change.Name is null ? null : $"name {change.Name}",
            change.Visibility switch { null => null, RoomVisibility.Public => "public", _ => "private" },
            change.PasswordHash switch { null => null, [] => "password removed", _ => "password set" },
            change.Archived switch { null => null, true => "archived", _ => "no longer archived" },
            change.RetentionDays switch { null => null, 0 => "kept as the server keeps", var days => $"kept for {days} days" },
        ];
        return string.Join(", ", parts.Where(part => part is not null));
    }

    private Outcome Rule(Invite c)
    {
        if (FindRoomToManage(c.Room, RoomAction.Invite, out var room, out _, out _) is { } refusal)
        {
            return refusal;
        }

        if (FindUser(c.User, out var subject) is { } unknown)
        {
            return unknown;
        }

        if (state.RoleOf(room, subject) != RoomRole.None)
        {
            return Outcome.Done;
        }

        if (room.Bans.Contains((uint)subject.Handle))
        {
            return Outcome.Refused(RefusalCodes.Banned, "the user is banned from the room");
        }

        if (Exceeds(subject.Invitations.Count + 1, limits.InvitationsPerUser) || Exceeds(room.Invitations.Count + 1, limits.InvitationsPerRoom))
        {
            return TooMany("too many invitations wait for an answer");
        }

        Add(new Invited(room.Id, subject.Name));
        return Outcome.Done;
    }

    private Outcome Rule(Kick c)
    {
        if (FindModerated(c.Room, c.User, c.Reason, RoomAction.Kick, out var room, out var subject, out var reason) is { } refusal)
        {
            return refusal;
        }

        switch (state.RoleOf(room, subject))
        {
            case RoomRole.None:
                return Outcome.Refused(RefusalCodes.NotFound, "the user is not in the room");
            case RoomRole.Invited:
                Add(new InvitationWithdrawn(room.Id, subject.Name));
                break;
            default:
                AddLeaving(room, subject, LeaveReason.Kicked, reason);
                break;
        }

        Audit("kick", room.Id, subject.Name, reason ?? "");
        return Outcome.Done;
    }

    private Outcome Rule(Ban c)
    {
        if (FindModerated(c.Room, c.User, c.Reason, RoomAction.Ban, out var room, out var subject, out var reason) is { } refusal)
        {
            return refusal;
        }

        if (room.Bans.Contains((uint)subject.Handle))
        {
            return Outcome.Done;
        }

        if (room.Bans.Count >= RegistryBounds.BansPerRoom)
        {
            return TooMany($"a room has at most {RegistryBounds.BansPerRoom} bans");
        }

        var role = state.RoleOf(room, subject);
        if (role == RoomRole.Invited)
        {
            Add(new InvitationWithdrawn(room.Id, subject.Name));
        }
        else if (role >= RoomRole.Member)
        {
            AddLeaving(room, subject, LeaveReason.Banned, reason);
        }

        Add(new Banned(room.Id, subject.Name, reason));
        Audit("ban", room.Id, subject.Name, reason ?? "");
        return Outcome.Done;
    }

    private Outcome Rule(Unban c)
    {
        if (FindRoomToManage(c.Room, RoomAction.Unban, out var room, out _, out _) is { } refusal)
        {
            return refusal;
        }

        if (state.FindBan(room, c.User) is not { } ban)
        {
            return state.FindAccount(c.User) is null ? NoSuchUser() : Outcome.Done;
        }

        Add(new Unbanned(room.Id, ban.User));
        Audit("unban", room.Id, ban.User);
        return Outcome.Done;
    }

    private Outcome Rule(Mute c)
    {
        if (FindModerated(c.Room, c.User, c.Reason, RoomAction.Mute, out var room, out var subject, out var reason) is { } refusal)
        {
            return refusal;
        }

        if (c.Until is < 0 or >= TimeMax)
        {
            return Invalid("the mute's end is out of range");
        }

        var muted = room.Mutes.TryGet((uint)subject.Handle, out var mute);
        if (c.Until <= c.At)
        {
            if (muted)
            {
                Add(new Muted(room.Id, subject.Name, 0));
                Audit("mute", room.Id, subject.Name, "ended");
            }

            return Outcome.Done;
        }

        if (state.RoleOf(room, subject) < RoomRole.Member)
        {
            return Outcome.Refused(RefusalCodes.NotFound, "the user is not in the room");
        }

        // Expired ones are dropped when the event is applied, so only the others count.
        if (!muted && room.Mutes.Count >= RegistryBounds.MutesPerRoom
            && room.Mutes.After().Count(entry => entry.Until > c.At) >= RegistryBounds.MutesPerRoom)
        {
            return TooMany($"a room has at most {RegistryBounds.MutesPerRoom} mutes");
        }

        if (!muted || mute.Until != c.Until)
        {
            Add(new Muted(room.Id, subject.Name, c.Until));
            Audit("mute", room.Id, subject.Name, reason ?? "");
        }

        return Outcome.Done;
    }

    private Outcome Rule(SetRole c)
    {
        if (FindRoomToManage(c.Room, RoomAction.SetRole, out var room, out var actor, out var role) is { } refusal)
        {
            return refusal;
        }

        if (c.Role is not (RoomRole.Member or RoomRole.Moderator or RoomRole.Owner))
        {
            return Invalid("a role is owner, moderator or member");
        }

        if (FindUser(c.User, out var subject) is { } unknown)
        {
            return unknown;
        }

        var current = state.RoleOf(room, subject);
        if (current < RoomRole.Member)
        {
            return Outcome.Refused(RefusalCodes.NotFound, "the user is not in the room");
        }

        var self = actor is not null && actor.Handle == subject.Handle;
        if (!self && !IsAdministration && !RoomRights.Outranks(role, current))
        {
            return Forbidden("an owner's role is the owner's own to give up");
        }

        if (current == c.Role)
        {
            return Outcome.Done;
        }

        if (current == RoomRole.Owner && room.Owners.Count == 1)
        {
            return Forbidden("a room has an owner: make somebody else owner first");
        }

        Add(new RoleChanged(room.Id, subject.Name, c.Role));
        Audit("setRole", room.Id, subject.Name, RoleWords.Of(c.Role));
        return Outcome.Done;
    }

    /// <summary>A room in which the actor may do something; the system may do everything (<paramref name="actor"/> is null then) but in direct rooms.</summary>
    private Outcome? FindRoomToManage(string id, RoomAction action, out Room room, out Account? actor, out RoomRole role)
    {
        room = state.FindRoom(id)!;
        actor = state.FindAccount(command.Actor);
        role = RoomRole.None;
        if (room is null)
        {
            return NoSuchRoom();
        }

        if (actor is null)
        {
            return room.IsDirect && !RoomRights.AllowedInDirect(action) ? Forbidden("nobody has rights over the other in a direct room") : null;
        }

        role = state.RoleOf(room, actor);
        return Refuse(room, actor, role, action);
    }

    /// <summary>A room and a user in it over whom the actor has the right to do something.</summary>
    private Outcome? FindModerated(string id, string user, string? wish, RoomAction action, out Room room, out Account subject, out string? reason)
    {
        (subject, reason) = (null!, null);
        if (FindRoomToManage(id, action, out room, out var actor, out var role) is { } refusal)
        {
            return refusal;
        }

        if (RoomTexts.CheckReason(wish, out reason) is { } bad)
        {
            return Outcome.Refused(bad, "a reason has at most 300 characters on one line");
        }

        if (FindUser(user, out subject) is { } unknown)
        {
            return unknown;
        }

        if (actor is not null && actor.Handle == subject.Handle)
        {
            return Invalid("one does not moderate oneself");
        }

        return IsAdministration || RoomRights.Outranks(role, state.RoleOf(room, subject))
            ? null
            : Forbidden("the user's role is not below yours");
    }

    private Outcome? FindUser(string user, out Account account)
    {
        account = state.FindAccount(user)!;
        return account is null || account.Closed ? NoSuchUser() : null;
    }
}
