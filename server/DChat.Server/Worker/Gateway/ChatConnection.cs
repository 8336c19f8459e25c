using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json;
using DChat.Protocol;
using DChat.Server.Security;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Hub;
using DChat.Server.Worker.Transport;

namespace DChat.Server.Worker.Gateway;

/// <summary>One client's connection: reads its calls, holds its subscriptions and its outbox.</summary>
internal sealed class ChatConnection : IRecordSink
{
    private readonly Lock gate = new();
    private readonly IDuplexPipe transport;
    private readonly HubDispatcher dispatcher;
    private readonly Action abort;
    private readonly int callBytesMax;
    private readonly int openCallsMax;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Subscription[] subscriptions = [];
    private Dictionary<string, Task>? preparing;
    private int openCalls;
    private TaskCompletionSource? callEnded;
    private byte[]? closeRecord;
    private bool handshaken;
    private bool closed;
    private bool deaf;
    private volatile bool closing;

    public ChatConnection(
        IDuplexPipe transport,
        Action abort,
        Session session,
        LocalUser user,
        HubDispatcher dispatcher,
        OutboxBudget budget,
        int callBytesMax,
        int openCallsMax)
    {
        this.transport = transport;
        this.abort = abort;
        this.dispatcher = dispatcher;
        this.callBytesMax = callBytesMax;
        this.openCallsMax = openCallsMax;
        Session = session;
        User = user;
        Caller = new Caller(session, user, this);
        Outbox = new Outbox(transport.Output, budget);
    }

    public Session Session { get; }

    public LocalUser User { get; }

    public Caller Caller { get; }

    public Outbox Outbox { get; }

    public PresenceState Presence { get; set; } = PresenceState.Online;

    /// <summary>Called once, when the client takes events.</summary>
    public Action? Opened { get; set; }

    /// <summary>Over how long its client was asked to come back where the connection is lost, in milliseconds: <see cref="ReconnectPace"/>'s.</summary>
    public int ReconnectSpreadMs { get; set; } = ReconnectSpread.UntoldMs;

    /// <summary>It called <c>sync</c>: it follows all of its user's rooms, later ones included.</summary>
    public bool FollowsRooms { get; set; }

    /// <summary>When it was last heard, in <see cref="Environment.TickCount64"/> milliseconds.</summary>
    public long HeardAt { get; private set; } = Environment.TickCount64;

    /// <summary>Completes when the connection is over.</summary>
    public Task Ended => ended.Task;

    public bool IsPaused => HasManyOpenCalls || Outbox.IsCongested;

    /// <summary>A snapshot; never changed in place.</summary>
    public Subscription[] Subscriptions => Volatile.Read(ref subscriptions);

    /// <summary>Changes in a room that must wait for something before they get their place in its queue; those after them there wait too. Of the reader alone.</summary>
    public Task PreparingIn(string room) => preparing?.GetValueOrDefault(room) ?? Task.CompletedTask;

    /// <summary>One more of them, which waits for those before it.</summary>
    public void Prepares(string room, Task change)
    {
        preparing ??= new Dictionary<string, Task>(StringComparer.Ordinal);
        foreach (var (over, _) in preparing.Where(each => each.Value.IsCompleted).ToList())
        {
            preparing.Remove(over);
        }

        preparing[room] = change;
    }

    public Subscription? FindSubscription(RoomFeed feed)
    {
        foreach (var subscription in Subscriptions)
        {
            if (subscription.Feed == feed && !subscription.Ended)
            {
                return subscription;
            }
        }

        return null;
    }

    /// <summary>False where the connection is closed already.</summary>
    public bool AddSubscription(Subscription subscription)
    {
        lock (gate)
        {
            if (closed)
            {
                return false;
            }

            subscriptions = [.. subscriptions, subscription];
            return true;
        }
    }

    public void RemoveSubscription(Subscription subscription)
    {
        lock (gate)
        {
            subscriptions = Array.FindAll(subscriptions, other => other != subscription);
        }
    }

    /// <summary>Reads calls until the client goes, is closed or breaks the protocol.</summary>
    public async Task RunAsync()
    {
        var reader = new RecordReader(callBytesMax);
        try
        {
            while (true)
            {
                var read = await transport.Input.ReadAsync().ConfigureAwait(false);
                if (read.IsCanceled)
                {
                    break;
                }

                HeardAt = Environment.TickCount64;
                var buffer = read.Buffer;
                var end = reader.Read(ref buffer, this);
                transport.Input.AdvanceTo(buffer.Start, end == ReadEnd.Paused ? buffer.Start : buffer.End);
                if (end is ReadEnd.NeedsMore or ReadEnd.Paused)
                {
                    if (read.IsCompleted && end == ReadEnd.NeedsMore)
                    {
                        break;
                    }

                    await WaitForRoomAsync().ConfigureAwait(false);
                    continue;
                }

                await FinishAsync(end).ConfigureAwait(false);
                break;
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The peer is gone: nothing to say to it any more.
        }
        finally
        {
            reader.Release();
            Leave();
        }
    }

    public bool OnRecord(ReadOnlySpan<byte> record)
    {
        if (closing && !Volatile.Read(ref deaf))
        {
            return false; // Whoever is being signed out calls nothing any more, however slowly it reads its last word.
        }

        if (!handshaken)
        {
            return Shake(record);
        }

        CallBegins(); // Before it looks: whoever makes it deaf waits for what it began to hear.
        try
        {
            return Volatile.Read(ref deaf) || dispatcher.Dispatch(this, HubRecord.Parse(record));
        }
        catch (JsonException exception)
        {
            closeRecord = HubText.CloseFrame("Connection closed with an error: a record is not valid: " + exception.Message, allowReconnect: false);
            return false;
        }
        finally
        {
            CallEnds();
        }
    }

    public void OnPing(ReadOnlySpan<byte> payload)
    {
        var frame = new byte[2 + payload.Length];
        WebSocketFrame.WriteHeader(frame, FrameKind.Pong, payload.Length);
        payload.CopyTo(frame.AsSpan(2));
        Outbox.WriteDroppable(frame);
    }

    public void CallBegins() => Interlocked.Increment(ref openCalls);

    public void CallEnds()
    {
        if (Interlocked.Decrement(ref openCalls) < openCallsMax && Volatile.Read(ref callEnded) is not null)
        {
            Interlocked.Exchange(ref callEnded, null)?.TrySetResult();
        }
    }

    /// <summary>Says a last word, closes, and cuts the client off if it does not take it within the grace time.</summary>
    public async Task CloseAsync(byte[]? lastRecord, TimeSpan grace, ushort code = CloseCodes.Normal)
    {
        closing = true;
        var until = Environment.TickCount64 + (long)grace.TotalMilliseconds;
        var said = Outbox.CloseAsync(lastRecord, WebSocketFrame.Close(code));
        try
        {
            await said.WaitAsync(grace).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            abort();
            return;
        }

        if (Volatile.Read(ref deaf))
        {
            // The client closes first: a socket that is closed with unread calls takes back the answers that are on their way.
            var left = Math.Clamp(until - Environment.TickCount64, 0, (long)HangUpGrace.TotalMilliseconds);
            await ended.Task.WaitAsync(TimeSpan.FromMilliseconds(left)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        transport.Input.CancelPendingRead();
    }

    /// <summary>
    /// Hears no further call: those are neither done nor answered, and the client repeats them elsewhere. Completes when those that it
    /// heard are answered, or the grace time is over.
    /// </summary>
    public async Task FinishCallsAsync(TimeSpan grace)
    {
        Volatile.Write(ref deaf, true);
        Interlocked.MemoryBarrier();
        var until = Environment.TickCount64 + (long)grace.TotalMilliseconds;
        while (Volatile.Read(ref openCalls) > 0 && Environment.TickCount64 < until)
        {
            await Task.Delay(AnsweredPollMs).ConfigureAwait(false);
        }
    }

    /// <summary>Cuts the client off at once.</summary>
    public void Abort() => abort();

    /// <summary>Writes a ping if nothing was written for so long, and cuts off a client that was silent too long.</summary>
    public void KeepAlive(long now, long pingAfterMs, long silentMs)
    {
        if (now - HeardAt > silentMs)
        {
            abort();
        }
        else if (now - Outbox.LastWriteMs > pingAfterMs)
        {
            Outbox.WriteDroppable(HubText.PingFrame);
        }
    }

    private bool HasManyOpenCalls => openCallsMax != 0 && Volatile.Read(ref openCalls) >= openCallsMax;

    private async ValueTask WaitForRoomAsync()
    {
        while (HasManyOpenCalls)
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref callEnded, ended);
            if (!HasManyOpenCalls)
            {
                break;
            }

            await ended.Task.ConfigureAwait(false);
        }

        while (Outbox.IsCongested)
        {
            await Outbox.WhenDrainedAsync().ConfigureAwait(false);
        }
    }

    private bool Shake(ReadOnlySpan<byte> record)
    {
        string? why = null;
        try
        {
            using var handshake = JsonDocument.Parse(record.ToArray());
            var root = handshake.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("protocol", out var protocol)
                || !root.TryGetProperty("version", out var version)
                || protocol.ValueKind != JsonValueKind.String)
            {
                why = "the first record must be a handshake";
            }
            else if (protocol.GetString() != "json" || !version.TryGetInt32(out var number) || number is < 1 or > 2)
            {
                why = "only the json protocol, version 1, is spoken here";
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            why = "the handshake is not valid JSON";
        }

        handshaken = why is null;
        Outbox.WriteRecord(why is null ? HubText.HandshakeAnswer : HubText.HandshakeFailure(why));
        if (handshaken)
        {
            Outbox.Open();
            Opened?.Invoke();
        }

        return handshaken;
    }

    private async Task FinishAsync(ReadEnd end)
    {
        var (record, code) = end switch
        {
            ReadEnd.TooLarge => (HubText.CloseFrame($"Connection closed with an error: a call is larger than {callBytesMax} bytes", allowReconnect: false), CloseCodes.TooLarge),
            ReadEnd.ProtocolError => (null, CloseCodes.ProtocolError),
            _ => (closeRecord, CloseCodes.Normal),
        };
        await CloseAsync(record, CloseGrace, code).ConfigureAwait(false);
    }

    private void Leave()
    {
        Subscription[] left;
        lock (gate)
        {
            closed = true;
            left = subscriptions;
        }

        ended.TrySetResult();
        Outbox.Abandon();
        User.Remove(this);
        foreach (var subscription in left)
        {
            subscription.Feed.Detach(subscription);
        }
    }

    /// <summary>How often a closing connection looks whether its calls are answered, in milliseconds.</summary>
    private const int AnsweredPollMs = 20;

    /// <summary>How long a client may take to close after the last word of a server that stops.</summary>
    private static readonly TimeSpan HangUpGrace = TimeSpan.FromSeconds(1);

    /// <summary>How long a client may take to read the last word.</summary>
    private static readonly TimeSpan CloseGrace = TimeSpan.FromSeconds(2);
}

/// <summary>WebSocket status codes (RFC 6455, 7.4.1).</summary>
internal static class CloseCodes
{
    public const ushort Normal = 1000;
    public const ushort GoingAway = 1001;
    public const ushort ProtocolError = 1002;
    public const ushort TooLarge = 1009;
}
