using System.Net;

namespace DChat.Server.Nodes;

/// <summary>Addresses that mean, on every machine, that machine itself.</summary>
internal static class LoopbackHost
{
    public const string Default = "127.0.0.1";

    /// <param name="host">An address without brackets, or a name.</param>
    public static bool Is(string host) => host == "localhost" || (IPAddress.TryParse(host, out var ip) && IPAddress.IsLoopback(ip));
}
