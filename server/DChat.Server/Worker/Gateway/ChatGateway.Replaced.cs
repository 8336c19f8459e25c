using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using Room = DChat.Core.Registry.Room;

namespace DChat.Server.Worker.Gateway;

/// <summary>What a later state of the registry means for this worker's clients and rooms: the same as the entries between, which are not known.</summary>
internal sealed partial class ChatGateway
{
    /// <inheritdoc/>
    public void Replaced(RegistryState before, RegistryState after)
    {
        foreach (var room in feeds.Keys)
        {
            if (after.FindRoom(room) is not { } found)
            {
                EndFeed(room);
            }
            else if (before.FindRoom(room) is { } was && SettingsOf(was) != SettingsOf(found))
            {
                Updated(after, room);
            }
        }

        var deleted = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (name, _) in users)
        {
            EndSessions(after, name, "the session was ended");
            CompareRooms(before, after, name, deleted);
        }

        host.CatchUp(); // As above: what it lets go it speaks of once more.
        activities.ForgetWhere(room => before.FindRoom(room) is not null && after.FindRoom(room) is null);
    }

    /// <param name="deleted">What is told of deleted rooms, made at the first need.</param>
    private void CompareRooms(RegistryState before, RegistryState after, string user, Dictionary<string, byte[]> deleted)
    {
        var (had, has) = (RolesOf(before, user), RolesOf(after, user));
        foreach (var (room, was) in had)
        {
            if (IsMember(was) ? !IsMember(has.GetValueOrDefault(room)) : !has.ContainsKey(room))
            {
                TakeOut(room, user);
                if (after.FindRoom(room) is { } left)
                {
                    TellRemoved(room, user, after.FindBan(left, user) is null ? RemovalReasons.Left : RemovalReasons.Banned);
                }
                else
                {
                    ref var frame = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(deleted, room, out _);
                    TellRemoved(user, frame ??= RemovedFrame(room, RemovalReasons.Deleted));
                }
            }
        }

        foreach (var (room, role) in has)
        {
            var was = had.GetValueOrDefault(room);
            if (IsMember(role) && !IsMember(was))
            {
                Joined(room, user);
            }
            else if (role != was)
            {
                Tell(after, room, user);
            }
        }
    }

    /// <summary>What a user is in rooms: a member, or invited.</summary>
    private static Dictionary<string, RoomRole> RolesOf(RegistryState state, string user)
    {
        var roles = new Dictionary<string, RoomRole>(StringComparer.Ordinal);
        foreach (var invitation in state.InvitationsOf(user))
        {
            roles[invitation.Room.Id] = RoomRole.Invited;
        }

        foreach (var room in state.RoomsOf(user))
        {
            roles[room.Id] = state.RoleOf(room, user);
        }

        return roles;
    }

    private static bool IsMember(RoomRole role) => role >= RoomRole.Member;

    /// <summary>What <see cref="RoomUpdated"/> changes and clients are shown.</summary>
    private static (string Name, string Topic, RoomVisibility Visibility, int PasswordVersion, int SlowModeSeconds, int RetentionDays, bool Archived) SettingsOf(Room room) =>
        (room.Name, room.Topic, room.Visibility, room.PasswordVersion, room.SlowModeSeconds, room.RetentionDays, room.Archived);
}
