using System.Text;
using System.Text.Json;
using DChat.Terminal.Load.Checking;

namespace DChat.Terminal.Load.Wire;

/// <summary>One <c>RoomSync</c>, as far as a load client needs it. Reused from one to the next.</summary>
internal sealed class SyncedRoom
{
    public string Room { get; set; } = "";

    public long Rev { get; set; }

    public bool Reset { get; set; }

    public bool More { get; set; }

    public List<MessageFacts> Messages { get; } = [];

    public void Clear()
    {
        Room = "";
        Rev = 0;
        Reset = More = false;
        Messages.Clear();
    }
}

/// <summary>Reads the answers of <c>sync</c>, <c>subscribe</c> and <c>history</c>.</summary>
internal sealed class SyncReader(MessageReader messages)
{
    /// <summary>Reads a <c>sync</c> answer and hands over each of its rooms; the object is reused for the next.</summary>
    public void ReadSync(ReadOnlySpan<byte> answer, Action<SyncedRoom> onRoom)
    {
        var room = new SyncedRoom();
        var reader = new Utf8JsonReader(answer);
        JsonWalk.Begin(ref reader);
        while (JsonWalk.NextProperty(ref reader))
        {
            if (!reader.ValueTextEquals("rooms"u8))
            {
                JsonWalk.SkipValue(ref reader);
            }
            else if (JsonWalk.BeginArray(ref reader))
            {
                while (JsonWalk.NextElement(ref reader))
                {
                    room.Clear();
                    ReadRoomSync(ref reader, room);
                    onRoom(room);
                }
            }
        }
    }

    /// <summary>Reads a <c>subscribe</c> answer.</summary>
    public SyncedRoom ReadSubscribe(ReadOnlySpan<byte> answer)
    {
        var room = new SyncedRoom();
        var reader = new Utf8JsonReader(answer);
        JsonWalk.Begin(ref reader);
        ReadRoomSync(ref reader, room);
        return room;
    }

    /// <summary>Reads a <c>history</c> answer into <paramref name="page"/> and answers whether there are older messages.</summary>
    public bool ReadHistory(ReadOnlySpan<byte> answer, List<MessageFacts> page)
    {
        var more = false;
        var reader = new Utf8JsonReader(answer);
        JsonWalk.Begin(ref reader);
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("messages"u8))
            {
                messages.ReadPage(ref reader, page);
            }
            else if (reader.ValueTextEquals("more"u8))
            {
                more = JsonWalk.ReadBoolean(ref reader);
            }
            else
            {
                JsonWalk.SkipValue(ref reader);
            }
        }

        return more;
    }

    private void ReadRoomSync(ref Utf8JsonReader reader, SyncedRoom room)
    {
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("room"u8))
            {
                room.Room = ReadId(ref reader);
            }
            else if (reader.ValueTextEquals("rev"u8))
            {
                room.Rev = JsonWalk.ReadInt64(ref reader);
            }
            else if (reader.ValueTextEquals("reset"u8))
            {
                room.Reset = JsonWalk.ReadBoolean(ref reader);
            }
            else if (reader.ValueTextEquals("more"u8))
            {
                room.More = JsonWalk.ReadBoolean(ref reader);
            }
            else if (reader.ValueTextEquals("messages"u8))
            {
                messages.ReadPage(ref reader, room.Messages);
            }
            else
            {
                JsonWalk.SkipValue(ref reader);
            }
        }
    }

    private static string ReadId(ref Utf8JsonReader reader)
    {
        var id = "";
        reader.Read();
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                id = Encoding.UTF8.GetString(reader.ValueSpan);
            }
            else
            {
                JsonWalk.SkipValue(ref reader);
            }
        }

        return id;
    }
}
