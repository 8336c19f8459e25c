using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Security;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Transport;
using Microsoft.AspNetCore.Connections;

namespace DChat.Server.Worker.Hub;

/// <summary>
/// Where clients' connections come in. A fresh connection whose first words are a WebSocket request for the hub by somebody signed in
/// is taken here, before the web server allocates anything for it; every other goes on to the web server, and so does whatever is to
/// be refused, which <see cref="HubEndpoint"/> then does in words.
/// </summary>
internal sealed class HubDoor(
    SessionAuthenticator authenticator,
    ChatGateway gateway,
    HubDispatcher dispatcher,
    OutboxBudget budget,
    ConnectionLimits connections,
    LimitsOptions limits)
{
    /// <summary>RFC 6455, 1.3: what the server proves with that it understood the handshake.</summary>
    private const string AcceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>How long a fresh connection may take to say what it wants.</summary>
    private static readonly TimeSpan HeadLimit = TimeSpan.FromSeconds(15);

    private static readonly byte[] Path = Encoding.ASCII.GetBytes(ProtocolVersion.HubPath);

    /// <summary>What a client's key is answered (RFC 6455, 4.2.2).</summary>
    public static string Accept(string key) =>
#pragma warning disable CA5350 // RFC 6455 asks for SHA-1; nothing is protected by it.
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptSuffix)));
#pragma warning restore CA5350

    public async Task HandleAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        Admitted? admitted;
        try
        {
            admitted = await AdmitAsync(connection).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or InvalidOperationException)
        {
            return; // The client left before it was in.
        }

        if (admitted is null)
        {
            await next(connection).ConfigureAwait(false);
            return;
        }

        using (admitted.Place)
        {
            await gateway.RunAsync(admitted.Connection).ConfigureAwait(false);
        }
    }

    /// <summary>A place for the session's connection; null, with the reason, where there is none.</summary>
    public Admitted? TryAdmit(IPAddress? address, Session session, IDuplexPipe transport, Action abort, out string? why)
    {
        why = null;
        var place = connections.TryTake(address);
        if (place is null)
        {
            why = "There are too many connections.";
            return null;
        }

        var user = gateway.UserOf(session.User);
        var connection = new ChatConnection(transport, abort, session, user, dispatcher, budget, limits.HubCallBytes, limits.OpenRequests);
        if (user.Add(connection))
        {
            return new Admitted(connection, place);
        }

        place.Dispose();
        why = "The account has too many connections.";
        return null;
    }

    private async ValueTask<Admitted?> AdmitAsync(ConnectionContext connection)
    {
        var request = await ReadAsync(connection).ConfigureAwait(false);
        if (request?.Token is null || gateway.WhyClosed is not null)
        {
            return null;
        }

        Session? session;
        try
        {
            session = await authenticator.AuthenticateAsync(request.Token, connection.ConnectionClosed).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null; // The registry here is behind the token: the endpoint waits once more, and says so.
        }

        if (session is null)
        {
            return null;
        }

        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        var admitted = TryAdmit(address, session, connection.Transport, connection.Abort, out _);
        if (admitted is null)
        {
            return null;
        }

        try
        {
            await AnswerAsync(connection, request).ConfigureAwait(false);
            return admitted;
        }
        catch
        {
            admitted.Connection.User.Remove(admitted.Connection);
            admitted.Place.Dispose();
            throw;
        }
    }

    private static async ValueTask AnswerAsync(ConnectionContext connection, UpgradeRequest request)
    {
        // The head was looked at only; now it is taken.
        var head = await connection.Transport.Input.ReadAsync(connection.ConnectionClosed).ConfigureAwait(false);
        connection.Transport.Input.AdvanceTo(head.Buffer.GetPosition(request.HeadBytes));
        var answer = $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {Accept(request.Key)}\r\n\r\n";
        Encoding.ASCII.GetBytes(answer, connection.Transport.Output);
        await connection.Transport.Output.FlushAsync(connection.ConnectionClosed).ConfigureAwait(false);
    }

    /// <summary>Looks at a fresh connection's first bytes and leaves them where they are; null: the web server's.</summary>
    private static async ValueTask<UpgradeRequest?> ReadAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        using var limit = new CancellationTokenSource(HeadLimit);
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(limit.Token).ConfigureAwait(false);
                var request = UpgradeRequest.TryRead(read.Buffer, Path, out var needsMore);
                if (needsMore && !read.IsCompleted)
                {
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    continue;
                }

                input.AdvanceTo(read.Buffer.Start);
                return request;
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return null; // The web server has limits of its own for the silent and the slow.
        }
    }
}

/// <param name="Place">Given back when the connection has ended.</param>
internal sealed record Admitted(ChatConnection Connection, IDisposable Place);
