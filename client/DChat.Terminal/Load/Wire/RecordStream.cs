using System.Buffers.Binary;

namespace DChat.Terminal.Load.Wire;

/// <summary>What a <see cref="RecordStream"/> finds in the bytes that a server sent.</summary>
internal interface IRecordHandler
{
    /// <summary>Takes records at the start of <paramref name="payload"/> that are known already, byte by byte, and answers their length with separators; 0 where there is none.</summary>
    int TakeKnown(ReadOnlySpan<byte> payload);

    /// <summary>A whole SignalR record without its separator.</summary>
    void OnRecord(ReadOnlySpan<byte> record);

    /// <summary>A control frame: ping, pong or close.</summary>
    void OnControl(int opcode, ReadOnlySpan<byte> payload);
}

/// <summary>
/// WebSocket frames in, SignalR records out. A frame may hold many records, a record may be spread over many frames,
/// and control frames may stand between them. State of one connection; used by one thread at a time.
/// </summary>
internal sealed class RecordStream
{
    public const byte Separator = 0x1e;

    /// <summary>The largest frame and the largest record that are taken, in bytes; a larger one is an error.</summary>
    public const int SizeMax = 16 * 1024 * 1024;

    private const int Length16 = 126;
    private const int Length64 = 127;
    private const byte MaskedBit = 0x80;
    private const byte OpcodeBits = 0x0f;
    private const byte ReservedBits = 0x70;
    private const int ControlPayloadMax = 125;
    private const int FirstControlOpcode = 0x8;

    private byte[] _partial = [];
    private int _partialLength;

    /// <summary>How large a buffer must be to hold the frame that is not complete yet; 0 while its header is not complete.</summary>
    public int FrameSize { get; private set; }

    /// <summary>Reads all complete frames and answers how many bytes they took.</summary>
    /// <exception cref="InvalidDataException">The server broke the WebSocket protocol.</exception>
    public int Read(ReadOnlySpan<byte> received, IRecordHandler handler)
    {
        var at = 0;
        while (TryReadHeader(received[at..], out var opcode, out var header, out var length))
        {
            FrameSize = header + length;
            if (received.Length - at < FrameSize)
            {
                return at;
            }

            var payload = received.Slice(at + header, length);
            at += FrameSize;
            FrameSize = 0;
            if (opcode >= FirstControlOpcode)
            {
                handler.OnControl(opcode, payload);
            }
            else
            {
                ReadPayload(payload, handler);
            }
        }

        return at;
    }

    private static bool TryReadHeader(ReadOnlySpan<byte> received, out int opcode, out int header, out int length)
    {
        opcode = header = length = 0;
        if (received.Length < 2)
        {
            return false;
        }

        opcode = received[0] & OpcodeBits;
        if ((received[0] & ReservedBits) != 0 || (received[1] & MaskedBit) != 0)
        {
            throw new InvalidDataException("the server sent a frame with reserved bits or a mask");
        }

        var size = (ulong)received[1];
        header = size switch { Length16 => 4, Length64 => 10, _ => 2 };
        if (received.Length < header)
        {
            return false;
        }

        size = header switch
        {
            4 => BinaryPrimitives.ReadUInt16BigEndian(received[2..]),
            10 => BinaryPrimitives.ReadUInt64BigEndian(received[2..]),
            _ => size,
        };
        if (size > SizeMax || (opcode >= FirstControlOpcode && size > ControlPayloadMax))
        {
            throw new InvalidDataException($"the server sent a frame of {size} bytes");
        }

        length = (int)size;
        return true;
    }

    private void ReadPayload(ReadOnlySpan<byte> payload, IRecordHandler handler)
    {
        if (_partialLength > 0)
        {
            payload = CompletePartial(payload, handler);
        }

        while (!payload.IsEmpty)
        {
            var known = handler.TakeKnown(payload);
            if (known > 0)
            {
                payload = payload[known..];
                continue;
            }

            var end = payload.IndexOf(Separator);
            if (end < 0)
            {
                Keep(payload);
                return;
            }

            handler.OnRecord(payload[..end]);
            payload = payload[(end + 1)..];
        }
    }

    /// <summary>Joins a record that began in an earlier frame with its rest, and answers what follows it.</summary>
    private ReadOnlySpan<byte> CompletePartial(ReadOnlySpan<byte> payload, IRecordHandler handler)
    {
        var end = payload.IndexOf(Separator);
        if (end < 0)
        {
            Keep(payload);
            return [];
        }

        Keep(payload[..end]);
        var record = _partial.AsSpan(0, _partialLength);
        _partialLength = 0;
        handler.OnRecord(record);
        return payload[(end + 1)..];
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        var needed = _partialLength + part.Length;
        if (needed > SizeMax)
        {
            throw new InvalidDataException($"the server sent a record of more than {SizeMax} bytes");
        }

        if (needed > _partial.Length)
        {
            Array.Resize(ref _partial, Math.Max(needed, _partial.Length * 2));
        }

        part.CopyTo(_partial.AsSpan(_partialLength));
        _partialLength = needed;
    }
}
