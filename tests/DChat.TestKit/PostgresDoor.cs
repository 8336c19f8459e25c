using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace DChat.TestKit;

/// <summary>
/// A way to a PostgreSQL at which is counted who comes. It can answer as a server does that recovers from a crash, or not at all.
/// It speaks no TLS.
/// </summary>
public sealed class PostgresDoor : IAsyncDisposable
{
    private const int RequestSize = 8;
    private const int SslRequest = 80_877_103;
    private const int GssRequest = 80_877_104;

    private static readonly byte[] Recovering = Error("SFATAL\0VFATAL\0C57P03\0Mthe database system is in recovery\0\0"u8);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _accepting;
    private volatile int _port;
    private volatile Manner _manner;
    private int _asked;

    /// <param name="port">Of the server, on this machine.</param>
    public PostgresDoor(int port)
    {
        _port = port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    private enum Manner
    {
        LetIn,
        Refuse,
        Silent,
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Sessions are not told that they are at a standby, as by some poolers.</summary>
    public bool HidesStandby { get; init; }

    /// <summary>Connections that came.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Ends all sessions, and lets nobody in.</summary>
    public void Refuse() => Become(Manner.Refuse);

    /// <summary>Ends all sessions, and answers nobody.</summary>
    public void FallSilent() => Become(Manner.Silent);

    public void LetIn() => _manner = Manner.LetIn;

    /// <summary>Leads to another server from now on; those who are in stay where they are.</summary>
    public void LeadTo(int port) => _port = port;

    /// <summary>Ends all sessions.</summary>
    public void EndSessions() => Become(_manner);

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        Become(Manner.Refuse);
        await _accepting;
        _ending.Dispose();
    }

    private void Become(Manner manner)
    {
        _manner = manner;
        foreach (var socket in _open.Keys)
        {
            socket.Close(0);
        }
    }

    private async Task AcceptAsync()
    {
        var carrying = new List<Task>();
        try
        {
            while (true)
            {
                var near = await _listener.AcceptSocketAsync(_ending.Token);
                Interlocked.Increment(ref _asked);
                carrying.Add(CarryAsync(near));
            }
        }
        catch (Exception failure) when (_ending.IsCancellationRequested && failure is OperationCanceledException or InvalidOperationException or ObjectDisposedException)
        {
            // A listener that is stopped between two calls says that it does not listen.
            await Task.WhenAll(carrying);
        }
    }

    private async Task CarryAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        _open[near] = 0;
        try
        {
            switch (_manner)
            {
                case Manner.LetIn:
                    await far.ConnectAsync(IPAddress.Loopback, _port, _ending.Token);
                    await Task.WhenAny(CopyAsync(near, far, hides: false), CopyAsync(far, near, HidesStandby));
                    break;
                case Manner.Refuse:
                    await RefuseAsync(near);
                    near.Shutdown(SocketShutdown.Both);
                    break;
                case Manner.Silent:
                    await Task.Delay(Timeout.Infinite, _ending.Token);
                    break;
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException or OperationCanceledException or EndOfStreamException)
        {
            // Whoever came went.
        }
        finally
        {
            _open.TryRemove(near, out _);
            near.Dispose();
        }
    }

    private async Task RefuseAsync(Socket near)
    {
        var packet = new byte[RequestSize];
        while (true)
        {
            await ReadAsync(near, packet);
            if (BinaryPrimitives.ReadInt32BigEndian(packet.AsSpan(4)) is not (SslRequest or GssRequest))
            {
                break;
            }

            await near.SendAsync("N"u8.ToArray(), _ending.Token);
        }

        await ReadAsync(near, new byte[BinaryPrimitives.ReadInt32BigEndian(packet) - RequestSize]);
        await near.SendAsync(Recovering, _ending.Token);
    }

    private async Task ReadAsync(Socket from, byte[] whole)
    {
        for (int at = 0, read; at < whole.Length; at += read)
        {
            read = await from.ReceiveAsync(whole.AsMemory(at), _ending.Token);
            if (read == 0)
            {
                throw new EndOfStreamException();
            }
        }
    }

    private static byte[] Error(ReadOnlySpan<byte> fields)
    {
        byte[] message = [(byte)'E', 0, 0, 0, 0, .. fields];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), message.Length - 1);
        return message;
    }

    private static async Task CopyAsync(Socket from, Socket to, bool hides)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer.AsMemory(), CancellationToken.None)) > 0;)
            {
                if (hides && buffer.AsSpan(0, read).IndexOf("in_hot_standby"u8) is >= 0 and var at)
                {
                    "hidden_setting"u8.CopyTo(buffer.AsSpan(at));
                }

                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), CancellationToken.None);
                }
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // The session was ended.
        }
    }
}
