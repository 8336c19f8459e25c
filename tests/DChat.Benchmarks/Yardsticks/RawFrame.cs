using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DChat.Benchmarks.Yardsticks;

/// <summary>Unmasked WebSocket frames of a server.</summary>
internal static class RawFrame
{
    private const byte FinalText = 0x81;
    private const byte Separator = 0x1e;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>A frame that carries one record, separator included.</summary>
    public static byte[] Record<T>(T record) => Text([.. JsonSerializer.SerializeToUtf8Bytes(record, Json), Separator]);

    public static byte[] Text(ReadOnlySpan<byte> payload)
    {
        var header = payload.Length switch { < 126 => 2, <= ushort.MaxValue => 4, _ => 10 };
        var frame = new byte[header + payload.Length];
        frame[0] = FinalText;
        switch (header)
        {
            case 2:
                frame[1] = (byte)payload.Length;
                break;
            case 4:
                frame[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)payload.Length);
                break;
            default:
                frame[1] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), (ulong)payload.Length);
                break;
        }

        payload.CopyTo(frame.AsSpan(header));
        return frame;
    }
}
