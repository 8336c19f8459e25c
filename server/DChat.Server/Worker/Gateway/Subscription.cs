using System.Text.Json;
using DChat.Protocol;
using DChat.Server.Worker.Hub;

namespace DChat.Server.Worker.Gateway;

/// <summary>One connection's place in one room's feed. Once ended it stays so: subscribing again makes a new one.</summary>
internal sealed class Subscription(ChatConnection connection, RoomFeed feed)
{
    private int ended;

    public ChatConnection Connection { get; } = connection;

    public RoomFeed Feed { get; } = feed;

    public bool Ended => Volatile.Read(ref ended) != 0;

    /// <summary>Ends it; false where it had ended already.</summary>
    public bool End() => Interlocked.Exchange(ref ended, 1) == 0;

    /// <summary>Tells the client that events up to <paramref name="rev"/> were skipped.</summary>
    public byte[] ResyncFrame(long rev) => ResyncFrame(Feed.Room, rev);

    public static byte[] ResyncFrame(string room, long rev) =>
        HubText.EventFrame(HubEvents.Resync, new ResyncNeeded(room, rev), static (json, resync) =>
            JsonSerializer.Serialize(json, resync, ProtocolJson.Wire.ResyncNeeded));
}
