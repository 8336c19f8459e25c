using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using DChat.Server.Worker.Transport;

namespace DChat.Server.Tests.Worker;

public sealed class WebSocketFrameTests
{
    [Theory]
    [InlineData(0, 2)]
    [InlineData(125, 2)]
    [InlineData(126, 4)]
    [InlineData(65_535, 4)]
    [InlineData(65_536, 10)]
    public void A_server_frame_has_the_shortest_header_and_is_not_masked(int payloadBytes, int headerBytes)
    {
        var payload = new byte[payloadBytes];
        Array.Fill(payload, (byte)'x');

        var frame = WebSocketFrame.Text(payload);

        Assert.Equal(headerBytes + payloadBytes, frame.Length);
        Assert.Equal(0x81, frame[0]);
        Assert.Equal(0, frame[1] & 0x80);
        Assert.Equal(payloadBytes, headerBytes switch
        {
            2 => frame[1],
            4 => BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(2)),
            _ => (int)BinaryPrimitives.ReadUInt64BigEndian(frame.AsSpan(2)),
        });
        Assert.Equal(payload, frame[headerBytes..]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(33)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(1_000)]
    [InlineData(70_000)]
    public void A_client_frame_is_read_wherever_the_buffer_is_cut(int payloadBytes)
    {
        var payload = new byte[payloadBytes];
        new Random(payloadBytes).NextBytes(payload);
        var bytes = ClientFrames.Text(payload, final: true);
        foreach (var cut in new[] { 1, 2, 3, 7, bytes.Length / 2, bytes.Length - 1 })
        {
            if (cut <= 0 || cut >= bytes.Length)
            {
                continue;
            }

            var headerBytes = bytes.Length - payloadBytes;
            var head = new ReadOnlySequence<byte>(bytes, 0, cut);
            Assert.Equal(cut < headerBytes ? FrameRead.NeedsMore : FrameRead.Frame, WebSocketFrame.TryReadHeader(ref head, out _));

            var whole = ClientFrames.Cut(bytes, cut);
            Assert.Equal(FrameRead.Frame, WebSocketFrame.TryReadHeader(ref whole, out var frame));
            Assert.Equal(payloadBytes, frame.PayloadBytes);
            var read = new byte[payloadBytes];
            for (var (at, piece) = (0, 1); at < payloadBytes; at += piece, piece = Math.Min((piece * 3) + 1, payloadBytes - at))
            {
                WebSocketFrame.Unmask(frame.Mask, at, whole.Slice(at, piece), read.AsSpan(at));
            }

            Assert.Equal(payload, read);
            Assert.Equal(payloadBytes, whole.Length);
        }
    }

    [Fact]
    public void What_breaks_the_protocol_is_refused()
    {
        Assert.Equal(FrameRead.ProtocolError, Read([0x81, 0x05, 1, 2, 3, 4, 5])); // not masked
        Assert.Equal(FrameRead.ProtocolError, Read([0xC1, 0x80, 0, 0, 0, 0])); // a reserved bit
        Assert.Equal(FrameRead.ProtocolError, Read([0x83, 0x80, 0, 0, 0, 0])); // a reserved kind
        Assert.Equal(FrameRead.ProtocolError, Read([0x09, 0x80, 0, 0, 0, 0])); // a ping in pieces
        Assert.Equal(FrameRead.ProtocolError, Read([0x89, 0xFE, 0, 200, 0, 0, 0, 0])); // a ping of 200 bytes
        Assert.Equal(FrameRead.ProtocolError, Read([0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0])); // a negative length
    }

    private static FrameRead Read(byte[] bytes)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        return WebSocketFrame.TryReadHeader(ref buffer, out _);
    }
}

/// <summary>Frames as clients make them.</summary>
internal static class ClientFrames
{
    public static byte[] Text(string text) => Text(Encoding.UTF8.GetBytes(text), final: true);

    public static byte[] Text(ReadOnlySpan<byte> payload, bool final, byte kind = 1)
    {
        Span<byte> header = stackalloc byte[10];
        var headerBytes = WebSocketFrame.WriteHeader(header, (FrameKind)kind, payload.Length);
        byte[] mask = [0x11, 0xA2, 0x33, 0x54];
        header[0] = (byte)((final ? 0x80 : 0) | kind);
        header[1] |= 0x80;
        var frame = new byte[headerBytes + 4 + payload.Length];
        header[..headerBytes].CopyTo(frame);
        mask.CopyTo(frame, headerBytes);
        for (var i = 0; i < payload.Length; i++)
        {
            frame[headerBytes + 4 + i] = (byte)(payload[i] ^ mask[i & 3]);
        }

        return frame;
    }

    /// <summary>The bytes in two segments.</summary>
    public static ReadOnlySequence<byte> Cut(byte[] bytes, int at)
    {
        var first = new Segment(bytes.AsMemory(0, at), null);
        var second = new Segment(bytes.AsMemory(at), first);
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}
