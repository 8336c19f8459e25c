using System.Net;
using System.Net.Sockets;

namespace DChat.Client.Connections;

/// <summary>Makes the handler under all HTTP calls and WebSockets: names are resolved anew for every connection, and every address that a name has is tried.</summary>
internal static class NetworkHandler
{
    /// <summary>How long one address may take to accept, before the next one is tried.</summary>
    private static readonly TimeSpan AddressTimeout = TimeSpan.FromSeconds(4);

    /// <summary>Pooled connections are replaced after it, so that a changed name is noticed.</summary>
    private static readonly TimeSpan PooledLifetime = TimeSpan.FromMinutes(1);

    public static SocketsHttpHandler Create(TimeProvider time) => new()
    {
        PooledConnectionLifetime = PooledLifetime,
        AutomaticDecompression = DecompressionMethods.All,
        UseCookies = false,
        ConnectCallback = (context, cancel) => ConnectAsync(context.DnsEndPoint, time, cancel),
    };

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint endPoint, TimeProvider time, CancellationToken cancel)
    {
        var addresses = await Dns.GetHostAddressesAsync(endPoint.Host, cancel).ConfigureAwait(false);
        Random.Shared.Shuffle(addresses);
        Exception? failure = null;
        foreach (var address in addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var limit = new CancellationTokenSource(AddressTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, endPoint.Port), either.Token).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException && !cancel.IsCancellationRequested)
            {
                socket.Dispose();
                failure = e is SocketException ? e : new SocketException((int)SocketError.TimedOut);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }
}
