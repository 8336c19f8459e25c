using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace DChat.Server.EtcdMembers;

/// <summary>
/// A port of the loopback on which nobody listens, below those that the system gives by itself: else a connection of somebody could have it
/// while the child is started again.
/// </summary>
internal static class LoopbackPort
{
    private const int First = 20_000;
    private const int UsualSystemFirst = 32_768;
    private const int Tries = 1_000;
    private const string SystemRange = "/proc/sys/net/ipv4/ip_local_port_range";

    /// <param name="except">Ports that this process will listen on itself, and does not yet.</param>
    public static int Free(params IEnumerable<int> except)
    {
        var end = SystemFirst();
        for (var i = 0; i < Tries; i++)
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, end > First ? Random.Shared.Next(First, end) : 0));
                if (((IPEndPoint)socket.LocalEndPoint!).Port is var port && !except.Contains(port))
                {
                    return port;
                }
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // Another one.
            }
        }

        throw new IOException("no port of the loopback is free");
    }

    private static int SystemFirst() =>
        File.Exists(SystemRange) && int.TryParse(File.ReadAllText(SystemRange).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            ? first
            : UsualSystemFirst;
}
