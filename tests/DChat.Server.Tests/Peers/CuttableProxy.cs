using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace DChat.Server.Tests.Peers;

/// <summary>A way to a port that can be cut and mended, and on which what comes back can be held up.</summary>
internal sealed class CuttableProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly int _port;
    private readonly Task _accepting;
    private volatile bool _isCut;
    private volatile TaskCompletionSource? _held;
    private long _sent;

    public CuttableProxy(int port)
    {
        _port = port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Bytes that went this way to the port.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Resets what is open and what comes, until mended.</summary>
    public void Cut()
    {
        _isCut = true;
        foreach (var socket in _open.Keys)
        {
            socket.Close(0);
        }
    }

    public void Mend() => _isCut = false;

    /// <summary>Whoever uses this way hears nothing from the port, until released.</summary>
    public void Hold() => _held ??= new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release()
    {
        var held = _held;
        _held = null;
        held?.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        Cut();
        Release();
        await _accepting;
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        var carrying = new List<Task>();
        try
        {
            while (true)
            {
                var near = await _listener.AcceptSocketAsync(_ending.Token);
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
        using var held = near;
        near.NoDelay = true;
        _open[near] = _open[far] = 0;
        try
        {
            if (!_isCut)
            {
                await far.ConnectAsync(IPAddress.Loopback, _port, _ending.Token);
                await Task.WhenAny(CopyAsync(near, far, Count), CopyAsync(far, near, _ => _held?.Task ?? Task.CompletedTask));
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The other end hears of it below.
        }
        finally
        {
            _open.TryRemove(near, out _);
            _open.TryRemove(far, out _);
            near.Close(0);
            far.Close(0);
        }
    }

    private Task Count(int bytes)
    {
        Interlocked.Add(ref _sent, bytes);
        return Task.CompletedTask;
    }

    private static async Task CopyAsync(Socket from, Socket to, Func<int, Task> pass)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer.AsMemory(), CancellationToken.None)) > 0;)
            {
                await pass(read);
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), CancellationToken.None);
                }
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // The connection was cut.
        }
    }
}
