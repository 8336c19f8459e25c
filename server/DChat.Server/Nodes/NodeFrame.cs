using System.Buffers;
using System.Buffers.Binary;

namespace DChat.Server.Nodes;

/// <summary>The frames of a link: <c>length (4, of what follows), kind (1), method (1), call (4), payload</c>; numbers little-endian.</summary>
internal static class NodeFrame
{
    /// <summary>The most bytes of a payload: a page of messages at its largest, with room to spare.</summary>
    public const int PayloadMax = 8 * 1024 * 1024;

    /// <summary>Bytes before the payload.</summary>
    public const int HeaderSize = 10;

    private const int LengthSize = 4;

    public static void WriteHeader(Span<byte> header, NodeFrameKind kind, byte method, uint call, int payload)
    {
        BinaryPrimitives.WriteInt32LittleEndian(header, HeaderSize - LengthSize + payload);
        header[4] = (byte)kind;
        header[5] = method;
        BinaryPrimitives.WriteUInt32LittleEndian(header[6..], call);
    }

    /// <summary>Takes the next whole frame off the front of what was read; false where it is not all there yet.</summary>
    /// <exception cref="InvalidDataException">It is no frame.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> input, out NodeMessage message)
    {
        message = default;
        if (input.Length < HeaderSize)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderSize];
        input.Slice(0, HeaderSize).CopyTo(header);
        var payload = BinaryPrimitives.ReadInt32LittleEndian(header) - (HeaderSize - LengthSize);
        if (payload is < 0 or > PayloadMax || header[4] > (byte)NodeFrameKind.Failure)
        {
            throw new InvalidDataException("what came on the link is no frame");
        }

        if (input.Length < HeaderSize + payload)
        {
            return false;
        }

        message = new NodeMessage(
            (NodeFrameKind)header[4],
            header[5],
            BinaryPrimitives.ReadUInt32LittleEndian(header[6..]),
            input.Slice(HeaderSize, payload).ToArray());
        input = input.Slice(HeaderSize + payload);
        return true;
    }
}

internal enum NodeFrameKind : byte
{
    /// <summary>Nothing but a sign of life.</summary>
    Beat = 0,

    /// <summary>One way.</summary>
    Post = 1,

    /// <summary>Wants a <see cref="Reply"/> or <see cref="Failure"/> with its number.</summary>
    Call = 2,
    Reply = 3,

    /// <summary>The call could not be answered; the payload says why, for people.</summary>
    Failure = 4,
}

/// <summary>A frame that came in.</summary>
/// <param name="Call">Of a call and its answer: the number that ties them; else 0.</param>
/// <param name="Payload">The receiver's own.</param>
internal readonly record struct NodeMessage(NodeFrameKind Kind, byte Method, uint Call, byte[] Payload);
