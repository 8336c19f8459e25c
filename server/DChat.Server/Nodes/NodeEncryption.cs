using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DChat.Server.Nodes;

/// <summary>
/// TLS on the node port, or none. Who speaks none where it is spoken hears nothing; and each who does not get through is told of, as the web server says nothing of it.
/// </summary>
internal static class NodeEncryption
{
    private const string NoTls = "it does not speak TLS, as this node does: give it --node-tls-certificate, --node-tls-key and --node-tls-ca too";

    private const string OnlyTls = "it speaks TLS, and this node does not: give this one --node-tls-certificate, --node-tls-key and --node-tls-ca too";

    private const string NotThrough = "TLS did not come about: one of the two shows a certificate that the other's --node-tls-ca did not sign, or one that is not valid now";

    /// <summary>How TLS begins: a record that is a handshake (RFC 8446, 5.1).</summary>
    private const byte HandshakeRecord = 22;

    /// <summary>How long a fresh connection may take to say anything.</summary>
    private static readonly TimeSpan FirstLimit = TimeSpan.FromSeconds(5);

    /// <summary>Marks a connection that speaks TLS.</summary>
    private sealed class Secured
    {
        public static readonly Secured Instance = new();
    }

    /// <param name="refused">Is told from where somebody came who did not get through, and why.</param>
    public static void UseTlsOnly(this ListenOptions listen, NodeTls tls, Action<IPAddress?, string> refused)
    {
        listen.Use(next => connection => HandleAsync(connection, next, why => refused((connection.RemoteEndPoint as IPEndPoint)?.Address, why)));
        listen.UseHttps(tls.ForServer);
        listen.Use(next => connection =>
        {
            connection.Features.Set(Secured.Instance);
            return next(connection);
        });
    }

    /// <param name="refused">Is told from where somebody came who speaks TLS, and why that is refused.</param>
    public static void UseNoTls(this ListenOptions listen, Action<IPAddress?, string> refused) => listen.Use(next => async connection =>
    {
        switch (await FirstByteAsync(connection))
        {
            case null:
                return;
            case HandshakeRecord:
                refused((connection.RemoteEndPoint as IPEndPoint)?.Address, OnlyTls);
                return;
            default:
                await next(connection);
                return;
        }
    });

    private static async Task HandleAsync(ConnectionContext connection, ConnectionDelegate next, Action<string> refused)
    {
        switch (await FirstByteAsync(connection))
        {
            case null:
                return; // Somebody looked whether anybody listens here.
            case HandshakeRecord:
                await next(connection);
                if (connection.Features.Get<Secured>() is null)
                {
                    refused(NotThrough);
                }

                return;
            default:
                refused(NoTls);
                return;
        }
    }

    /// <summary>Looks at it and leaves it there; null: nothing came.</summary>
    private static async Task<byte?> FirstByteAsync(ConnectionContext connection)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        limit.CancelAfter(FirstLimit);
        try
        {
            var read = await connection.Transport.Input.ReadAsync(limit.Token);
            var first = read.Buffer.IsEmpty ? default(byte?) : read.Buffer.FirstSpan[0];
            connection.Transport.Input.AdvanceTo(read.Buffer.Start);
            return first;
        }
        catch (Exception left) when (left is IOException or OperationCanceledException)
        {
            return null;
        }
    }
}
