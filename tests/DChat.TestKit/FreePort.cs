using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace DChat.TestKit;

/// <summary>
/// Ports of this machine on which nobody listens at the moment of the call, each given once. They lie outside of the range from which the
/// system gives ports to connections and to listeners that ask for any, so that nobody takes one before it is used, or while a server restarts.
/// </summary>
public static class FreePort
{
    private const int First = 10_240;
    private const int RangeMin = 1_000;
    private const string SystemRange = "/proc/sys/net/ipv4/ip_local_port_range";
    private const int UsualSystemFirst = 32_768;

    private static readonly int End = SystemFirst();
    private static readonly ConcurrentDictionary<int, bool> Given = new();

    public static int Next()
    {
        while (true)
        {
            if (TryTake(End - First >= RangeMin ? Random.Shared.Next(First, End) : 0) is { } port)
            {
                return port;
            }
        }
    }

    /// <summary>A port such that it and those so far above it are free: for what counts its ports from one that it is told.</summary>
    public static int WithOthersAbove(params int[] offsets)
    {
        while (true)
        {
            var port = Random.Shared.Next(First, End - offsets.Max());
            if (offsets.Prepend(0).All(offset => TryTake(port + offset) is not null))
            {
                return port;
            }
        }
    }

    private static int? TryTake(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return null;
        }

        port = ((IPEndPoint)listener.LocalEndpoint).Port;
        return Given.TryAdd(port, true) ? port : null;
    }

    /// <summary>The first port that the system gives by itself.</summary>
    private static int SystemFirst() => File.Exists(SystemRange)
        ? int.Parse(File.ReadAllText(SystemRange).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture)
        : UsualSystemFirst;
}
