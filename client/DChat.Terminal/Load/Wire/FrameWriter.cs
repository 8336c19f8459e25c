using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace DChat.Terminal.Load.Wire;

/// <summary>WebSocket opcodes (RFC 6455, section 5.2).</summary>
internal static class Opcodes
{
    public const int Continuation = 0x0;
    public const int Text = 0x1;
    public const int Binary = 0x2;
    public const int Close = 0x8;
    public const int Ping = 0x9;
    public const int Pong = 0xA;
}

/// <summary>Writes the masked frames that a WebSocket client sends.</summary>
internal static class FrameWriter
{
    /// <summary>Header and mask of the longest frame.</summary>
    public const int HeaderMax = 14;

    private const byte Final = 0x80;
    private const byte Masked = 0x80;
    private const int Length16 = 126;
    private const int Length64 = 127;

    /// <summary>Writes one final frame and answers its length. <paramref name="target"/> must hold the payload and <see cref="HeaderMax"/> bytes.</summary>
    public static int Write(Span<byte> target, int opcode, ReadOnlySpan<byte> payload, uint mask)
    {
        target[0] = (byte)(Final | opcode);
        int at;
        if (payload.Length < Length16)
        {
            target[1] = (byte)(Masked | payload.Length);
            at = 2;
        }
        else if (payload.Length <= ushort.MaxValue)
        {
            target[1] = Masked | Length16;
            BinaryPrimitives.WriteUInt16BigEndian(target[2..], (ushort)payload.Length);
            at = 4;
        }
        else
        {
            target[1] = Masked | Length64;
            BinaryPrimitives.WriteUInt64BigEndian(target[2..], (ulong)payload.Length);
            at = 10;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(target[at..], mask);
        at += 4;
        var masked = target.Slice(at, payload.Length);
        payload.CopyTo(masked);
        Mask(masked, mask);
        return at + payload.Length;
    }

    private static void Mask(Span<byte> payload, uint mask)
    {
        var wide = mask | ((ulong)mask << 32);
        var words = MemoryMarshal.Cast<byte, ulong>(payload);
        for (var word = 0; word < words.Length; word++)
        {
            words[word] ^= BitConverter.IsLittleEndian ? wide : BinaryPrimitives.ReverseEndianness(wide);
        }

        for (var at = words.Length * sizeof(ulong); at < payload.Length; at++)
        {
            payload[at] ^= (byte)(mask >> (8 * (at & 3)));
        }
    }
}
