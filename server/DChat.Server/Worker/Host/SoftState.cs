using System.Collections.Concurrent;
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

    /// <summary>At most one for each change of a connection's rooms or state; read at once.</summary>
    private readonly Channel<News> news = Channel.CreateUnbounded<News>(new() { SingleReader = true });

    /// <summary>Says how a user stands in a room. Takes no lock: the caller may hold its own.</summary>
    public void Announce(HostedRoom room, IRoomSink gateway, string user, PresenceState state) =>
        news.Writer.TryWrite(new News(room, gateway, user, state));

    /// <summary>A gateway has no users in a room any more. Takes no lock.</summary>
    public void Leave(HostedRoom room, IRoomSink gateway) => news.Writer.TryWrite(new News(room, gateway, null, PresenceState.Offline));

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
            await foreach (var said in news.Reader.ReadAllAsync(stopping).ConfigureAwait(false))
            {
                lock (said.Room.Gate)
                {
                    if (said.User is null)
                    {
                        said.Room.Presence.Leave(said.Gateway, Environment.TickCount64);
                    }
                    else
                    {
                        said.Room.Presence.Announce(said.Gateway, said.User, said.State, Environment.TickCount64);
                    }
                }

                pending.TryAdd(said.Room, 0);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
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

    /// <param name="User">Null: all of the gateway.</param>
    private readonly record struct News(HostedRoom Room, IRoomSink Gateway, string? User, PresenceState State);
}
