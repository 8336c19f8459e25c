using System.Security.Cryptography;
using System.Text;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Http;
using DChat.Server.Security;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Transport;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace DChat.Server.Worker.Hub;

/// <summary>
/// <c>/chat</c>: takes a WebSocket (RFC 6455, section 4.2) and speaks the SignalR JSON hub protocol on the bare connection,
/// because one frame for many clients is what makes fan-out cheap.
/// </summary>
internal sealed class HubEndpoint(
    SessionAuthenticator authenticator,
    ChatGateway gateway,
    HubDispatcher dispatcher,
    OutboxBudget budget,
    ConnectionLimits connections,
    LimitsOptions limits)
{
    /// <summary>RFC 6455, 1.3: what the server proves with that it understood the handshake.</summary>
    private const string AcceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private const string SupportedVersion = "13";

    public async Task HandleAsync(HttpContext context)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        var key = context.Request.Headers.SecWebSocketKey.ToString();
        if (upgrade is not { IsUpgradableRequest: true }
            || !context.Request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase)
            || context.Request.Headers.SecWebSocketVersion != SupportedVersion
            || !IsKey(key))
        {
            context.Response.Headers.SecWebSocketVersion = SupportedVersion;
            await ProblemResults.WriteAsync(context, StatusCodes.Status400BadRequest, ErrorCodes.InvalidArgument, "This address takes WebSockets, version 13, only.").ConfigureAwait(false);
            return;
        }

        if (gateway.IsDraining)
        {
            await ProblemResults.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, ErrorCodes.Unavailable, "This worker is going away; connect to another.").ConfigureAwait(false);
            return;
        }

        using var place = connections.TryTake(context.Connection.RemoteIpAddress);
        if (place is null)
        {
            await ProblemResults.WriteAsync(context, StatusCodes.Status429TooManyRequests, ErrorCodes.RateLimited, "There are too many connections.").ConfigureAwait(false);
            return;
        }

        var session = await authenticator.AuthenticateAsync(TokenOf(context.Request), context.RequestAborted).ConfigureAwait(false);
        if (session is null)
        {
            await ProblemResults.WriteAsync(context, StatusCodes.Status401Unauthorized, ErrorCodes.NotSignedIn, "Sign in first: the access token is missing, expired or ended.").ConfigureAwait(false);
            return;
        }

        var user = gateway.UserOf(session.User);
        var transport = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport;
        var connection = new ChatConnection(transport, context.Abort, session, user, dispatcher, budget, limits.HubCallBytes, limits.OpenRequests);
        if (!user.Add(connection))
        {
            await ProblemResults.WriteAsync(context, StatusCodes.Status429TooManyRequests, ErrorCodes.RateLimited, "The account has too many connections.").ConfigureAwait(false);
            return;
        }

        try
        {
            context.Response.Headers.Upgrade = "websocket";
            context.Response.Headers[HeaderNames.SecWebSocketAccept] = Accept(key);
            await upgrade.UpgradeAsync().ConfigureAwait(false);
        }
        catch
        {
            user.Remove(connection);
            throw;
        }

        // From here on the connection's bytes are ours; ending this call closes it.
        await gateway.RunAsync(connection).ConfigureAwait(false);
    }

    private static string? TokenOf(HttpRequest request)
    {
        const string scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..].Trim() : request.Query["access_token"].ToString();
    }

    private static bool IsKey(string key)
    {
        Span<byte> bytes = stackalloc byte[18];
        return key.Length == 24 && Convert.TryFromBase64String(key, bytes, out var length) && length == 16;
    }

    private static string Accept(string key) =>
#pragma warning disable CA5350 // RFC 6455 asks for SHA-1; nothing is protected by it.
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptSuffix)));
#pragma warning restore CA5350
}
