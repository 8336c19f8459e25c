using System.Text.Json;
using DChat.Terminal.Load.Checking;

namespace DChat.Terminal.Load.Wire;

/// <summary>Reads messages, wherever they stand, down to what the checker needs to know.</summary>
internal sealed class MessageReader(SendContent content)
{
    /// <summary>Room for the text of one property that holds escapes.</summary>
    private const int UnescapedMax = 64 * 1024;

    [ThreadStatic]
    private static byte[]? _unescapedBody;

    /// <summary>Reads the messages of a page: the array that is the value of the property at which the reader stands.</summary>
    public void ReadPage(ref Utf8JsonReader reader, List<MessageFacts> page)
    {
        if (!JsonWalk.BeginArray(ref reader))
        {
            return;
        }

        while (JsonWalk.NextElement(ref reader))
        {
            page.Add(ReadMessage(ref reader));
        }
    }

    /// <summary>Reads the argument of <c>events</c> and answers the room's id, raw.</summary>
    public ReadOnlySpan<byte> ReadEvents(ReadOnlySpan<byte> argument, List<MessageFacts> events)
    {
        ReadOnlySpan<byte> room = [];
        var reader = new Utf8JsonReader(argument);
        JsonWalk.Begin(ref reader);
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("room"u8))
            {
                reader.Read();
                room = reader.ValueSpan;
            }
            else if (reader.ValueTextEquals("events"u8) && JsonWalk.BeginArray(ref reader))
            {
                while (JsonWalk.NextElement(ref reader))
                {
                    events.Add(ReadEvent(ref reader));
                }
            }
            else
            {
                JsonWalk.SkipValue(ref reader);
            }
        }

        return room;
    }

    private MessageFacts ReadEvent(ref Utf8JsonReader reader)
    {
        var rev = 0L;
        var facts = default(MessageFacts);
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("rev"u8))
            {
                rev = JsonWalk.ReadInt64(ref reader);
            }
            else if (reader.ValueTextEquals("message"u8))
            {
                reader.Read();
                facts = ReadMessage(ref reader);
            }
            else
            {
                JsonWalk.SkipValue(ref reader);
            }
        }

        return facts with { Rev = rev };
    }

    private MessageFacts ReadMessage(ref Utf8JsonReader reader)
    {
        long rev = 0, seq = 0, sentAt = 0;
        var isSystem = false;
        ReadOnlySpan<byte> author = [], clientId = [], body = [];
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("rev"u8))
            {
                rev = JsonWalk.ReadInt64(ref reader);
            }
            else if (reader.ValueTextEquals("seq"u8))
            {
                seq = JsonWalk.ReadInt64(ref reader);
            }
            else if (reader.ValueTextEquals("sentAt"u8))
            {
                sentAt = JsonWalk.ReadInt64(ref reader);
            }
            else if (reader.ValueTextEquals("kind"u8))
            {
                reader.Read();
                isSystem = reader.ValueTextEquals("system"u8);
            }
            else if (reader.ValueTextEquals("author"u8))
            {
                reader.Read();
                author = reader.ValueSpan;
            }
            else if (reader.ValueTextEquals("clientId"u8))
            {
                reader.Read();
                clientId = reader.ValueSpan;
            }
            else if (reader.ValueTextEquals("body"u8))
            {
                body = ReadText(ref reader);
            }
            else
            {
                JsonWalk.SkipValue(ref reader);
            }
        }

        var digest = Digest.Start.With((ulong)seq).With((ulong)sentAt).With(author).With(clientId).With(body);
        var (sender, number) = isSystem ? (MessageFacts.System, 0) : Recognize(clientId, body);
        return new MessageFacts(rev, seq, sender, number, digest.Value);
    }

    private (int Sender, int Number) Recognize(ReadOnlySpan<byte> clientId, ReadOnlySpan<byte> body) =>
        content.TryRecognize(clientId, body, out var sender, out var number) ? (sender, number) : (MessageFacts.Stranger, 0);

    private static ReadOnlySpan<byte> ReadText(scoped ref Utf8JsonReader reader)
    {
        reader.Read();
        if (!reader.ValueIsEscaped)
        {
            return reader.ValueSpan;
        }

        var unescaped = _unescapedBody ??= new byte[UnescapedMax];
        return reader.ValueSpan.Length > UnescapedMax ? reader.ValueSpan : unescaped.AsSpan(0, reader.CopyString(unescaped));
    }
}
