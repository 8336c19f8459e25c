using System.Net;
using System.Net.Sockets;

namespace DChat.TestKit;

/// <summary>Ports of this machine on which nobody listens at the moment of the call.</summary>
public static class FreePort
{
    public static int Next()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
