using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using DChat.Protocol;
using DChat.Terminal.Load.Wire;

namespace DChat.Terminal.Load;

/// <summary>The server refused the connection, or what came back was no hub.</summary>
internal sealed class ConnectRefusedException(string message, bool badToken = false) : Exception(message)
{
    public bool BadToken { get; } = badToken;
}

/// <summary>
/// One WebSocket connection to the hub: the bytes and the calls. It is lean, because a load generator shares its machine with
/// the server that it measures: it reads what arrives in place, and writes each burst of calls in one piece.
/// </summary>
internal sealed class LoadConnection : IAsyncDisposable
{
    private const int HeadMax = 8 * 1024;

    /// <summary>A write that finds no room for this long means that the server does not read any more.</summary>
    private const int WriteTimeoutMs = 5_000;

    private readonly Stream _stream;
    private readonly RecordStream _records = new();
    private readonly Lock _gate = new();
    private byte[] _received;
    private int _receivedLength;
    private byte[] _toSend = [];
    private int _toSendLength;
    private bool _corked;
    private uint _mask;

    private LoadConnection(Stream stream, int bufferBytes, uint mask)
    {
        _stream = stream;
        _received = new byte[bufferBytes];
        _mask = mask | 1;
    }

    /// <summary>When bytes came last, in milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    public long LastReceivedMs { get; private set; } = Environment.TickCount64;

    /// <summary>When bytes went last.</summary>
    public long LastSentMs { get; private set; } = Environment.TickCount64;

    /// <summary>Connects and does both handshakes.</summary>
    public static async Task<LoadConnection> OpenAsync(Uri server, string? token, int bufferBytes, uint mask, CancellationToken cancellation)
    {
        var stream = await ConnectAsync(server, cancellation);
        try
        {
            var connection = new LoadConnection(stream, bufferBytes, mask);
            await connection.UpgradeAsync(server, token, cancellation);
            await connection.ShakeHandsAsync(cancellation);
            return connection;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>Adds a record to what goes out: at once, or, inside <see cref="ReceiveAsync"/>'s handling, together with all others of it.</summary>
    public void Send(ReadOnlySpan<byte> record)
    {
        lock (_gate)
        {
            AppendFrame(Opcodes.Text, record);
            if (!_corked)
            {
                Flush();
            }
        }
    }

    public void Pong(ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            AppendFrame(Opcodes.Pong, payload);
            if (!_corked)
            {
                Flush();
            }
        }
    }

    /// <summary>Hands what arrives to <paramref name="handler"/> until the server closes or the connection breaks.</summary>
    /// <param name="onBurst">Called before each burst of records with the time at which it arrived.</param>
    /// <param name="afterBurst">Called after it, before what was answered to it goes out.</param>
    public async Task ReceiveAsync(IRecordHandler handler, Action<long> onBurst, Action afterBurst, CancellationToken cancellation)
    {
        do
        {
            Handle(handler, onBurst, afterBurst);
            MakeRoom();
            var read = await _stream.ReadAsync(_received.AsMemory(_receivedLength), cancellation);
            if (read == 0)
            {
                return;
            }

            _receivedLength += read;
        }
        while (!cancellation.IsCancellationRequested);
    }

    /// <summary>Ends the connection without a farewell, as a lost network does.</summary>
    public void Abort() => _stream.Dispose();

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static async Task<Stream> ConnectAsync(Uri server, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, SendTimeout = WriteTimeoutMs };
        try
        {
            await socket.ConnectAsync(server.DnsSafeHost, server.Port, cancellation);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var stream = new NetworkStream(socket, ownsSocket: true);
        if (server.Scheme != Uri.UriSchemeHttps)
        {
            return stream;
        }

        var secure = new SslStream(stream);
        await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = server.DnsSafeHost }, cancellation);
        return secure;
    }

    private async Task UpgradeAsync(Uri server, string? token, CancellationToken cancellation)
    {
        var key = Convert.ToBase64String(Guid.NewGuid().ToByteArray());
        var authorization = token is null ? "" : $"Authorization: Bearer {token}\r\n";
        var request = $"GET {ProtocolVersion.HubPath} HTTP/1.1\r\nHost: {server.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{authorization}\r\n";
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(request), cancellation);
        int end;
        while ((end = _received.AsSpan(0, _receivedLength).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (_receivedLength >= HeadMax)
            {
                throw new ConnectRefusedException("the answer to the upgrade has no end");
            }

            await ReceiveMoreAsync(cancellation);
        }

        var head = Encoding.ASCII.GetString(_received, 0, end);
        if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            var status = head.Split('\r', 2)[0];
            throw new ConnectRefusedException($"the server answered the upgrade with: {status}", status.Contains(" 401", StringComparison.Ordinal));
        }

        Drop(end + 4);
    }

    private async Task ShakeHandsAsync(CancellationToken cancellation)
    {
        Send(HubCalls.Handshake);
        var handshake = new HandshakeHandler();
        while (true)
        {
            Drop(_records.Read(_received.AsSpan(0, _receivedLength), handshake));
            if (handshake.Answer is { } answer)
            {
                if (answer.Contains("error", StringComparison.Ordinal))
                {
                    throw new ConnectRefusedException($"the hub answered the handshake with: {answer}");
                }

                return;
            }

            await ReceiveMoreAsync(cancellation);
        }
    }

    private async Task ReceiveMoreAsync(CancellationToken cancellation)
    {
        MakeRoom();
        var read = await _stream.ReadAsync(_received.AsMemory(_receivedLength), cancellation);
        if (read == 0)
        {
            throw new ConnectRefusedException("the server closed the connection during the handshake");
        }

        _receivedLength += read;
    }

    private void Handle(IRecordHandler handler, Action<long> onBurst, Action afterBurst)
    {
        if (_receivedLength == 0)
        {
            return;
        }

        LastReceivedMs = Environment.TickCount64;
        onBurst(LoadRun.Now);
        lock (_gate)
        {
            _corked = true;
        }

        try
        {
            Drop(_records.Read(_received.AsSpan(0, _receivedLength), handler));
            afterBurst();
        }
        finally
        {
            lock (_gate)
            {
                _corked = false;
                Flush();
            }
        }
    }

    private void Drop(int consumed)
    {
        if (consumed > 0)
        {
            _received.AsSpan(consumed, _receivedLength - consumed).CopyTo(_received);
            _receivedLength -= consumed;
        }
    }

    /// <summary>A frame that is larger than the buffer makes the buffer grow.</summary>
    private void MakeRoom()
    {
        var needed = Math.Max(_records.FrameSize, _receivedLength + 1);
        if (needed > _received.Length)
        {
            Array.Resize(ref _received, Math.Max(needed, _received.Length * 2));
        }
    }

    private void AppendFrame(int opcode, ReadOnlySpan<byte> payload)
    {
        var needed = _toSendLength + payload.Length + FrameWriter.HeaderMax;
        if (needed > _toSend.Length)
        {
            Array.Resize(ref _toSend, Math.Max(needed, _toSend.Length * 2));
        }

        _mask = (_mask * 1664525) + 1013904223;
        _toSendLength += FrameWriter.Write(_toSend.AsSpan(_toSendLength), opcode, payload, _mask);
    }

    private void Flush()
    {
        if (_toSendLength > 0)
        {
            LastSentMs = Environment.TickCount64;
            var length = _toSendLength;
            _toSendLength = 0;
            _stream.Write(_toSend, 0, length);
        }
    }

    private sealed class HandshakeHandler : IRecordHandler
    {
        public string? Answer { get; private set; }

        public int TakeKnown(ReadOnlySpan<byte> payload) => 0;

        public void OnRecord(ReadOnlySpan<byte> record) => Answer ??= Encoding.UTF8.GetString(record);

        public void OnControl(int opcode, ReadOnlySpan<byte> payload)
        {
        }
    }
}
