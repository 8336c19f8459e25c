using System.Net;
using System.Net.Sockets;

namespace DChat.TestKit;

/// <summary>A port that takes every connection and resets it at once: some while the client still looks at its new socket.</summary>
public sealed class ResettingPort : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ResettingPort()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        new Thread(Reset) { IsBackground = true }.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose() => _listener.Dispose();

    private void Reset()
    {
        try
        {
            while (true)
            {
                using var taken = _listener.Accept();
                taken.LingerState = new LingerOption(true, 0);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
