using System.Buffers;

namespace DChat.Server.Worker.Transport;

/// <summary>What reads hub records: JSON texts that end with 0x1E (the SignalR JSON hub protocol's record separator).</summary>
internal interface IRecordSink
{
    /// <summary>Takes one record, without its separator. The span is valid during the call only. False ends the connection.</summary>
    bool OnRecord(ReadOnlySpan<byte> record);

    /// <summary>The sink takes no further record now: the rest stays in the buffer.</summary>
    bool IsPaused { get; }

    /// <summary>Answers a ping of the WebSocket layer.</summary>
    void OnPing(ReadOnlySpan<byte> payload);
}

/// <summary>
/// Cuts client frames into records, however they are spread: many in one frame, or one over several frames. A frame may be of any
/// length (clients join the calls that wait into one message): it is read in pieces, and only a record's length is limited.
/// Holds a buffer only while a record is incomplete.
/// </summary>
internal struct RecordReader(int recordBytesMax)
{
    /// <summary>So much of a frame is unmasked at once, in bytes.</summary>
    private const int PieceBytesMax = 16 * 1024;

    private const byte Separator = 0x1E;
    private byte[]? partial;
    private int partialBytes;
    private bool inMessage;
    private ClientFrame frame;
    private bool inFrame;
    private long frameBytesRead;

    /// <summary>Reads <paramref name="buffer"/> and leaves it at the first byte that it cannot use yet.</summary>
    public ReadEnd Read(ref ReadOnlySequence<byte> buffer, IRecordSink sink)
    {
        while (true)
        {
            if (sink.IsPaused)
            {
                return ReadEnd.Paused;
            }

            if (!inFrame)
            {
                switch (WebSocketFrame.TryReadHeader(ref buffer, out frame))
                {
                    case FrameRead.NeedsMore:
                        return ReadEnd.NeedsMore;
                    case FrameRead.ProtocolError:
                        return ReadEnd.ProtocolError;
                }

                if (!frame.IsControl)
                {
                    if (frame.Kind == FrameKind.Binary || inMessage != (frame.Kind == FrameKind.Continuation))
                    {
                        return ReadEnd.ProtocolError;
                    }

                    inMessage = !frame.Final;
                }

                (inFrame, frameBytesRead) = (true, 0);
            }

            var end = frame.IsControl ? TakeControl(ref buffer, sink, out var hasTaken) : TakePiece(ref buffer, sink, out hasTaken);
            if (end != ReadEnd.NeedsMore || !hasTaken)
            {
                return end;
            }
        }
    }

    /// <summary>Gives back the buffer of an incomplete record.</summary>
    public void Release()
    {
        if (partial is not null)
        {
            ArrayPool<byte>.Shared.Return(partial);
            partial = null;
        }
    }

    private ReadEnd TakeControl(ref ReadOnlySequence<byte> buffer, IRecordSink sink, out bool hasTaken)
    {
        hasTaken = buffer.Length >= frame.PayloadBytes;
        if (!hasTaken)
        {
            return ReadEnd.NeedsMore;
        }

        inFrame = false;
        var payload = buffer.Slice(0, frame.PayloadBytes);
        buffer = buffer.Slice(frame.PayloadBytes);
        switch (frame.Kind)
        {
            case FrameKind.Close:
                return ReadEnd.Closed;
            case FrameKind.Ping:
                Span<byte> ping = stackalloc byte[(int)payload.Length];
                WebSocketFrame.Unmask(frame.Mask, 0, payload, ping);
                sink.OnPing(ping);
                break;
        }

        return ReadEnd.NeedsMore;
    }

    /// <summary>Takes what is there of a data frame's payload, up to the record at which the sink pauses.</summary>
    private ReadEnd TakePiece(ref ReadOnlySequence<byte> buffer, IRecordSink sink, out bool hasTaken)
    {
        var bytes = (int)Math.Min(Math.Min(buffer.Length, frame.PayloadBytes - frameBytesRead), PieceBytesMax);
        var end = ReadEnd.NeedsMore;
        if (bytes > 0)
        {
            var rented = ArrayPool<byte>.Shared.Rent(bytes);
            try
            {
                WebSocketFrame.Unmask(frame.Mask, frameBytesRead, buffer.Slice(0, bytes), rented);
                end = Split(rented.AsSpan(0, bytes), sink, out var read);
                frameBytesRead += read;
                buffer = buffer.Slice(read);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }

        inFrame = frameBytesRead < frame.PayloadBytes;
        hasTaken = bytes > 0 || !inFrame;
        return end;
    }

    /// <summary>Hands out the records of a piece; <paramref name="read"/> falls short of its length where the sink pauses.</summary>
    private ReadEnd Split(ReadOnlySpan<byte> piece, IRecordSink sink, out int read)
    {
        read = 0;
        while (read < piece.Length && !sink.IsPaused)
        {
            var data = piece[read..];
            var end = data.IndexOf(Separator);
            if (end < 0)
            {
                read = piece.Length;
                return Keep(data) ? ReadEnd.NeedsMore : ReadEnd.TooLarge;
            }

            read += end + 1;
            if (!HandOut(data[..end], sink, out var isTooLarge))
            {
                return isTooLarge ? ReadEnd.TooLarge : ReadEnd.Ended;
            }
        }

        return ReadEnd.NeedsMore;
    }

    private bool HandOut(ReadOnlySpan<byte> record, IRecordSink sink, out bool isTooLarge)
    {
        isTooLarge = record.Length > recordBytesMax || (partial is not null && !Keep(record));
        if (isTooLarge || partial is null)
        {
            return !isTooLarge && sink.OnRecord(record);
        }

        var goOn = sink.OnRecord(partial.AsSpan(0, partialBytes));
        Release();
        partialBytes = 0;
        return goOn;
    }

    private bool Keep(ReadOnlySpan<byte> data)
    {
        var needed = partialBytes + data.Length;
        if (needed > recordBytesMax)
        {
            return false;
        }

        if (partial is null || partial.Length < needed)
        {
            var larger = ArrayPool<byte>.Shared.Rent(needed);
            partial.AsSpan(0, partialBytes).CopyTo(larger);
            Release();
            partial = larger;
        }

        data.CopyTo(partial.AsSpan(partialBytes));
        partialBytes = needed;
        return true;
    }
}

internal enum ReadEnd
{
    /// <summary>All that was whole is read.</summary>
    NeedsMore,

    /// <summary>The sink is paused; there may be more.</summary>
    Paused,

    /// <summary>The client closes.</summary>
    Closed,

    /// <summary>The sink ends the connection.</summary>
    Ended,
    TooLarge,
    ProtocolError,
}
