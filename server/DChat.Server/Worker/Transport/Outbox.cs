using System.IO.Pipelines;
using System.Net.Sockets;
using DChat.Server.Worker.Gateway;

namespace DChat.Server.Worker.Transport;

/// <summary>
/// What waits to be written to one client. While the socket keeps up, a frame goes straight into the transport's pipe, and whatever
/// gathers there during a socket write leaves as one write; only behind a full pipe frames queue here, up to a bound.
/// </summary>
/// <remarks>
/// At the bound the queued room events are dropped, the rooms concerned get one <c>resync</c> each and their subscriptions end, so
/// a slow client costs bounded memory and nobody waits for it. Answers are not dropped: the reader pauses instead (<see cref="IsCongested"/>).
/// </remarks>
internal sealed class Outbox(PipeWriter output, OutboxBudget budget)
{
    private readonly Lock gate = new();
    private List<Item>? queue;
    private long queuedBytes;
    private bool flushing;
    private bool open;
    private bool closing;
    private bool closed;
    private TaskCompletionSource? drained;

    /// <summary>So much is queued that the client's further calls wait until it reads.</summary>
    public bool IsCongested => Volatile.Read(ref queuedBytes) > OutboxBudget.AnswerBytesMax;

    /// <summary>Environment.TickCount64-like time of the last write, for keep-alive pings.</summary>
    public long LastWriteMs { get; private set; }

    /// <summary>The handshake is answered: shared frames may follow. Before it a client takes nothing but the answer, so they are dropped.</summary>
    public void Open()
    {
        lock (gate)
        {
            open = true;
        }
    }

    /// <summary>Writes a shared frame of room events. False when it was not taken: the subscription ended.</summary>
    public void WriteEvents(byte[] frame, Subscription subscription, long rev)
    {
        lock (gate)
        {
            if (closed || closing || subscription.Ended)
            {
                return;
            }

            if (!flushing)
            {
                WriteNow(frame);
                return;
            }

            if (queuedBytes + frame.Length > budget.EventBytes)
            {
                Overflow(subscription, rev);
                return;
            }

            Add(new Item(frame, subscription, rev));
        }
    }

    /// <summary>Writes a shared frame that may be lost under load: presence, typing.</summary>
    public void WriteDroppable(byte[] frame)
    {
        lock (gate)
        {
            if (!open || closed || closing || (flushing && queuedBytes + frame.Length > OutboxBudget.DroppableBytesMax))
            {
                return;
            }

            WriteOrAdd(frame);
        }
    }

    /// <summary>Writes a shared frame that must arrive.</summary>
    public void WriteFrame(byte[] frame)
    {
        lock (gate)
        {
            if (open && !closed && !closing)
            {
                WriteOrAdd(frame);
            }
        }
    }

    /// <summary>Frames and writes a record of this client alone.</summary>
    public void WriteRecord(ReadOnlySpan<byte> record)
    {
        lock (gate)
        {
            if (closed || closing)
            {
                return;
            }

            if (flushing)
            {
                Add(new Item(WebSocketFrame.Text(record), null, 0));
                return;
            }

            Span<byte> header = stackalloc byte[WebSocketFrame.HeaderBytesMax];
            var headerBytes = WebSocketFrame.WriteHeader(header, FrameKind.Text, record.Length);
            Copy(header[..headerBytes]);
            Copy(record);
            Flush();
        }
    }

    /// <summary>Writes the last frames and completes when they are handed to the transport, or the client does not take them.</summary>
    public Task CloseAsync(byte[]? lastFrame, byte[] closeFrame)
    {
        lock (gate)
        {
            if (closed || closing)
            {
                return drained?.Task ?? Task.CompletedTask;
            }

            if (lastFrame is not null)
            {
                WriteOrAdd(lastFrame);
            }

            WriteOrAdd(closeFrame);
            closing = true;
            return WhenDrainedAsync();
        }
    }

    /// <summary>Forgets everything: the connection is gone.</summary>
    public void Abandon()
    {
        lock (gate)
        {
            End();
        }
    }

    /// <summary>Completes when the queue is empty again, or the connection is gone.</summary>
    public Task WhenDrainedAsync()
    {
        lock (gate)
        {
            if (!flushing || closed)
            {
                return Task.CompletedTask;
            }

            drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return drained.Task;
        }
    }

    private void WriteOrAdd(byte[] frame)
    {
        if (flushing)
        {
            Add(new Item(frame, null, 0));
        }
        else
        {
            WriteNow(frame);
        }
    }

    private void WriteNow(ReadOnlySpan<byte> frame)
    {
        Copy(frame);
        Flush();
    }

    private void Copy(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var memory = output.GetSpan(Math.Min(bytes.Length, OutboxBudget.CopyBytes));
            var part = bytes[..Math.Min(bytes.Length, memory.Length)];
            part.CopyTo(memory);
            output.Advance(part.Length);
            bytes = bytes[part.Length..];
        }
    }

    private void Flush()
    {
        LastWriteMs = Environment.TickCount64;
        var flush = output.FlushAsync();
        if (!flush.IsCompleted)
        {
            flushing = true;
            _ = FinishFlushAsync(flush);
        }
        else if (!TryEnd(flush))
        {
            End();
        }
    }

    /// <summary>Goes on writing what queued during a flush that had to wait. Ends by itself when the connection does.</summary>
    private async Task FinishFlushAsync(ValueTask<FlushResult> flush)
    {
        while (true)
        {
            bool alive;
            try
            {
                alive = !(await flush.ConfigureAwait(false)).IsCompleted;
            }
            catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
            {
                alive = false; // The peer is gone; the reader of this connection sees it too and cleans up.
            }

            lock (gate)
            {
                if (!alive || closed)
                {
                    End();
                    return;
                }

                if (queue is not { Count: > 0 })
                {
                    flushing = false;
                    queue = null;
                    drained?.TrySetResult();
                    drained = null;
                    return;
                }

                flush = WriteQueued();
            }
        }
    }

    private ValueTask<FlushResult> WriteQueued()
    {
        var bytes = 0;
        var count = 0;
        while (count < queue!.Count && bytes < OutboxBudget.WriteBytes)
        {
            var frame = queue[count++].Frame;
            Copy(frame);
            bytes += frame.Length;
        }

        queue.RemoveRange(0, count);
        queuedBytes -= bytes;
        budget.Release(bytes);
        LastWriteMs = Environment.TickCount64;
        return output.FlushAsync();
    }

    private void Add(Item item)
    {
        queue ??= new List<Item>(4);
        queue.Add(item);
        queuedBytes += item.Frame.Length;
        budget.Take(item.Frame.Length);
    }

    /// <summary>Drops the queued events of all rooms and says <c>resync</c> for each, the newcomer included.</summary>
    private void Overflow(Subscription newcomer, long rev)
    {
        var skipped = new Dictionary<Subscription, long> { [newcomer] = rev };
        var kept = new List<Item>();
        var bytes = 0L;
        foreach (var item in queue ?? [])
        {
            if (item.Subscription is { } subscription)
            {
                skipped[subscription] = Math.Max(skipped.GetValueOrDefault(subscription), item.Rev);
            }
            else
            {
                kept.Add(item);
                bytes += item.Frame.Length;
            }
        }

        budget.Release(queuedBytes - bytes);
        budget.CountOverflow();
        queue = kept;
        queuedBytes = bytes;
        foreach (var (subscription, skippedRev) in skipped)
        {
            if (subscription.End())
            {
                Add(new Item(subscription.ResyncFrame(skippedRev), null, 0));
            }
        }
    }

    private static bool TryEnd(ValueTask<FlushResult> flush)
    {
        try
        {
            return !flush.GetAwaiter().GetResult().IsCompleted;
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
        {
            return false; // As above: the reader sees it too.
        }
    }

    private void End()
    {
        closed = true;
        flushing = false;
        budget.Release(queuedBytes);
        queuedBytes = 0;
        queue = null;
        drained?.TrySetResult();
        drained = null;
    }

    private readonly record struct Item(byte[] Frame, Subscription? Subscription, long Rev);
}
