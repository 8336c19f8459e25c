using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;

namespace DChat.Server.Nodes;

/// <summary>
/// A link between two nodes: posts one way and calls with answers, in order each way. What is sent while a write is on its way goes out
/// together as the next one. Bounded: a peer that does not read in time is cut off, and comes back to a fresh link.
/// </summary>
internal sealed class NodeLink : IAsyncDisposable
{
    /// <summary>Bytes that may wait to be written; the peer is cut off beyond.</summary>
    public const int PendingMax = 64 * 1024 * 1024;

    /// <summary>A long stream waits while more bytes than this wait to be written: they fit into a buffer that is kept.</summary>
    public const int StreamAhead = KeptBufferMax / 2;

    /// <summary>Where more bytes than this wait to be written, what may be lost should not be sent.</summary>
    public const int BehindBytes = 2 * 1024 * 1024;

    /// <summary>Calls that may wait for their answers; more fail at once.</summary>
    public const int CallsMax = 200_000;

    /// <summary>A sign of life is sent where nothing else was for so long, in milliseconds.</summary>
    public const int BeatMs = 500;

    /// <summary>A peer that was silent for so long is cut off, in milliseconds.</summary>
    public const int SilentMs = 3_000;

    /// <summary>A buffer that grew beyond this is not kept, in bytes.</summary>
    private const int KeptBufferMax = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Stream _stream;
    private readonly INodeService _service;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<byte[]>> _calls = new();
    private readonly SemaphoreSlim _work = new(0, 1);
    private ArrayBufferWriter<byte> _pending = new();
    private ArrayBufferWriter<byte> _writing = new();
    private TaskCompletionSource? _drained;
    private string? _why;
    private uint _lastCall;
    private long _readAt;
    private bool _isSignalled;
    private bool _isHandling;

    /// <param name="peer">Who is at the other end; proven.</param>
    /// <param name="stream">Both ways; the link's own from now on.</param>
    public NodeLink(NodeHello peer, Stream stream, INodeService service, TimeProvider time)
    {
        (Peer, _stream, _service, _time) = (peer, stream, service, time);
        _readAt = time.GetTimestamp();
        Completion = RunAsync();
    }

    public NodeHello Peer { get; }

    /// <summary>Ends when the link does, with why; fails only where a service broke its word not to throw.</summary>
    public Task<string> Completion { get; }

    /// <summary>So much waits to be written that what may be lost should not be sent.</summary>
    public bool IsBehind => _pending.WrittenCount > BehindBytes;

    /// <summary>The link ended because nothing was heard of the peer, which may live all the same.</summary>
    public bool PeerWasSilent { get; private set; }

    public bool IsUp => !_ending.IsCancellationRequested;

    /// <summary>Sends one way; false where the link is over.</summary>
    public bool Post(byte method, ReadOnlySpan<byte> payload) => Send(NodeFrameKind.Post, method, 0, payload);

    /// <summary>Sends one way, header and body without putting them together before.</summary>
    public bool Post(byte method, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body) => Send(NodeFrameKind.Post, method, 0, head, body);

    /// <summary>Sends one way as soon as little waits: for long streams.</summary>
    public async ValueTask<bool> PostAsync(byte method, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        while (true)
        {
            Task drained;
            lock (_gate)
            {
                if (_pending.WrittenCount < StreamAhead || !IsUp)
                {
                    break;
                }

                drained = (_drained ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await drained.WaitAsync(cancellation);
        }

        return Post(method, payload.Span);
    }

    /// <summary>Sends a call and waits for its answer.</summary>
    /// <exception cref="NodeLinkException">The link ended, or the peer failed to answer; what was asked may have been done.</exception>
    /// <exception cref="TimeoutException">No answer in time; the same.</exception>
    public async Task<byte[]> CallAsync(byte method, ReadOnlyMemory<byte> payload, TimeSpan limit, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = Interlocked.Increment(ref _lastCall);
        if (_calls.Count >= CallsMax)
        {
            throw new NodeLinkException("too many calls wait on this link");
        }

        _calls[call] = answer;
        try
        {
            if (!Send(NodeFrameKind.Call, method, call, payload.Span))
            {
                throw new NodeLinkException(_why ?? "the link is over");
            }

            return await answer.Task.WaitAsync(limit, _time, cancellation);
        }
        finally
        {
            _calls.TryRemove(call, out _);
        }
    }

    public bool Reply(in NodeMessage call, ReadOnlySpan<byte> payload) => Send(NodeFrameKind.Reply, call.Method, call.Call, payload);

    public bool Fail(in NodeMessage call, string why) => Send(NodeFrameKind.Failure, call.Method, call.Call, Encoding.UTF8.GetBytes(why));

    /// <summary>Ends the link, without waiting for it: what hears of the end does so in another thread, as the caller may hold locks.</summary>
    public void End(string why)
    {
        lock (_gate)
        {
            _why ??= why;
        }

        _ = _ending.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        End("closed");
        await Completion;
    }

    private bool Send(NodeFrameKind kind, byte method, uint call, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body = default)
    {
        var length = head.Length + body.Length;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, NodeFrame.PayloadMax);
        lock (_gate)
        {
            if (!IsUp)
            {
                return false;
            }

            if (_pending.WrittenCount + length <= PendingMax)
            {
                NodeFrame.WriteHeader(_pending.GetSpan(NodeFrame.HeaderSize), kind, method, call, length);
                _pending.Advance(NodeFrame.HeaderSize);
                _pending.Write(head);
                _pending.Write(body);
                if (!_isSignalled)
                {
                    _isSignalled = true;
                    _work.Release();
                }

                return true;
            }
        }

        End("the peer does not read what is sent to it");
        return false;
    }

    private async Task<string> RunAsync()
    {
        await Task.Yield();
        var loops = new[] { ReadAsync(), WriteAsync(), BeatAsync() };
        await Task.WhenAny(loops);
        End("the connection ended");
        await _stream.DisposeAsync();
        try
        {
            await Task.WhenAll(loops);
        }
        finally
        {
            lock (_gate)
            {
                _drained?.TrySetResult();
            }

            foreach (var (_, answer) in _calls)
            {
                answer.TrySetException(new NodeLinkException(_why!));
            }

            _service.Ended(this, _why!);
        }

        return _why!;
    }

    private async Task ReadAsync()
    {
        // The stream is left to whoever runs this: some fail where two dispose them at once.
        var reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(_ending.Token);
                Volatile.Write(ref _readAt, _time.GetTimestamp());
                var input = read.Buffer;
                while (NodeFrame.TryRead(ref input, out var message))
                {
                    await HandleAsync(message);
                }

                reader.AdvanceTo(input.Start, input.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            End("this node stops");
        }
        catch (Exception failure) when (failure is IOException or SocketException or InvalidDataException or ObjectDisposedException)
        {
            End(failure.Message);
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    private async ValueTask HandleAsync(NodeMessage message)
    {
        switch (message.Kind)
        {
            case NodeFrameKind.Beat:
                return;
            case NodeFrameKind.Reply when _calls.TryGetValue(message.Call, out var waiting):
                waiting.TrySetResult(message.Payload);
                return;
            case NodeFrameKind.Failure when _calls.TryGetValue(message.Call, out var waiting):
                waiting.TrySetException(new NodeLinkException(Encoding.UTF8.GetString(message.Payload)));
                return;
            case NodeFrameKind.Post or NodeFrameKind.Call:
                Volatile.Write(ref _isHandling, true); // What is held up here is not the peer's silence.
                await _service.ReceivedAsync(this, message);
                Volatile.Write(ref _readAt, _time.GetTimestamp());
                Volatile.Write(ref _isHandling, false);
                return;
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            while (true)
            {
                await _work.WaitAsync(_ending.Token);
                lock (_gate)
                {
                    _isSignalled = false;
                    (_pending, _writing) = (_writing, _pending);
                    _drained?.TrySetResult();
                    _drained = null;
                }

                await _stream.WriteAsync(_writing.WrittenMemory, _ending.Token);
                await _stream.FlushAsync(_ending.Token);
                if (_writing.Capacity > KeptBufferMax)
                {
                    _writing = new();
                }
                else
                {
                    _writing.ResetWrittenCount();
                }
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The link ends.
        }
        catch (Exception failure) when (failure is IOException or SocketException or ObjectDisposedException)
        {
            End(failure.Message);
        }
    }

    private async Task BeatAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(BeatMs), _time);
        var tickedAt = _time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(_ending.Token))
            {
                // Who was held up itself cannot tell: what the peer sent meanwhile may not be read yet.
                var isLate = _time.GetElapsedTime(tickedAt).TotalMilliseconds > 2 * BeatMs;
                tickedAt = _time.GetTimestamp();
                if (!isLate && !Volatile.Read(ref _isHandling) && _time.GetElapsedTime(Volatile.Read(ref _readAt)).TotalMilliseconds > SilentMs)
                {
                    PeerWasSilent = true;
                    End($"{Peer.Node} at {Peer.Address} was silent for {SilentMs} ms");
                    return;
                }

                Send(NodeFrameKind.Beat, 0, 0, []);
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The link ends.
        }
    }
}

/// <summary>What a node does with what comes over its links.</summary>
internal interface INodeService
{
    /// <summary>
    /// A post or call, in the order in which they were sent: the next is not read before this returns. A call is answered, now or later, by
    /// <see cref="NodeLink.Reply"/> or <see cref="NodeLink.Fail"/>. <see cref="InvalidDataException"/> and
    /// <see cref="OperationCanceledException"/> end the link; nothing else may be thrown.
    /// </summary>
    ValueTask ReceivedAsync(NodeLink link, NodeMessage message);

    /// <summary>The link is over; nothing comes any more.</summary>
    void Ended(NodeLink link, string why);
}

/// <summary>A node cannot be reached, or did not do what it was asked; the message says why, for people.</summary>
internal class NodeLinkException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The machine answered that nobody listens there.</summary>
    public bool IsConnectionRefused => GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionRefused };
}

/// <summary>One of two nodes does not want the other: trying again does not help until something is changed.</summary>
internal sealed class NodeRefusedException(string message, bool isLasting = false, string? claimed = null) : NodeLinkException(message)
{
    /// <summary>An operator has to change something: the secrets differ, or the versions do not fit.</summary>
    public bool IsLasting => isLasting;

    /// <summary>Where the other side says that it is, proven or not; null: it said nothing.</summary>
    public string? Claimed => claimed;
}
