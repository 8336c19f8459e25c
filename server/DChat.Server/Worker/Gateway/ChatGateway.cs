using System.Collections.Concurrent;
using System.Text.Json;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Observability;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Hub;
using Microsoft.Extensions.Logging;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker.Gateway;

/// <summary>
/// The clients of this worker and the rooms that they follow. It hears every registry entry in order, before the entry's command
/// is answered: so what a removal takes away is gone when the remover hears of it.
/// </summary>
internal sealed partial class ChatGateway : IRegistryObserver, IAsyncDisposable
{
    /// <summary>How often connections and empty feeds are looked at, in milliseconds.</summary>
    private const int SweepMs = 5_000;

    /// <summary>A connection on which nothing was written for so long gets a ping, in milliseconds; SignalR's default.</summary>
    private const int PingAfterMs = 15_000;

    /// <summary>A client that was silent for so long is cut off, in milliseconds; SignalR's default.</summary>
    private const int SilentMs = 30_000;

    /// <summary>A user without connections is forgotten after so long, in milliseconds.</summary>
    private const int ForgetUserMs = 60_000;

    /// <summary>Reconnecting is spread over so long when this worker goes, in milliseconds.</summary>
    private const int ReconnectSpreadMs = 3_000;

    private static readonly TimeSpan DrainGrace = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, LocalUser> users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RoomFeed> feeds = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stopping = new();
    private readonly RegistryReplica replica;
    private readonly RoomHost host;
    private readonly LimitsOptions limits;
    private readonly DChatMetrics metrics;
    private readonly ILogger log;
    private readonly IDisposable observing;
    private readonly Task sweep;
    private int connections;

    public ChatGateway(RegistryReplica replica, RoomHost host, LimitsOptions limits, DChatMetrics metrics, ILogger<ChatGateway> log)
    {
        this.replica = replica;
        this.host = host;
        this.limits = limits;
        this.metrics = metrics;
        this.log = log;
        metrics.ObserveConnections(() => Connections);
        sweep = SweepAsync();
        observing = replica.Subscribe(this, out _);
    }

    public int Connections => Volatile.Read(ref connections);

    public bool IsDraining => stopping.IsCancellationRequested;

    /// <summary>The user's shared state here, made at the first need.</summary>
    public LocalUser UserOf(string name)
    {
        while (true)
        {
            var user = users.GetOrAdd(name, static (name, limits) => new LocalUser(name, limits), limits);
            user.UsedAt = Environment.TickCount64;
            if (!user.Forgotten)
            {
                return user;
            }

            users.TryRemove(KeyValuePair.Create(name, user));
        }
    }

    /// <summary>Runs a connection until it ends.</summary>
    public async Task RunAsync(ChatConnection connection)
    {
        Interlocked.Increment(ref connections);
        try
        {
            await connection.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref connections);
            AnnounceState(connection.User);
        }
    }

    /// <summary>
    /// Subscribes a connection to a room; the revision from which on it is told everything, or null where it may not have it
    /// or the room cannot be served now.
    /// </summary>
    /// <param name="attached">Called where it was not subscribed yet, before the first event.</param>
    public async ValueTask<long?> FollowAsync(ChatConnection connection, string room, Action<long>? attached = null)
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var feed = feeds.GetOrAdd(room, static (room, self) => new RoomFeed(room, self.host, self.metrics), this);
            if (!await feed.OpenAsync().ConfigureAwait(false))
            {
                return null;
            }

            bool IsAllowed() => RoomAccess.Check(replica.State, room, connection.User.Name, RoomAction.Read, 0).Error is null;
            if (feed.Attach(connection, IsAllowed, attached) is { } rev)
            {
                return rev;
            }

            if (!IsAllowed())
            {
                return null;
            }

            if (feed.IsClosed)
            {
                feeds.TryRemove(KeyValuePair.Create(room, feed));
            }
        }

        return null;
    }

    public void Unfollow(ChatConnection connection, string room)
    {
        if (feeds.TryGetValue(room, out var feed) && connection.FindSubscription(feed) is { } subscription)
        {
            feed.Detach(subscription);
            connection.RemoveSubscription(subscription);
        }
    }

    /// <summary>Tells the user's rooms how the user stands now.</summary>
    public void AnnounceState(LocalUser user)
    {
        var state = user.State;
        if (state == PresenceState.Offline)
        {
            return; // Each feed says so by itself when the last connection leaves it.
        }

        foreach (var connection in user.Connections)
        {
            foreach (var subscription in connection.Subscriptions)
            {
                subscription.Feed.Announce(user.Name, state);
            }
        }
    }

    /// <inheritdoc/>
    public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
    {
        var noticed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in entry.Records)
        {
            foreach (var change in record.Events)
            {
                Hear(after, change, noticed);
            }
        }

        foreach (var room in noticed)
        {
            host.WriteNotices(room);
        }
    }

    /// <inheritdoc/>
    public void Replaced(RegistryState before, RegistryState after)
    {
        foreach (var (name, user) in users)
        {
            EndSessions(after, name, "the session was ended");
            var rooms = after.RoomsOf(name).Select(room => room.Id).ToHashSet(StringComparer.Ordinal);
            foreach (var connection in user.Connections)
            {
                foreach (var lost in connection.Subscriptions.Select(subscription => subscription.Feed.Room).Where(room => !rooms.Contains(room)).ToList())
                {
                    Unfollow(connection, lost);
                    connection.Outbox.WriteFrame(RemovedFrame(lost, after.FindRoom(lost) is null ? RemovalReasons.Deleted : RemovalReasons.Left));
                }
            }

            foreach (var room in rooms)
            {
                Joined(room, name);
            }
        }
    }

    /// <summary>Asks every client to connect elsewhere, at spread-out times, and closes each when its calls are answered.</summary>
    public async Task DrainAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        var closing = new List<Task>();
        foreach (var user in users.Values)
        {
            foreach (var connection in user.Connections)
            {
                closing.Add(DrainAsync(connection));
            }
        }

        await Task.WhenAll(closing).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await DrainAsync().ConfigureAwait(false);
        await sweep.ConfigureAwait(false);
        observing.Dispose();
        stopping.Dispose();
    }

    private void Hear(RegistryState after, RegistryEvent change, HashSet<string> noticed)
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
            case RoomDeleted deleted:
                Deleted(deleted.Room);
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

    /// <summary>The room can not be served now: the client subscribes by itself.</summary>
    private void AskToSubscribe(ChatConnection connection, string room)
    {
        NotFollowed(log, room, connection.User.Name);
        connection.Outbox.WriteFrame(Subscription.ResyncFrame(room, 0));
    }

    private void Left(MemberLeft left)
    {
        if (feeds.TryGetValue(left.Room, out var feed))
        {
            feed.DetachUser(left.User);
        }

        host.Forget(left.Room, left.User);
        if (users.TryGetValue(left.User, out var user))
        {
            var frame = RemovedFrame(left.Room, left.Reason switch
            {
                LeaveReason.Kicked => RemovalReasons.Kicked,
                LeaveReason.Banned => RemovalReasons.Banned,
                _ => RemovalReasons.Left,
            });
            foreach (var connection in user.Connections)
            {
                connection.Outbox.WriteFrame(frame);
            }
        }
    }

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

    private void Deleted(string room)
    {
        if (feeds.TryRemove(room, out var feed))
        {
            feed.DetachAll(RemovedFrame(room, RemovalReasons.Deleted));
        }

        _ = CloseAsync(room);
    }

    private async Task CloseAsync(string room)
    {
        try
        {
            await host.CloseAsync(room).ConfigureAwait(false);
        }
        catch (MessageStoreUnavailableException exception)
        {
            NotClosed(log, room, exception.Message);
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

    private static async Task DrainAsync(ChatConnection connection)
    {
        var after = new ReconnectAsked(Random.Shared.Next(ReconnectSpreadMs));
        connection.Outbox.WriteFrame(HubText.EventFrame(HubEvents.Reconnect, after, static (json, asked) =>
            JsonSerializer.Serialize(json, asked, ProtocolJson.Wire.ReconnectAsked)));
        await connection.WhenAnsweredAsync(DrainGrace).ConfigureAwait(false);
        await connection.CloseAsync(HubText.CloseFrame(null, allowReconnect: true), DrainGrace).ConfigureAwait(false);
    }

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(SweepMs));
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                SweepUsers(Environment.TickCount64);
                foreach (var (room, feed) in feeds)
                {
                    if (feed.TryClose())
                    {
                        feeds.TryRemove(KeyValuePair.Create(room, feed));
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    private void SweepUsers(long now)
    {
        foreach (var (name, user) in users)
        {
            foreach (var connection in user.Connections)
            {
                connection.KeepAlive(now, PingAfterMs, SilentMs);
            }

            if (user.TryForget(now - ForgetUserMs))
            {
                users.TryRemove(KeyValuePair.Create(name, user));
            }
        }
    }

    [LoggerMessage(2302, LogLevel.Warning, "deleted room {Room} could not be closed in the message store, its messages stay there: {Why}")]
    private static partial void NotClosed(ILogger log, string room, string why);

    [LoggerMessage(2301, LogLevel.Warning, "room {Room} could not be followed for {User} yet")]
    private static partial void NotFollowed(ILogger log, string room, string user);
}
