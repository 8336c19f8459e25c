using DChat.Protocol;
using DChat.Server.Http;
using DChat.Server.Security;
using DChat.Server.Worker.Gateway;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace DChat.Server.Worker.Hub;

/// <summary>
/// <c>/chat</c> for requests that reach the web server: those on a connection that it used before (load balancers keep theirs), those with
/// anything unusual in them, and those that are refused, in words.
/// </summary>
internal sealed class HubEndpoint(SessionAuthenticator authenticator, ChatGateway gateway, HubDoor door)
{
    private const string SupportedVersion = "13";
    private const int KeyChars = 24;
    private const int KeyBytes = 16;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

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
            await RefuseAsync(context, StatusCodes.Status400BadRequest, ErrorCodes.InvalidArgument, "This address takes WebSockets, version 13, only.").ConfigureAwait(false);
            return;
        }

        if (gateway.WhyClosed is { } closed)
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, ErrorCodes.Unavailable, closed + " Connect to another.").ConfigureAwait(false);
            return;
        }

        Session? session;
        try
        {
            session = await authenticator.AuthenticateAsync(TokenOf(context.Request), context.RequestAborted).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            const string behind = "This server has not heard of the sign-in yet; try again, or connect to another.";
            await ProblemResults.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, ErrorCodes.Unavailable, behind, RetryAfter).ConfigureAwait(false);
            return;
        }

        if (session is null)
        {
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, ErrorCodes.NotSignedIn, "Sign in first: the access token is missing, expired or ended.").ConfigureAwait(false);
            return;
        }

        var transport = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport;
        if (door.TryAdmit(context.Connection.RemoteIpAddress, session, transport, context.Abort, out var why) is not { } admitted)
        {
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, ErrorCodes.RateLimited, why!).ConfigureAwait(false);
            return;
        }

        using (admitted.Place)
        {
            try
            {
                context.Response.Headers.Upgrade = "websocket";
                context.Response.Headers[HeaderNames.SecWebSocketAccept] = HubDoor.Accept(key);
                await upgrade.UpgradeAsync().ConfigureAwait(false);
            }
            catch
            {
                admitted.Connection.User.Remove(admitted.Connection);
                throw;
            }

            // From here on the connection's bytes are ours; ending this call closes it.
            await gateway.RunAsync(admitted.Connection).ConfigureAwait(false);
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string code, string detail) => ProblemResults.WriteAsync(context, status, code, detail);

    private static string? TokenOf(HttpRequest request)
    {
        const string scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..].Trim() : request.Query["access_token"].ToString();
    }

    private static bool IsKey(string key)
    {
        Span<byte> bytes = stackalloc byte[KeyBytes + 2];
        return key.Length == KeyChars && Convert.TryFromBase64String(key, bytes, out var length) && length == KeyBytes;
    }
}
