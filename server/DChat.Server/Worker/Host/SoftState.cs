using System.Collections.Concurrent;
using System.Threading.Channels;
using DChat.Protocol;
using DChat.Server.Worker.Hub;

namespace DChat.Server.Worker.Host;

/// <summary>Tells presence and typing: gathered for at least a second a room, and never at the cost of messages.</summary>
internal sealed class SoftState
{
    /// <summary>How often rooms with something to tell are looked at, in milliseconds.</summary>
    private const int TickMs = 250;

    private readonly ConcurrentDictionary<HostedRoom, byte> pending = new();

    /// <summary>At most one for each change of a connection's rooms or state; read at once.</summary>
    private readonly Channel<News> news = Channel.CreateUnbounded<News>(new() { SingleReader = true });

    /// <summary>Says how a user stands in a room. Takes no lock: the caller may hold its own.</summary>
    public void Announce(HostedRoom room, string user, PresenceState state) =>
        news.Writer.TryWrite(new News(room, user, state));

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
                    said.Room.Presence.Announce(said.User, said.State, Environment.TickCount64);
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
            if (room.Presence.Take(now) is { } changes)
            {
                Publish(room, PresenceFrame(room, changes));
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

            if (!room.Presence.IsPending && !room.Typing.IsPending)
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

    private static byte[] PresenceFrame(HostedRoom room, List<(string User, PresenceState State)> changes) =>
        HubText.EventFrame(HubEvents.Presence, (room, changes), static (json, told) =>
        {
            var (room, changes) = told;
            json.WriteStartObject();
            json.WriteString("room"u8, room.Id);
            json.WriteBoolean("full"u8, false);
            json.WriteStartArray("users"u8);
            if (room.Presence.Online <= ProtocolLimits.PresenceNamesMax)
            {
                foreach (var (user, state) in changes)
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

    private readonly record struct News(HostedRoom Room, string User, PresenceState State);
}
