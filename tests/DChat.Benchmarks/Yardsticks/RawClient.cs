using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace DChat.Benchmarks.Yardsticks;

/// <summary>One connection of <see cref="RawBroadcaster"/>. It trusts its client: this is a yardstick, not a server.</summary>
internal sealed class RawClient(Socket socket, RawBroadcaster broadcaster)
{
    private const string WebSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const int BufferBytes = 4 * 1024;
    private const int QueuedBytesMax = 8 * 1024 * 1024;

    private readonly Lock _gate = new();
    private byte[] _received = new byte[BufferBytes];
    private int _receivedLength;
    private byte[] _queued = [];
    private byte[] _writing = [];
    private int _queuedLength;
    private bool _isWriting;
    private Task _lastWrite = Task.CompletedTask;

    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            socket.NoDelay = true;
            await UpgradeAsync(cancellation);
            while (await ReceiveAsync(cancellation))
            {
                TakeFrames();
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The client is gone, or too slow: a yardstick has nothing else to do about it.
            socket.Dispose();
        }
        finally
        {
            broadcaster.Left(this);
            socket.Dispose();
            await _lastWrite;
        }
    }

    /// <summary>Adds a frame to what goes out; writes at once where no write is under way.</summary>
    public void Enqueue(byte[] frame)
    {
        lock (_gate)
        {
            if (_queuedLength + frame.Length > _queued.Length)
            {
                if (_queuedLength + frame.Length > QueuedBytesMax)
                {
                    socket.Dispose();
                    return;
                }

                Array.Resize(ref _queued, Math.Max(_queuedLength + frame.Length, _queued.Length * 2));
            }

            frame.CopyTo(_queued, _queuedLength);
            _queuedLength += frame.Length;
            if (_isWriting)
            {
                return;
            }

            _isWriting = true;
        }

        // Not here: the room's lock is held, and while others are written to, more comes for this one.
        _lastWrite = Task.Run(WriteAsync);
    }

    private async Task WriteAsync()
    {
        try
        {
            while (true)
            {
                int length;
                lock (_gate)
                {
                    if (_queuedLength == 0)
                    {
                        _isWriting = false;
                        return;
                    }

                    (_queued, _writing) = (_writing, _queued);
                    (length, _queuedLength) = (_queuedLength, 0);
                }

                for (var at = 0; at < length;)
                {
                    at += await socket.SendAsync(_writing.AsMemory(at, length - at));
                }
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // The receiving side meets the same end.
            socket.Dispose();
        }
    }

    private async Task UpgradeAsync(CancellationToken cancellation)
    {
        int end;
        while ((end = _received.AsSpan(0, _receivedLength).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!await ReceiveAsync(cancellation))
            {
                throw new InvalidOperationException("no upgrade");
            }
        }

        var key = Encoding.ASCII.GetString(_received, 0, end).Split("\r\n").Single(line => line.StartsWith("Sec-WebSocket-Key: ", StringComparison.OrdinalIgnoreCase))[19..];
#pragma warning disable CA5350 // RFC 6455 asks for SHA-1; nothing is secured by it.
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + WebSocketGuid)));
#pragma warning restore CA5350
        await socket.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"), cancellation);
        Drop(end + 4);
        TakeFrames();
    }

    private async Task<bool> ReceiveAsync(CancellationToken cancellation)
    {
        if (_receivedLength == _received.Length)
        {
            Array.Resize(ref _received, _received.Length * 2);
        }

        var read = await socket.ReceiveAsync(_received.AsMemory(_receivedLength), cancellation);
        _receivedLength += read;
        return read > 0;
    }

    private void TakeFrames()
    {
        while (TryTakeFrame())
        {
        }
    }

    /// <summary>A client's frame is masked, and holds whole records.</summary>
    private bool TryTakeFrame()
    {
        var received = _received.AsSpan(0, _receivedLength);
        if (received.Length < 8)
        {
            return false;
        }

        var length = received[1] & 0x7f;
        var header = 2;
        if (length == 126)
        {
            (length, header) = (BinaryPrimitives.ReadUInt16BigEndian(received[2..]), 4);
        }

        if (received.Length < header + 4 + length)
        {
            return false;
        }

        var mask = received.Slice(header, 4);
        var payload = received.Slice(header + 4, length);
        for (var at = 0; at < length; at++)
        {
            payload[at] ^= mask[at & 3];
        }

        while (payload.IndexOf((byte)0x1e) is >= 0 and var end)
        {
            broadcaster.Handle(this, payload[..end]);
            payload = payload[(end + 1)..];
        }

        Drop(header + 4 + length);
        return true;
    }

    private void Drop(int count)
    {
        _received.AsSpan(count, _receivedLength - count).CopyTo(_received);
        _receivedLength -= count;
    }
}
