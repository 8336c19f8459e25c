using System.Text;
using System.Text.Json;
using DChat.Core.Messages;
using DChat.Protocol;

namespace DChat.Server.Worker.Calls;

/// <summary>What a client needs to go on in a room, with its messages serialized already.</summary>
/// <param name="Messages">A JSON array.</param>
/// <param name="Online">A JSON array of names.</param>
internal sealed record RoomSyncText(
    Protocol.Room Room,
    long Rev,
    bool Reset,
    ReadOnlyMemory<byte> Messages,
    bool More,
    ReadState Read,
    ReadOnlyMemory<byte> Online,
    int OnlineCount)
{
    private static readonly byte[] None = "[]"u8.ToArray();

    /// <summary>Its length on the wire, nearly.</summary>
    public int Bytes => 512 + Encoding.UTF8.GetByteCount(Room.Name) + Encoding.UTF8.GetByteCount(Room.Topic ?? "") + Messages.Length + Online.Length;

    public RoomSyncText WithoutMessages() => this with { Messages = None, More = true };

    /// <summary>With the number of those online alone; <c>subscribe</c> names them.</summary>
    public RoomSyncText WithoutNames() => this with { Online = None };

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WritePropertyName("room"u8);
        JsonSerializer.Serialize(json, Room, ProtocolJson.Wire.Room);
        json.WriteNumber("rev"u8, Rev);
        json.WriteBoolean("reset"u8, Reset);
        json.WritePropertyName("messages"u8);
        json.WriteRawValue(Messages.Span, skipInputValidation: true);
        json.WriteBoolean("more"u8, More);
        json.WriteNumber("readSeq"u8, Read.ReadSeq);
        json.WriteNumber("unread"u8, Read.Unread);
        json.WriteNumber("mentions"u8, Read.Mentions);
        json.WritePropertyName("online"u8);
        json.WriteRawValue(Online.Span, skipInputValidation: true);
        json.WriteNumber("onlineCount"u8, OnlineCount);
        json.WriteEndObject();
    }
}

/// <summary>The answer of <c>sync</c>.</summary>
internal sealed record SyncText(Me Me, ServerInfo Server, IReadOnlyList<RoomSyncText> Rooms, IReadOnlyList<Protocol.Room> Invitations)
{
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WritePropertyName("me"u8);
        JsonSerializer.Serialize(json, Me, ProtocolJson.Wire.Me);
        json.WritePropertyName("server"u8);
        JsonSerializer.Serialize(json, Server, ProtocolJson.Wire.ServerInfo);
        json.WriteStartArray("rooms"u8);
        foreach (var room in Rooms)
        {
            room.Write(json);
        }

        json.WriteEndArray();
        json.WriteStartArray("invitations"u8);
        foreach (var room in Invitations)
        {
            JsonSerializer.Serialize(json, room, ProtocolJson.Wire.Room);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
