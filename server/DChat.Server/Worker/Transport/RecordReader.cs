using System.Buffers;

namespace DChat.Server.Worker.Transport;

/// <summary>What reads hub records: JSON texts that end with 0x1E (the SignalR JSON hub protocol's record separator).</summary>
internal interface IRecordSink
{
    /// <summary>Takes one record, without its separator. The span is valid during the call only. False ends the connection.</summary>
    bool OnRecord(ReadOnlySpan<byte> record);

    /// <summary>The sink takes no further frame now: the rest stays in the buffer.</summary>
    bool IsPaused { get; }

    /// <summary>Answers a ping of the WebSocket layer.</summary>
    void OnPing(ReadOnlySpan<byte> payload);
}

/// <summary>
/// Cuts client frames into records, however they are spread: many in one frame, or one over several frames.
/// Holds a buffer only while a record is incomplete.
/// </summary>
internal struct RecordReader(int recordBytesMax)
{
    private const byte Separator = 0x1E;
    private byte[]? partial;
    private int partialBytes;
    private bool inMessage;

    /// <summary>Reads all whole frames of <paramref name="buffer"/> and leaves it at the first that is not whole.</summary>
    public ReadEnd Read(ref ReadOnlySequence<byte> buffer, IRecordSink sink)
    {
        while (true)
        {
            if (sink.IsPaused)
            {
                return ReadEnd.Paused;
            }

            switch (WebSocketFrame.TryRead(ref buffer, recordBytesMax, out var frame))
            {
                case FrameRead.NeedsMore:
                    return ReadEnd.NeedsMore;
                case FrameRead.TooLarge:
                    return ReadEnd.TooLarge;
                case FrameRead.ProtocolError:
                    return ReadEnd.ProtocolError;
            }

            var end = Take(frame, sink);
            if (end != ReadEnd.NeedsMore)
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

    private ReadEnd Take(in ClientFrame frame, IRecordSink sink)
    {
        switch (frame.Kind)
        {
            case FrameKind.Close:
                return ReadEnd.Closed;
            case FrameKind.Pong:
                return ReadEnd.NeedsMore;
            case FrameKind.Ping:
                Span<byte> ping = stackalloc byte[(int)frame.Payload.Length];
                WebSocketFrame.Unmask(frame, ping);
                sink.OnPing(ping);
                return ReadEnd.NeedsMore;
            case FrameKind.Binary:
                return ReadEnd.ProtocolError;
        }

        if (inMessage != (frame.Kind == FrameKind.Continuation))
        {
            return ReadEnd.ProtocolError;
        }

        inMessage = !frame.Final;
        var bytes = (int)frame.Payload.Length;
        if (bytes == 0)
        {
            return ReadEnd.NeedsMore;
        }

        var rented = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            WebSocketFrame.Unmask(frame, rented);
            return Split(rented.AsSpan(0, bytes), sink);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private ReadEnd Split(ReadOnlySpan<byte> data, IRecordSink sink)
    {
        while (!data.IsEmpty)
        {
            var end = data.IndexOf(Separator);
            if (end < 0)
            {
                return Keep(data) ? ReadEnd.NeedsMore : ReadEnd.TooLarge;
            }

            var record = data[..end];
            data = data[(end + 1)..];
            bool goOn;
            if (partial is null)
            {
                goOn = sink.OnRecord(record);
            }
            else
            {
                if (!Keep(record))
                {
                    return ReadEnd.TooLarge;
                }

                goOn = sink.OnRecord(partial.AsSpan(0, partialBytes));
                Release();
                partialBytes = 0;
            }

            if (!goOn)
            {
                return ReadEnd.Ended;
            }
        }

        return ReadEnd.NeedsMore;
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
