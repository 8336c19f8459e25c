using System.Buffers;
using System.Text.Json;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Worker.Hub;

namespace DChat.Server.Worker.Calls;

/// <summary>What a client needs to go on in a room, serialized already: what it costs on the wire is known.</summary>
/// <param name="Room">As <see cref="RoomText"/> writes it.</param>
/// <param name="Messages">A JSON array.</param>
/// <param name="Online">A JSON array of names.</param>
internal sealed record RoomSyncText(
    ReadOnlyMemory<byte> Room,
    long Rev,
    bool Reset,
    ReadOnlyMemory<byte> Messages,
    bool More,
    ReadState Read,
    ReadOnlyMemory<byte> Online,
    int OnlineCount)
{
    private static readonly byte[] None = "[]"u8.ToArray();

    /// <summary>Of what stands around room, messages and names: at most so many bytes.</summary>
    public const int FrameBytes = 256;

    /// <summary>Its length on the wire at most.</summary>
    public int Bytes => FrameBytes + Room.Length + Messages.Length + Online.Length;

    /// <summary>As much of it as fits; at the least a room without messages, names and topic, which <c>subscribe</c> tells.</summary>
    /// <param name="bare">The room without its topic.</param>
    public RoomSyncText Fit(int bytes, ReadOnlyMemory<byte> bare)
    {
        var text = this;
        text = text.Bytes > bytes ? text.WithoutMessages() : text;
        text = text.Bytes > bytes ? text.WithoutNames() : text;
        return text.Bytes > bytes ? text with { Room = bare } : text;
    }

    public RoomSyncText WithoutMessages() => this with { Messages = None, More = true };

    /// <summary>With the number of those online alone; <c>subscribe</c> names them.</summary>
    public RoomSyncText WithoutNames() => this with { Online = None };

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WritePropertyName("room"u8);
        json.WriteRawValue(Room.Span, skipInputValidation: true);
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

/// <summary>A room as JSON text.</summary>
internal static class RoomText
{
    public static ReadOnlyMemory<byte> Of(Protocol.Room room)
    {
        var text = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(text, HubText.JsonOptions))
        {
            JsonSerializer.Serialize(json, room, ProtocolJson.Wire.Room);
        }

        return text.WrittenMemory;
    }

    /// <summary>Without its topic, by far its longest part.</summary>
    public static ReadOnlyMemory<byte> BareOf(Protocol.Room room) => Of(room with { Topic = null });
}

/// <summary>The answer of <c>sync</c>.</summary>
/// <param name="Invitations">As <see cref="RoomText"/> writes them.</param>
/// <param name="NotReached">What is said after it, of each of its rooms that cannot be served now.</param>
internal sealed record SyncText(Me Me, ServerInfo Server, IReadOnlyList<RoomSyncText> Rooms, IReadOnlyList<ReadOnlyMemory<byte>> Invitations, IReadOnlyList<byte[]> NotReached)
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
            json.WriteRawValue(room.Span, skipInputValidation: true);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
