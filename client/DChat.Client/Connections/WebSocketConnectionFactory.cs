using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;

namespace DChat.Client.Connections;

/// <summary>Opens the WebSocket under a SignalR <c>HubConnection</c>, without negotiation.</summary>
/// <param name="invoker">The HTTP stack for the upgrade request.</param>
/// <param name="token">Gives the access token of the moment; null sends none.</param>
public sealed class WebSocketConnectionFactory(HttpMessageInvoker invoker, Func<CancellationToken, ValueTask<string?>> token) : IConnectionFactory
{
    /// <summary>Opens a WebSocket to a <see cref="UriEndPoint"/> with scheme <c>ws</c> or <c>wss</c>.</summary>
    /// <exception cref="UpgradeRefusedException">The server answered, but not with a WebSocket.</exception>
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var uri = ((UriEndPoint)endpoint).Uri;
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.CollectHttpResponseDetails = true;
            if (await token(cancellationToken).ConfigureAwait(false) is { } bearer)
            {
                socket.Options.SetRequestHeader("Authorization", "Bearer " + bearer);
            }

            await socket.ConnectAsync(uri, invoker, cancellationToken).ConfigureAwait(false);
            return new WebSocketConnection(socket, endpoint);
        }
        catch (WebSocketException e) when ((int)socket.HttpStatusCode is >= 300)
        {
            var status = socket.HttpStatusCode;
            socket.Dispose();
            throw new UpgradeRefusedException(status, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>The server answered the upgrade request with an HTTP status instead of a WebSocket.</summary>
public sealed class UpgradeRefusedException(HttpStatusCode status, Exception inner)
    : IOException($"The server answered {(int)status} ({status}) instead of opening a connection.", inner)
{
    /// <summary>What it answered; 401 means that the access token is not accepted.</summary>
    public HttpStatusCode Status { get; } = status;
}
