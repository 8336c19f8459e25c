using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using DChat.Protocol;
using DChat.Server.Worker.Hub;

namespace DChat.Server.Worker.Host;

/// <summary>Tells presence and typing: gathered for at least a second a room, and never at the cost of messages.</summary>
internal sealed class SoftState(HostLoad load)
{
    /// <summary>How often rooms with something to tell are looked at, in milliseconds.</summary>
    private const int TickMs = 250;

    private readonly ConcurrentDictionary<HostedRoom, byte> pending = new();

    /// <summary>Under this lock nothing is called that takes another.</summary>
    private readonly Lock gate = new();

    /// <summary>There is news.</summary>
    private readonly Channel<byte> said = Channel.CreateBounded<byte>(new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>What gateways said and no room was told yet: how each user stands last, so no more than there are users in rooms.</summary>
    private Dictionary<(HostedRoom Room, IRoomSink Gateway), News> news = [];

    /// <summary>Users of whom there is news in a room that it was not told yet.</summary>
    public int Waiting
    {
        get
        {
            lock (gate)
            {
                return news.Values.Sum(static each => each.Users.Count);
            }
        }
    }

    /// <summary>Says how a user stands in a room. Takes no room's lock: the caller may hold its own.</summary>
    public void Announce(HostedRoom room, IRoomSink gateway, string user, PresenceState state)
    {
        lock (gate)
        {
            Of(room, gateway).Users[user] = state;
        }

        said.Writer.TryWrite(0);
    }

    /// <summary>A gateway has no users in a room any more. Takes no room's lock.</summary>
    public void Leave(HostedRoom room, IRoomSink gateway)
    {
        lock (gate)
        {
            var of = Of(room, gateway);
            of.HasLeft = true;
            of.Users.Clear();
        }

        said.Writer.TryWrite(0);
    }

    /// <summary>Everybody who is here is told again, when the gateways have announced them. Under the room's lock.</summary>
    public void TellAll(HostedRoom room)
    {
        room.Presence.TellAll(Environment.TickCount64);
        room.Typing.TellAll();
        pending.TryAdd(room, 0);
    }

    public void Forget(HostedRoom room, string user)
    {
        lock (room.Gate)
        {
            room.Presence.Remove(user);
            room.Typing.Stop(user);
        }

        pending.TryAdd(room, 0);
    }

    public void Start(HostedRoom room, string user)
    {
        lock (room.Gate)
        {
            room.Typing.Start(user, Environment.TickCount64);
        }

        pending.TryAdd(room, 0);
    }

    public void Stop(HostedRoom room, string user)
    {
        if (room.Typing.IsPending)
        {
            lock (room.Gate)
            {
                room.Typing.Stop(user);
            }

            pending.TryAdd(room, 0);
        }
    }

    public Task RunAsync(CancellationToken stopping) => Task.WhenAll(ListenAsync(stopping), TellAsync(stopping));

    private async Task ListenAsync(CancellationToken stopping)
    {
        try
        {
            await foreach (var _ in said.Reader.ReadAllAsync(stopping).ConfigureAwait(false))
            {
                foreach (var ((room, gateway), each) in Take())
                {
                    lock (room.Gate)
                    {
                        Note(room.Presence, gateway, each);
                    }

                    pending.TryAdd(room, 0);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private News Of(HostedRoom room, IRoomSink gateway)
    {
        ref var of = ref CollectionsMarshal.GetValueRefOrAddDefault(news, (room, gateway), out _);
        return of ??= new News();
    }

    private Dictionary<(HostedRoom Room, IRoomSink Gateway), News> Take()
    {
        lock (gate)
        {
            var taken = news;
            news = [];
            return taken;
        }
    }

    private static void Note(RoomPresence presence, IRoomSink gateway, News news)
    {
        if (news.HasLeft)
        {
            presence.Leave(gateway, Environment.TickCount64);
        }

        foreach (var (user, state) in news.Users)
        {
            presence.Announce(gateway, user, state, Environment.TickCount64);
        }
    }

    private async Task TellAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(TickMs));
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
            {
                var now = Environment.TickCount64;
                foreach (var room in pending.Keys)
                {
                    Tell(room, now);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private void Tell(HostedRoom room, long now)
    {
        lock (room.Gate)
        {
            if (room.Presence.Take(now) is { } presence)
            {
                Publish(room, PresenceFrame(room, presence));
                load.Changed(room);
            }

            if (room.Typing.Take(now) is { } users)
            {
                Publish(room, HubText.EventFrame(HubEvents.Typing, (room.Id, users), static (json, typing) =>
                {
                    json.WriteStartObject();
                    json.WriteString("room"u8, typing.Id);
                    json.WriteStartArray("users"u8);
                    foreach (var user in typing.users)
                    {
                        json.WriteStringValue(user);
                    }

                    json.WriteEndArray();
                    json.WriteEndObject();
                }));
            }

            if (room.Phase == RoomPhase.Gone || (!room.Presence.IsPending && !room.Typing.IsPending))
            {
                pending.TryRemove(room, out _);
            }
        }
    }

    private static void Publish(HostedRoom room, byte[] frame)
    {
        foreach (var sink in room.Sinks)
        {
            sink.PublishSoft(frame);
        }
    }

    private static byte[] PresenceFrame(HostedRoom room, PresenceNews news) =>
        HubText.EventFrame(HubEvents.Presence, (room, news), static (json, told) =>
        {
            var (room, news) = told;
            json.WriteStartObject();
            json.WriteString("room"u8, room.Id);
            json.WriteBoolean("full"u8, news.Full && room.Presence.Online <= ProtocolLimits.PresenceNamesMax);
            json.WriteStartArray("users"u8);
            if (room.Presence.Online <= ProtocolLimits.PresenceNamesMax)
            {
                foreach (var (user, state) in news.Users)
                {
                    json.WriteStartObject();
                    json.WriteString("user"u8, user);
                    json.WriteString("state"u8, state switch
                    {
                        PresenceState.Online => PresenceStates.Online,
                        PresenceState.Away => PresenceStates.Away,
                        _ => PresenceStates.Offline,
                    });
                    json.WriteEndObject();
                }
            }

            json.WriteEndArray();
            json.WriteNumber("online"u8, room.Presence.Online);
            json.WriteEndObject();
        });

    /// <summary>What a gateway said of a room's users.</summary>
    private sealed class News
    {
        /// <summary>All of its users went, before what else it said.</summary>
        public bool HasLeft { get; set; }

        public Dictionary<string, PresenceState> Users { get; } = new(StringComparer.Ordinal);
    }
}
