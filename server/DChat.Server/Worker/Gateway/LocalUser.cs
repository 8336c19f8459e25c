using System.Text.Json;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Hub;

namespace DChat.Server.Worker.Gateway;

/// <summary>A user with connections to this gateway, or lately so: what all of the user's connections share.</summary>
internal sealed class LocalUser(string name, LimitsOptions limits)
{
    /// <summary>Rooms are told at most once in this time how the user stands, in milliseconds.</summary>
    public const int ToldEveryMs = 1_000;

    private readonly Lock gate = new();
    private ChatConnection[] connections = [];
    private long toldAt = Environment.TickCount64 - ToldEveryMs;
    private bool isToldLater;

    public string Name { get; } = name;

    public TokenBucket Sends { get; } = new(limits.SendBurst, limits.SendsPerSecond);

    public TokenBucket Calls { get; } = new(limits.CallBurst, limits.CallsPerSecond);

    /// <summary>Of refused changes that may be repeats: as many as of other calls, and beside them.</summary>
    public TokenBucket Lookups { get; } = new(limits.CallBurst, limits.CallsPerSecond);

    public TokenBucket Searches { get; } = new(limits.SearchBurst, limits.SearchesPerSecond);

    /// <summary>When the user was last needed, in <see cref="Environment.TickCount64"/> milliseconds.</summary>
    public long UsedAt { get; set; } = Environment.TickCount64;

    /// <summary>A snapshot; never changed in place.</summary>
    public ChatConnection[] Connections => Volatile.Read(ref connections);

    /// <summary>Online with any connection, else away.</summary>
    public PresenceState State
    {
        get
        {
            var state = PresenceState.Offline;
            foreach (var connection in Connections)
            {
                state = (PresenceState)Math.Max((byte)state, (byte)connection.Presence);
            }

            return state;
        }
    }

    /// <summary>Out of use: ask for the user again.</summary>
    public bool Forgotten { get; private set; }

    /// <summary>Takes a user without connections out of use that nobody needed since.</summary>
    public bool TryForget(long since)
    {
        lock (gate)
        {
            Forgotten |= connections.Length == 0 && UsedAt < since;
            return Forgotten;
        }
    }

    /// <summary>False where the user has as many as allowed.</summary>
    public bool Add(ChatConnection connection)
    {
        lock (gate)
        {
            if (Forgotten)
            {
                return false;
            }

            if (limits.ConnectionsPerUser != 0 && connections.Length >= limits.ConnectionsPerUser)
            {
                return false;
            }

            connections = [.. connections, connection];
            return true;
        }
    }

    /// <summary>When the rooms are told how the user stands, whose state may have changed.</summary>
    public ToldWhen TellsRooms(long now)
    {
        lock (gate)
        {
            if (isToldLater)
            {
                return ToldWhen.Anyway;
            }

            isToldLater = now - toldAt < ToldEveryMs;
            toldAt = isToldLater ? toldAt : now;
            return isToldLater ? ToldWhen.Later : ToldWhen.Now;
        }
    }

    /// <summary>The rooms that were to be told later are told now: what changes from here on is told once more.</summary>
    public void TellsRoomsNow(long now)
    {
        lock (gate)
        {
            (isToldLater, toldAt) = (false, now);
        }
    }

    /// <summary>Tells the user's connections that the user has read up to a message.</summary>
    /// <param name="except">Where it was said; null: elsewhere.</param>
    public void TellRead(string room, long seq, ChatConnection? except)
    {
        byte[]? frame = null;
        foreach (var connection in Connections)
        {
            if (connection != except)
            {
                frame ??= HubText.EventFrame(HubEvents.Read, new ReadMarkMoved(room, seq), static (json, moved) =>
                    JsonSerializer.Serialize(json, moved, ProtocolJson.Wire.ReadMarkMoved));
                connection.Outbox.WriteFrame(frame);
            }
        }
    }

    public void Remove(ChatConnection connection)
    {
        lock (gate)
        {
            connections = Array.FindAll(connections, other => other != connection);
            UsedAt = Environment.TickCount64;
        }
    }
}

/// <summary>When rooms are told of a change.</summary>
internal enum ToldWhen : byte
{
    Now,

    /// <summary>It was just told: in <see cref="LocalUser.ToldEveryMs"/>.</summary>
    Later,

    /// <summary>What is to be told later tells it too.</summary>
    Anyway,
}
