using System.Text.Json;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Hub;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker.Gateway;

/// <summary>What the registry's entries mean for this worker's clients.</summary>
internal sealed partial class ChatGateway
{
    /// <inheritdoc/>
    public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
    {
        var noticed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in entry.Records)
        {
            foreach (var change in record.Events)
            {
                Hear(before, after, record, change, noticed);
            }
        }

        foreach (var room in noticed)
        {
            host.WriteNotices(room);
        }
    }

    private void Hear(RegistryState before, RegistryState after, RegistryRecord record, RegistryEvent change, HashSet<string> noticed)
    {
        switch (change)
        {
            case RoomCreated created:
                Joined(created.Room, created.Owner);
                break;
            case DirectOpened direct:
                Joined(direct.Room, direct.User);
                Joined(direct.Room, direct.Peer);
                break;
            case MemberJoined joined:
                Joined(joined.Room, joined.User);
                noticed.Add(joined.Room);
                break;
            case MembersJoined many:
                foreach (var user in many.Users)
                {
                    Joined(many.Room, user);
                }

                break;
            case MemberLeft left:
                Left(left);
                noticed.Add(left.Room);
                break;
            case RoomUpdated updated:
                Updated(after, updated.Room);
                noticed.Add(updated.Room);
                break;
            case RoleChanged role:
                Tell(after, role.Room, role.User);
                noticed.Add(role.Room);
                break;
            case Invited invited:
                Tell(after, invited.Room, invited.User);
                break;
            case InvitationWithdrawn withdrawn:
                TellRemoved(withdrawn.Room, withdrawn.User, WhyWithdrawn(record, withdrawn.User));
                break;
            case RoomDeleted deleted:
                Deleted(before, deleted.Room);
                break;
            case SessionEnded ended:
                EndSessions(after, ended.User, "the session was ended");
                break;
            case TokensRevoked revoked:
                EndSessions(after, revoked.User, "the password was changed");
                break;
            case AccountDisabled disabled:
                EndSessions(after, disabled.User, "the account was disabled");
                break;
            case AccountClosed closed:
                EndSessions(after, closed.User, "the account was closed");
                break;
            case ApiTokenEnded token:
                EndSessions(after, token.User, "the token was ended");
                break;
        }
    }

    private void Joined(string room, string user)
    {
        if (!users.TryGetValue(user, out var local))
        {
            return;
        }

        foreach (var connection in local.Connections)
        {
            if (connection.FollowsRooms)
            {
                _ = JoinAsync(connection, room);
            }
        }
    }

    /// <summary>Subscribes a connection to a room that its user joined, on whichever connection, and tells it where its events begin.</summary>
    public async Task JoinAsync(ChatConnection connection, string room)
    {
        try
        {
            var followed = await FollowAsync(connection, room, rev =>
            {
                if (replica.State.FindRoom(room) is { } found)
                {
                    connection.Outbox.WriteFrame(RoomShapes.ChangedFrame(replica.State, found, connection.User.Name, rev));
                }
            }).ConfigureAwait(false);
            if (followed is null && RoomAccess.Check(replica.State, room, connection.User.Name, RoomAction.Read, 0).Error is null)
            {
                AskToSubscribe(connection, room);
            }
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            AskToSubscribe(connection, room);
        }
    }

    /// <summary>The room can not be served now: the client subscribes by itself. It is told first which room: one that it does not know it would not heed.</summary>
    private void AskToSubscribe(ChatConnection connection, string room)
    {
        NotFollowed(log, room, connection.User.Name);
        if (replica.State.FindRoom(room) is { } found)
        {
            connection.Outbox.WriteFrame(RoomShapes.ChangedFrame(replica.State, found, connection.User.Name, null));
        }

        connection.Outbox.WriteFrame(Subscription.ResyncFrame(room, 0));
    }

    private void Left(MemberLeft left)
    {
        TakeOut(left.Room, left.User);
        TellRemoved(left.Room, left.User, left.Reason switch
        {
            LeaveReason.Kicked => RemovalReasons.Kicked,
            LeaveReason.Banned => RemovalReasons.Banned,
            _ => RemovalReasons.Left,
        });
    }

    /// <summary>Nothing of the room reaches the user after this returns.</summary>
    private void TakeOut(string room, string user)
    {
        if (feeds.TryGetValue(room, out var feed))
        {
            feed.DetachUser(user);
        }

        host.Forget(room, user);
    }

    private void TellRemoved(string room, string user, string reason) => TellRemoved(user, RemovedFrame(room, reason));

    private void TellRemoved(string user, byte[] frame)
    {
        if (users.TryGetValue(user, out var local))
        {
            foreach (var connection in local.Connections)
            {
                connection.Outbox.WriteFrame(frame);
            }
        }
    }

    private static string WhyWithdrawn(RegistryRecord record, string user) =>
        record.Actor == user ? RemovalReasons.Left
        : record.Events.Any(change => change is Banned) ? RemovalReasons.Banned
        : RemovalReasons.Kicked;

    private void Updated(RegistryState after, string room)
    {
        if (!feeds.TryGetValue(room, out var feed) || after.FindRoom(room) is not { } found)
        {
            return;
        }

        var frames = new Dictionary<RoomRole, byte[]>();
        feed.Tell(user =>
        {
            if (after.FindMembership(room, user) is not { } member)
            {
                return null;
            }

            if (found.IsDirect || !frames.TryGetValue(member.Role, out var frame))
            {
                frame = frames[member.Role] = RoomShapes.ChangedFrame(after, found, user, null);
            }

            return frame;
        });
    }

    private void Tell(RegistryState after, string room, string user)
    {
        if (users.TryGetValue(user, out var local) && after.FindRoom(room) is { } found)
        {
            var frame = RoomShapes.ChangedFrame(after, found, user, null);
            foreach (var connection in local.Connections)
            {
                connection.Outbox.WriteFrame(frame);
            }
        }
    }

    /// <summary>Whoever deleted it closes it in the message store.</summary>
    private void Deleted(RegistryState before, string room)
    {
        EndFeed(room);

        // Whoever followed it, and whoever only had it in a list.
        if (before.FindRoom(room) is { } deleted)
        {
            foreach (var user in before.MembersOf(deleted).Concat(before.InviteesOf(deleted)))
            {
                TellRemoved(room, user, RemovalReasons.Deleted);
            }
        }

        host.Drop(room); // It says once more when the room was last spoken in.
        activities.Forget(room);
    }

    private void EndFeed(string room)
    {
        if (feeds.TryRemove(room, out var feed))
        {
            feed.DetachAll();
        }
    }

    private void EndSessions(RegistryState after, string user, string why)
    {
        if (!users.TryGetValue(user, out var local))
        {
            return;
        }

        foreach (var connection in local.Connections)
        {
            if (!connection.Session.IsAllowedBy(after))
            {
                _ = SignOutAsync(connection, why);
            }
        }
    }

    private static async Task SignOutAsync(ChatConnection connection, string why)
    {
        foreach (var subscription in connection.Subscriptions)
        {
            subscription.End();
        }

        var frame = HubText.EventFrame(HubEvents.SignedOut, new SignedOut(why), static (json, told) =>
            JsonSerializer.Serialize(json, told, ProtocolJson.Wire.SignedOut));
        connection.Outbox.WriteFrame(frame);
        await connection.CloseAsync(HubText.CloseFrame(null, allowReconnect: false), DrainGrace).ConfigureAwait(false);
    }

    private static byte[] RemovedFrame(string room, string reason) =>
        HubText.EventFrame(HubEvents.RoomRemoved, new RoomRemoved(room, reason), static (json, removed) =>
            JsonSerializer.Serialize(json, removed, ProtocolJson.Wire.RoomRemoved));

    [LoggerMessage(2301, LogLevel.Warning, "room {Room} could not be followed for {User} yet")]
    private static partial void NotFollowed(ILogger log, string room, string user);
}
