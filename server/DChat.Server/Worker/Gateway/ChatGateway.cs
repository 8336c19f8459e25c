using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Observability;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Hub;
using DChat.Server.Worker.Peers;
using Microsoft.Extensions.Logging;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker.Gateway;

/// <summary>
/// The clients of this worker and the rooms that they follow. It hears every registry entry in order, before the entry's command
/// is answered: so what a removal takes away is gone when the remover hears of it.
/// </summary>
internal sealed partial class ChatGateway : IRegistryObserver, IAsyncDisposable
{
    /// <summary>Why a worker that stops wants no clients.</summary>
    public const string GoesAway = "This worker is going away.";

    /// <summary>How often connections and empty feeds are looked at, in milliseconds.</summary>
    private const int SweepMs = 5_000;

    /// <summary>A connection on which nothing was written for so long gets a ping, in milliseconds; SignalR's default.</summary>
    private const int PingAfterMs = 15_000;

    /// <summary>A client that was silent for so long is cut off, in milliseconds; SignalR's default.</summary>
    private const int SilentMs = 30_000;

    /// <summary>A user without connections is forgotten after so long, in milliseconds.</summary>
    private const int ForgetUserMs = 60_000;

    /// <summary>Clients are asked to leave within so long when this worker goes, in milliseconds.</summary>
    private const int LeaveSpreadMs = 3_000;

    /// <summary>How much later than asked a client may go by itself.</summary>
    private static readonly TimeSpan LeaveGrace = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan DrainGrace = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, LocalUser> users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RoomFeed> feeds = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stopping = new();
    private readonly RegistryReplica replica;
    private readonly RoomHost host;
    private readonly RoomRoutes routes;
    private readonly RoomActivities activities;
    private readonly LimitsOptions limits;
    private readonly ReconnectPace pace;
    private readonly DChatMetrics metrics;
    private readonly ILogger log;
    private readonly IDisposable observing;
    private readonly Task sweep;

    /// <summary>Users of whom rooms are told later, and when; in order of that. Each stands in it once at most.</summary>
    private readonly Channel<(LocalUser User, long At)> toTell = Channel.CreateUnbounded<(LocalUser, long)>(new() { SingleReader = true });
    private readonly Task telling;
    private int connections;
    private long stayUntil = long.MaxValue;
    private long closeUntil = long.MaxValue;
    private volatile bool canClientsStay;
    private volatile string? whyCutOff;

    public ChatGateway(
        RegistryReplica replica, RoomHost host, RoomRoutes routes, RoomActivities activities, LimitsOptions limits, DChatMetrics metrics, ILogger<ChatGateway> log)
    {
        this.replica = replica;
        this.host = host;
        this.routes = routes;
        this.activities = activities;
        this.limits = limits;
        pace = new ReconnectPace(limits.ReconnectsPerSecond);
        this.metrics = metrics;
        this.log = log;
        metrics.ObserveConnections(() => Connections);
        sweep = VitalWork.RunAsync("the sweep over clients and feeds", SweepAsync, log);
        telling = VitalWork.RunAsync("telling rooms how users stand", TellRoomsLaterAsync, log);
        host.RoomClosed += activities.Know;
        observing = replica.Subscribe(this, out _);
    }

    public int Connections => Volatile.Read(ref connections);

    /// <summary>Why clients are to connect to another worker; null where they are welcome.</summary>
    public string? WhyClosed => stopping.IsCancellationRequested ? GoesAway : whyCutOff;

    /// <summary>The cluster goes on without this worker, and clients are sent away.</summary>
    public bool IsCutOff => whyCutOff is not null;

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
        connection.Opened = () => pace.Begin(connection, Connections);
        try
        {
            // Whoever was let in and has only now its place among the user's connections may have been passed over.
            var farewell = !connection.Session.IsAllowedBy(replica.State) ? SignOutAsync(connection, "the session was ended")
                : WhyClosed is not null ? DrainAsync(connection)
                : Task.CompletedTask;
            AnnounceState(connection.User); // Whose other connections may all be away.
            await connection.RunAsync().ConfigureAwait(false);
            await farewell.ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref connections);
            AnnounceState(connection.User);
        }
    }

    /// <summary>
    /// Waits until this gateway was told a room up to a revision, at most for a time; answers whether it was, and null where the room cannot
    /// be served now.
    /// </summary>
    /// <param name="open">How long at most it waits for the room to open; null: for as long as calls are held.</param>
    public async ValueTask<bool?> ReachAsync(string room, long rev, TimeSpan limit, TimeSpan? open = null)
    {
        var feed = FeedOf(room);
        return await feed.OpenAsync(open ?? RoomFeed.HoldLimit).ConfigureAwait(false) ? await feed.ReachAsync(rev, limit).ConfigureAwait(false) : null;
    }

    /// <summary>
    /// Subscribes a connection to a room; the revision from which on it is told everything, or null where it may not have it
    /// or the room cannot be served now.
    /// </summary>
    /// <param name="attached">Called where it was not subscribed yet, before the first event.</param>
    /// <param name="open">How long at most it waits for the room to open; null: for as long as calls are held.</param>
    public async ValueTask<long?> FollowAsync(ChatConnection connection, string room, Action<long>? attached = null, TimeSpan? open = null)
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var feed = FeedOf(room);
            if (!await feed.OpenAsync(open ?? RoomFeed.HoldLimit).ConfigureAwait(false))
            {
                if (!feed.IsClosed)
                {
                    return null;
                }

                // Nobody used it, and it was swept away meanwhile.
                feeds.TryRemove(KeyValuePair.Create(room, feed));
                continue;
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

    private RoomFeed FeedOf(string room) => feeds.GetOrAdd(room, static (room, self) => new RoomFeed(room, self.routes, self.metrics, self.log), this);

    public void Unfollow(ChatConnection connection, string room)
    {
        if (feeds.TryGetValue(room, out var feed) && connection.FindSubscription(feed) is { } subscription)
        {
            feed.Detach(subscription);
            connection.RemoveSubscription(subscription);
        }
    }

    /// <summary>Tells the user's rooms how the user stands, at once or a little later: the last state in any case. (Each feed tells by itself who is gone.)</summary>
    public void AnnounceState(LocalUser user)
    {
        var now = Environment.TickCount64;
        switch (user.TellsRooms(now))
        {
            case ToldWhen.Now:
                TellRooms(user);
                break;
            case ToldWhen.Later:
                toTell.Writer.TryWrite((user, now + LocalUser.ToldEveryMs));
                break;
        }
    }

    /// <summary>The cluster goes on without this worker: every client is asked to connect elsewhere, and served until it goes; who comes is told why.</summary>
    public Task CutOffAsync(string why)
    {
        var wasCutOff = IsCutOff;
        (canClientsStay, whyCutOff) = (true, why);
        return wasCutOff ? Task.CompletedTask : SendAwayAsync();
    }

    /// <summary>This worker is one of the cluster again: clients are welcome.</summary>
    public void TakePartAgain() => whyCutOff = null;

    /// <summary>Asks every client to connect elsewhere, at spread-out times, and closes each when its calls are answered.</summary>
    /// <param name="mayStay">Somebody else serves: clients are served on until they go at their spread-out times. Else they are closed at once.</param>
    /// <param name="stay">No client is served on for longer.</param>
    /// <param name="close">By then all are closed, though calls of theirs be open.</param>
    public async Task DrainAsync(bool mayStay, TimeSpan stay, TimeSpan close)
    {
        var now = Environment.TickCount64;
        Volatile.Write(ref stayUntil, now + (long)stay.TotalMilliseconds);
        Volatile.Write(ref closeUntil, now + (long)close.TotalMilliseconds);
        canClientsStay = mayStay;
        await stopping.CancelAsync().ConfigureAwait(false);
        await SendAwayAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        canClientsStay = false;
        await stopping.CancelAsync().ConfigureAwait(false);
        await SendAwayAsync().ConfigureAwait(false);
        await sweep.ConfigureAwait(false);
        await telling.ConfigureAwait(false);
        observing.Dispose();
        stopping.Dispose();
    }

    private Task SendAwayAsync() => Task.WhenAll(users.Values.SelectMany(static user => user.Connections).Select(DrainAsync).ToList());

    private async Task DrainAsync(ChatConnection connection)
    {
        var after = new ReconnectAsked(Random.Shared.Next(LeaveSpreadMs));
        connection.Outbox.WriteFrame(HubText.EventFrame(HubEvents.Reconnect, after, static (json, asked) =>
            JsonSerializer.Serialize(json, asked, ProtocolJson.Wire.ReconnectAsked)));
        if (canClientsStay)
        {
            var stay = UpTo(TimeSpan.FromMilliseconds(after.AfterMs) + LeaveGrace, Volatile.Read(ref stayUntil));
            await connection.Ended.WaitAsync(stay, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (connection.Ended.IsCompleted)
            {
                return;
            }
        }

        await connection.FinishCallsAsync(UpTo(DrainGrace, Volatile.Read(ref closeUntil))).ConfigureAwait(false);
        await connection.CloseAsync(HubText.CloseFrame(null, allowReconnect: true), UpTo(DrainGrace, Volatile.Read(ref closeUntil))).ConfigureAwait(false);
    }

    /// <summary>So long, and no longer than until a moment of <see cref="Environment.TickCount64"/>.</summary>
    private static TimeSpan UpTo(TimeSpan most, long until) =>
        TimeSpan.FromMilliseconds(Math.Clamp(until - Environment.TickCount64, 0, (long)most.TotalMilliseconds));

    private static void TellRooms(LocalUser user)
    {
        foreach (var connection in user.Connections)
        {
            foreach (var subscription in connection.Subscriptions)
            {
                subscription.Feed.Announce(user);
            }
        }
    }

    private async Task TellRoomsLaterAsync()
    {
        try
        {
            await foreach (var (user, at) in toTell.Reader.ReadAllAsync(stopping.Token).ConfigureAwait(false))
            {
                if (at - Environment.TickCount64 is > 0 and var left)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(left), stopping.Token).ConfigureAwait(false);
                }

                user.TellsRoomsNow(Environment.TickCount64);
                TellRooms(user);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(SweepMs));
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                SweepUsers(Environment.TickCount64);
                SweepFeeds();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    /// <summary>Closes the feeds that nobody uses.</summary>
    internal void SweepFeeds()
    {
        foreach (var (room, feed) in feeds)
        {
            if (feed.TryClose())
            {
                feeds.TryRemove(KeyValuePair.Create(room, feed));
            }
        }
    }

    private void SweepUsers(long now)
    {
        var clients = Connections;
        foreach (var (name, user) in users)
        {
            foreach (var connection in user.Connections)
            {
                connection.KeepAlive(now, PingAfterMs, SilentMs);
                pace.Tell(connection, clients);
            }

            if (user.TryForget(now - ForgetUserMs))
            {
                users.TryRemove(KeyValuePair.Create(name, user));
            }
        }
    }
}
