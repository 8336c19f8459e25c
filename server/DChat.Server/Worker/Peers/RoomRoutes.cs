using System.Collections.Concurrent;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Host;
using RoomHost = DChat.Server.Worker.Host.RoomHost;
using Worker = DChat.Core.Registry.Worker;

namespace DChat.Server.Worker.Peers;

/// <summary>
/// Where the rooms are that this gateway's clients use: what they send and follow goes to each room's host, whichever worker that is, and
/// goes on at the next one when the registry moves the room.
/// </summary>
internal sealed partial class RoomRoutes : IRegistryObserver, IAsyncDisposable
{
    /// <summary>How often what waits for a host is looked at.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    /// <summary>How often all routes are looked at.</summary>
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(1);

    /// <summary>How long is waited until a host is asked again whether it knows what this worker knows.</summary>
    private static readonly TimeSpan BarrierRetry = TimeSpan.FromMilliseconds(100);

    /// <summary>A route that nobody needed for so long is forgotten, in milliseconds.</summary>
    private const int IdleMs = 60_000;

    private readonly ConcurrentDictionary<string, RoomRoute> routes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<RoomRoute, byte> watched = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly PeriodicTimer timer = new(SweepEvery);
    private readonly RegistryReplica replica;
    private readonly WorkerIdentity identity;
    private readonly RoomHost host;
    private readonly PeerPorts peers;
    private readonly IMessageStore store;
    private readonly ILogger log;
    private readonly LocalHostPort local;
    private readonly FirstAnswers answers;
    private readonly IDisposable observing;
    private readonly Task loop;
    private long lastAttempt;
    private bool hasNothingWatched = true;

    public RoomRoutes(RegistryReplica replica, WorkerIdentity identity, RoomHost host, PeerPorts peers, IMessageStore store, ILogger<RoomRoutes> log)
    {
        (this.replica, this.identity, this.host, this.peers, this.store, this.log) = (replica, identity, host, peers, store, log);
        local = new LocalHostPort(host);
        answers = new FirstAnswers(store, log, stopping.Token);
        peers.Changed += PortChanged;
        observing = replica.Subscribe(this, out _);
        peers.Refresh();
        loop = VitalWork.RunAsync("the watch over what waits for a host", WatchAsync, log);
    }

    /// <summary>Another worker may get the rooms of one that is in trouble.</summary>
    public bool HasOtherHosts
    {
        get
        {
            var hosts = 0;
            foreach (var worker in replica.State.Workers())
            {
                hosts += worker.Capacity > 0 && worker.State is WorkerState.Active or WorkerState.Draining ? 1 : 0;
            }

            return hosts > 1;
        }
    }

    /// <summary>Sends a change to its room's host: what is sent to one room is made in the order of the calls.</summary>
    public void Submit(string room, RoomChange change, IChangeReceiver receiver)
    {
        while (!Of(room).TrySubmit(change, null, receiver))
        {
            // The route was just closed: there is another.
        }
    }

    /// <summary>Answers a change that is refused, unless it repeats one that was made: then it gets that one's answer.</summary>
    public void Refuse(string room, RoomChange change, HubError error, IChangeReceiver receiver)
    {
        if (!Exists(room))
        {
            receiver.Completed(ChangeOutcome.Failed(error)); // Nor does a room that was deleted know repeats.
        }
        else if (routes.TryGetValue(room, out var route) && route.MayHold)
        {
            while (!Of(room).TrySubmit(change, error, receiver))
            {
                // The route was just closed: there is another.
            }
        }
        else if (!host.TryQueueRefusal(room, change, error, receiver))
        {
            answers.Answer(room, change, error, receiver);
        }
    }

    /// <summary>Where a room is, for what can do without it: null where its host cannot be reached now.</summary>
    public IHostPort? PortOf(string room) =>
        (routes.TryGetValue(room, out var route) ? route.Target : Resolve(room)) is { Port: { IsUp: true } port } ? port : null;

    /// <summary>Gives a feed its route.</summary>
    public RoomRoute Attach(string room, RoomFeed feed)
    {
        while (true)
        {
            var route = Of(room);
            if (route.TrySetFeed(feed))
            {
                return route;
            }
        }
    }

    /// <summary>Who is online in a room, and the changes after a revision where its host has them at hand. Never fails: both can be done without.</summary>
    public ValueTask<RoomGlance> GlanceAsync(string room, long? afterRev, long throughRev, int limit) =>
        PortOf(room)?.GlanceAsync(room, afterRev, throughRev, limit) ?? new(RoomGlance.Nothing);

    public ValueTask<IReadOnlyList<bool>> OnlineAsync(string room, IReadOnlyList<string> users) =>
        PortOf(room)?.OnlineAsync(room, users) ?? new(new bool[users.Count]);

    /// <summary>The number of a room's newest message.</summary>
    public async ValueTask<long> NewestSeqAsync(string room)
    {
        if (PortOf(room) is { } port && await port.NewestSeqAsync(room).ConfigureAwait(false) is { } seq)
        {
            return seq;
        }

        var newest = await store.ReadBeforeAsync(room, null, 1, "", CancellationToken.None).ConfigureAwait(false);
        return newest.Messages is [var message, ..] ? message.Seq : 0;
    }

    /// <summary>The number of a room's newest message by its host's word; 0 where that is not soon to be had.</summary>
    public async ValueTask<long> ToldNewestSeqAsync(string room)
    {
        try
        {
            return PortOf(room) is { } port ? await port.NewestSeqAsync(room).AsTask().WaitAsync(PeerLimits.Patience, CancellationToken.None).ConfigureAwait(false) ?? 0 : 0;
        }
        catch (TimeoutException)
        {
            return 0;
        }
    }

    /// <summary>
    /// Waits until whoever may write a room knows all that this worker knows of the registry: no change that is committed later reaches a user of whose
    /// removal this worker knows, nor is made by him: what was judged before is committed by then, or never. Given up after <see cref="RoomHost.HoldMs"/>, with a word in the log.
    /// </summary>
    public async Task BarrierAsync(string room)
    {
        var giveUpAt = Environment.TickCount64 + RoomHost.HoldMs;
        while (Exists(room) && (!IsAlone || host.Holds(room)) && !stopping.IsCancellationRequested)
        {
            var left = giveUpAt - Environment.TickCount64;
            if (left <= 0)
            {
                NoBarrier(log, room, RoomHost.HoldMs);
                return;
            }

            if (Resolve(room) is { } target && await BarrierAsync(room, target, TimeSpan.FromMilliseconds(left)).ConfigureAwait(false))
            {
                return; // Whoever is given the room later hears of it by an entry behind those that are known here.
            }

            await replica.WaitForAsync(replica.Index + 1, BarrierRetry, CancellationToken.None).ConfigureAwait(false);
        }
    }

    public void StartTyping(string room, string user) => PortOf(room)?.StartTyping(room, user);

    /// <summary>A user of this gateway has read up to a message: the user's other gateways are told, as far as they can be reached.</summary>
    public void MarkRead(string room, string user, long seq)
    {
        if (routes.TryGetValue(room, out var route))
        {
            route.Feed?.MarkRead(user, seq);
        }
    }

    /// <inheritdoc/>
    public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
    {
        foreach (var record in entry.Records)
        {
            foreach (var change in record.Events)
            {
                switch (change)
                {
                    case RoomsAssigned assigned:
                        host.Recheck(assigned.Rooms);
                        Refresh(assigned.Rooms);
                        break;
                    case RoomCreated created:
                        Refresh([created.Room]);
                        break;
                    case DirectOpened direct:
                        Refresh([direct.Room]);
                        break;
                    case RoomDeleted deleted:
                        Refresh([deleted.Room]);
                        break;
                    case WorkerRegistered or WorkerStateChanged or WorkerRemoved:
                        peers.Refresh();
                        host.RecheckAll();
                        RefreshAll();
                        break;
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Replaced(RegistryState before, RegistryState after)
    {
        peers.Refresh();
        host.RecheckAll();
        RefreshAll();
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        peers.Changed -= PortChanged;
        observing.Dispose();
        timer.Dispose();
        stopping.Dispose();
    }

    internal RoomTarget? Resolve(string room)
    {
        var state = replica.State;
        if (state.FindRoom(room) is not { } found || state.HostOf(found) is not { } hosted)
        {
            return null;
        }

        return hosted.Worker == identity.Id ? new RoomTarget(hosted.Worker, hosted.Epoch, local)
            : peers.Find(hosted.Worker) is { } port ? new RoomTarget(hosted.Worker, hosted.Epoch, port)
            : null;
    }

    internal bool Exists(string room) => replica.State.FindRoom(room) is not null;

    internal long NextAttempt() => Interlocked.Increment(ref lastAttempt);

    internal void Watch(RoomRoute route)
    {
        watched.TryAdd(route, 0);
        if (Interlocked.Exchange(ref hasNothingWatched, false))
        {
            Every(Tick);
        }
    }

    /// <summary>There never was another worker that could write a room.</summary>
    private bool IsAlone => replica.State.Workers().All(worker => worker.Id == identity.Id);

    private static async Task<bool> BarrierAsync(string room, RoomTarget target, TimeSpan limit)
    {
        try
        {
            return await target.Port.BarrierAsync(room, target.Epoch).AsTask().WaitAsync(limit).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private RoomRoute Of(string room)
    {
        while (true)
        {
            if (routes.TryGetValue(room, out var known))
            {
                return known;
            }

            var made = new RoomRoute(this, room);
            if (routes.TryAdd(room, made))
            {
                made.Refresh(); // Only now that it stands where a change of the registry finds it.
                return made;
            }
        }
    }

    private void Refresh(IEnumerable<string> rooms)
    {
        foreach (var room in rooms)
        {
            if (routes.TryGetValue(room, out var route))
            {
                route.Refresh();
            }
        }
    }

    private void RefreshAll()
    {
        foreach (var route in routes.Values)
        {
            route.Refresh();
        }
    }

    private void PortChanged(IHostPort port)
    {
        foreach (var route in routes.Values)
        {
            route.PortChanged(port);
        }
    }

    private async Task WatchAsync()
    {
        var sweptAt = Environment.TickCount64;
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                var now = Environment.TickCount64;
                foreach (var route in watched.Keys)
                {
                    watched.TryRemove(route, out _);
                    if (route.Tick(now))
                    {
                        Watch(route);
                    }
                }

                if (now - sweptAt >= SweepEvery.TotalMilliseconds)
                {
                    sweptAt = now;
                    Sweep(now);
                }

                Rest();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    /// <summary>Where nothing waits for a host there is nothing to look at twenty times a second.</summary>
    private void Rest()
    {
        if (hasNothingWatched || !watched.IsEmpty)
        {
            return;
        }

        Every(SweepEvery);
        Interlocked.Exchange(ref hasNothingWatched, true); // A barrier as well: what is read next is read after it.
        if (!watched.IsEmpty && Interlocked.Exchange(ref hasNothingWatched, false))
        {
            Every(Tick); // Begun to be watched in between.
        }
    }

    private void Every(TimeSpan period)
    {
        try
        {
            timer.Period = period;
        }
        catch (ObjectDisposedException) when (stopping.IsCancellationRequested)
        {
            // The gateway stopped: nothing is looked at any more.
            return;
        }
    }

    private void Sweep(long now)
    {
        foreach (var (room, route) in routes)
        {
            route.Tick(now);
            if (route.TryClose(now - IdleMs))
            {
                routes.TryRemove(KeyValuePair.Create(room, route));
            }
        }
    }

    [LoggerMessage(2520, LogLevel.Warning, "no host of room {Room} said within {Ms} ms that it knows of a removal: until it does, whoever was removed may be told what is said there")]
    private static partial void NoBarrier(ILogger log, string room, int ms);
}
