using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using DChat.Protocol;

namespace DChat.TestKit;

/// <summary>A WebSocket client that sends any bytes and reads only when it is asked to: for what a well-behaved client never does.</summary>
public sealed class RawWebSocket : IDisposable
{
    public const byte Separator = 0x1e;
    public const int Text = 1;
    public const int Close = 8;
    private const int HeadMax = 8 * 1024;
    private static readonly TimeSpan Limit = Eventually.DefaultLimit;

    private readonly Socket _socket;
    private readonly byte[] _received = new byte[64 * 1024];
    private int _start;
    private int _end;

    private RawWebSocket(Socket socket) => _socket = socket;

    /// <summary>Connects and upgrades; the hub's handshake record is the caller's.</summary>
    /// <param name="receiveBytes">The socket's receive buffer; 0: as the system has it.</param>
    public static async Task<RawWebSocket> ConnectAsync(Uri server, string token, int receiveBytes = 0)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBytes > 0)
        {
            socket.ReceiveBufferSize = receiveBytes;
        }

        var client = new RawWebSocket(socket);
        try
        {
            await socket.ConnectAsync(server.Host, server.Port).WaitAsync(Limit);
            await client.SendAsync(Encoding.ASCII.GetBytes(
                $"GET {ProtocolVersion.HubPath} HTTP/1.1\r\nHost: {server.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {token}\r\n\r\n"));
            var head = await client.ReadHeadAsync();
            return head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal) ? client : throw new IOException("the upgrade was answered " + head);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>A masked frame, as clients send them; all of it may be wrong.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> payload, int opcode = Text, bool final = true, uint mask = 0x12345678)
    {
        var header = payload.Length switch { < 126 => 2, <= ushort.MaxValue => 4, _ => 10 };
        var frame = new byte[header + 4 + payload.Length];
        frame[0] = (byte)((final ? 0x80 : 0) | opcode);
        frame[1] = (byte)(0x80 | (header switch { 2 => payload.Length, 4 => 126, _ => 127 }));
        if (header == 4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)payload.Length);
        }
        else if (header == 10)
        {
            BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), (ulong)payload.Length);
        }

        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(header), mask);
        for (var i = 0; i < payload.Length; i++)
        {
            frame[header + 4 + i] = (byte)(payload[i] ^ frame[header + (i & 3)]);
        }

        return frame;
    }

    /// <summary>A frame that holds one hub record.</summary>
    public static byte[] Record(string json) => Frame([.. Encoding.UTF8.GetBytes(json), Separator]);

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes).AsTask().WaitAsync(Limit)..];
        }
    }

    /// <summary>The next frame of the server; null when the server has ended the connection.</summary>
    public async Task<(int Opcode, byte[] Payload)?> ReadFrameAsync()
    {
        if (!await FillAsync(2))
        {
            return null;
        }

        var opcode = _received[_start] & 0x0f;
        var length = (long)_received[_start + 1];
        var header = length switch { 126 => 4, 127 => 10, _ => 2 };
        if (!await FillAsync(header))
        {
            return null;
        }

        length = header switch
        {
            4 => BinaryPrimitives.ReadUInt16BigEndian(_received.AsSpan(_start + 2)),
            10 => BinaryPrimitives.ReadInt64BigEndian(_received.AsSpan(_start + 2)),
            _ => length,
        };
        _start += header;
        var payload = new byte[length];
        for (var at = 0; at < payload.Length;)
        {
            if (_start == _end && !await FillAsync(1))
            {
                return null;
            }

            var part = Math.Min(_end - _start, payload.Length - at);
            _received.AsSpan(_start, part).CopyTo(payload.AsSpan(at));
            _start += part;
            at += part;
        }

        return (opcode, payload);
    }

    /// <summary>Says that nothing more comes, as closing one half of a TCP connection does.</summary>
    public void EndSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The server has ended the connection already.
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<string> ReadHeadAsync()
    {
        for (var wanted = 1; wanted < HeadMax; wanted++)
        {
            if (!await FillAsync(wanted))
            {
                break;
            }

            var end = _received.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                var head = Encoding.ASCII.GetString(_received, _start, end);
                _start += end + 4;
                return head;
            }

            wanted = _end - _start;
        }

        throw new IOException("the answer to the upgrade has no end");
    }

    /// <summary>False where the server ended the connection first.</summary>
    private async Task<bool> FillAsync(int bytes)
    {
        while (_end - _start < bytes)
        {
            if (_start > 0)
            {
                _received.AsSpan(_start, _end - _start).CopyTo(_received);
                (_start, _end) = (0, _end - _start);
            }

            int read;
            try
            {
                read = await _socket.ReceiveAsync(_received.AsMemory(_end)).AsTask().WaitAsync(Limit);
            }
            catch (SocketException)
            {
                return false; // Reset: the server has ended the connection.
            }

            if (read == 0)
            {
                return false;
            }

            _end += read;
        }

        return true;
    }
}
