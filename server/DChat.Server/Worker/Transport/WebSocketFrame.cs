using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace DChat.Server.Worker.Transport;

/// <summary>
/// WebSocket framing, the server's side (RFC 6455, section 5). A frame for many clients is the same for all of them,
/// since only clients mask: it is framed once and its bytes are shared.
/// </summary>
internal static class WebSocketFrame
{
    public const int HeaderBytesMax = 10;
    private const int ClientMaskBytes = 4;

    /// <summary>RFC 6455, 5.5: a control frame carries at most 125 bytes.</summary>
    private const int ControlBytesMax = 125;

    /// <summary>A whole text message in one frame.</summary>
    public static byte[] Text(ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[HeaderBytesMax];
        var headerBytes = WriteHeader(header, FrameKind.Text, payload.Length);
        var frame = GC.AllocateUninitializedArray<byte>(headerBytes + payload.Length);
        header[..headerBytes].CopyTo(frame);
        payload.CopyTo(frame.AsSpan(headerBytes));
        return frame;
    }

    /// <summary>A close frame with a status code (RFC 6455, 7.4).</summary>
    public static byte[] Close(ushort code) => [0x80 | (byte)FrameKind.Close, 2, (byte)(code >> 8), (byte)code];

    /// <summary>Writes the header of a final, unmasked frame and answers its length.</summary>
    public static int WriteHeader(Span<byte> header, FrameKind kind, int payloadBytes)
    {
        header[0] = (byte)(0x80 | (byte)kind);
        switch (payloadBytes)
        {
            case < 126:
                header[1] = (byte)payloadBytes;
                return 2;
            case <= ushort.MaxValue:
                header[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)payloadBytes);
                return 4;
            default:
                header[1] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(header[2..], (ulong)payloadBytes);
                return HeaderBytesMax;
        }
    }

    /// <summary>Takes a client frame's header off <paramref name="buffer"/>; its payload follows there, masked (<see cref="Unmask"/>).</summary>
    public static FrameRead TryReadHeader(ref ReadOnlySequence<byte> buffer, out ClientFrame frame)
    {
        frame = default;
        Span<byte> header = stackalloc byte[HeaderBytesMax + ClientMaskBytes];
        var available = (int)Math.Min(buffer.Length, header.Length);
        if (available < 2)
        {
            return FrameRead.NeedsMore;
        }

        buffer.Slice(0, available).CopyTo(header);
        var kind = (FrameKind)(header[0] & 0x0F);
        var final = (header[0] & 0x80) != 0;
        var isControl = ((byte)kind & 0x8) != 0;
        var badKind = kind is not (FrameKind.Continuation or FrameKind.Text or FrameKind.Binary or FrameKind.Close or FrameKind.Ping or FrameKind.Pong);
        if (badKind || (header[0] & 0x70) != 0 || (header[1] & 0x80) == 0 || (isControl && !final))
        {
            return FrameRead.ProtocolError;
        }

        long payloadBytes = header[1] & 0x7F;
        var lengthBytes = payloadBytes switch { 126 => 2, 127 => 8, _ => 0 };
        var headerBytes = 2 + lengthBytes + ClientMaskBytes;
        if (isControl && payloadBytes > ControlBytesMax)
        {
            return FrameRead.ProtocolError;
        }

        if (available < headerBytes)
        {
            return FrameRead.NeedsMore;
        }

        payloadBytes = lengthBytes switch
        {
            2 => BinaryPrimitives.ReadUInt16BigEndian(header[2..]),
            8 => BinaryPrimitives.ReadInt64BigEndian(header[2..]),
            _ => payloadBytes,
        };
        if (payloadBytes < 0)
        {
            return FrameRead.ProtocolError;
        }

        var mask = MemoryMarshal.Read<uint>(header[(2 + lengthBytes)..]);
        frame = new ClientFrame(kind, final, mask, payloadBytes);
        buffer = buffer.Slice(headerBytes);
        return FrameRead.Frame;
    }

    /// <summary>Copies a piece of a payload and takes the client's mask off it (RFC 6455, 5.3).</summary>
    /// <param name="offset">Where in the payload the piece begins, in bytes.</param>
    public static void Unmask(uint mask, long offset, in ReadOnlySequence<byte> piece, Span<byte> destination)
    {
        piece.CopyTo(destination);
        var data = destination[..(int)piece.Length];
        var turn = 8 * (int)(offset & 3);
        mask = BitConverter.IsLittleEndian ? BitOperations.RotateRight(mask, turn) : BitOperations.RotateLeft(mask, turn);
        if (Vector.IsHardwareAccelerated && data.Length >= Vector<byte>.Count)
        {
            var masks = Vector.AsVectorByte(new Vector<uint>(mask));
            var vectors = MemoryMarshal.Cast<byte, Vector<byte>>(data);
            for (var i = 0; i < vectors.Length; i++)
            {
                vectors[i] ^= masks;
            }

            data = data[(vectors.Length * Vector<byte>.Count)..];
        }

        var maskBytes = MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in mask));
        for (var i = 0; i < data.Length; i++)
        {
            data[i] ^= maskBytes[i & 3];
        }
    }
}

internal enum FrameKind : byte
{
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

internal enum FrameRead
{
    Frame,
    NeedsMore,
    ProtocolError,
}

/// <summary>What a frame's header says of it.</summary>
internal readonly struct ClientFrame(FrameKind kind, bool final, uint mask, long payloadBytes)
{
    public readonly FrameKind Kind = kind;
    public readonly bool Final = final;
    public readonly uint Mask = mask;
    public readonly long PayloadBytes = payloadBytes;

    public bool IsControl => ((byte)Kind & 0x8) != 0;
}
