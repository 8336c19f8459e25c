using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Protocol;

namespace DChat.Terminal.Load.Wire;

/// <summary>Writes the records that a client sends, separator included.</summary>
internal static class HubCalls
{
    public static ReadOnlySpan<byte> Handshake => "{\"protocol\":\"json\",\"version\":1}\x1e"u8;

    public static ReadOnlySpan<byte> Ping => "{\"type\":6}\x1e"u8;

    /// <summary>Bytes of a <c>send</c> beside room, client id and body.</summary>
    public const int SendOverhead = 160;

    private const string CallPrefix = "c";

    public static byte[] Call<T>(int id, string method, T argument, JsonTypeInfo<T> type) =>
        Encoding.UTF8.GetBytes($"{{\"type\":1,\"invocationId\":\"{CallPrefix}{id}\",\"target\":\"{method}\",\"arguments\":[{JsonSerializer.Serialize(argument, type)}]}}\x1e");

    /// <summary>Writes a <c>send</c>, whose invocation id is its number, and answers its length.</summary>
    public static int WriteSend(Span<byte> target, ReadOnlySpan<byte> room, SendContent content, int sender, int number)
    {
        var at = Append(target, 0, "{\"type\":1,\"invocationId\":\""u8);
        Utf8Formatter.TryFormat(number, target[at..], out var digits);
        at = Append(target, at + digits, "\",\"target\":\"send\",\"arguments\":[{\"room\":\""u8);
        at = Append(target, at, room);
        at = Append(target, at, "\",\"clientId\":\""u8);
        at += content.WriteClientId(target[at..], sender, number);
        at = Append(target, at, "\",\"body\":\""u8);
        at += content.WriteBody(target[at..], sender, number);
        return Append(target, at, "\"}]}\x1e"u8);
    }

    /// <summary>Whose answer this is: a <c>send</c> by its number, or another call by its id.</summary>
    public static bool TryReadInvocationId(ReadOnlySpan<byte> invocationId, out bool isSend, out int id)
    {
        isSend = invocationId is not [(byte)'c', ..];
        return Utf8Parser.TryParse(isSend ? invocationId : invocationId[1..], out id, out _);
    }

    public static SendAnswer ReadSendAnswer(ReadOnlySpan<byte> result)
    {
        long seq = 0, rev = 0, sentAt = 0;
        var reader = new Utf8JsonReader(result);
        JsonWalk.Begin(ref reader);
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("seq"u8))
            {
                seq = JsonWalk.ReadInt64(ref reader);
            }
            else if (reader.ValueTextEquals("rev"u8))
            {
                rev = JsonWalk.ReadInt64(ref reader);
            }
            else if (reader.ValueTextEquals("sentAt"u8))
            {
                sentAt = JsonWalk.ReadInt64(ref reader);
            }
            else
            {
                JsonWalk.SkipValue(ref reader);
            }
        }

        return new SendAnswer(seq, rev, sentAt);
    }

    private static int Append(Span<byte> target, int at, ReadOnlySpan<byte> part)
    {
        part.CopyTo(target[at..]);
        return at + part.Length;
    }
}
