using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Observability;
using DChat.Server.Security;

namespace DChat.Server.Http;

/// <summary>A feature's part of the HTTP API.</summary>
internal interface IApiEndpoints
{
    void Map(ApiRouter router);
}

/// <summary>Maps endpoints, each with who may call it, and turns what goes wrong in them into problem documents.</summary>
internal sealed class ApiRouter(IEndpointRouteBuilder routes, SessionAuthenticator authenticator, RegistryReplica replica, DChatMetrics metrics, TimeProvider time)
{
    private const string BearerScheme = "Bearer ";

    public void Get(string route, ApiAccess access, Func<ApiCall, Task<IResult>> handle) => Map(HttpMethods.Get, route, access, handle);

    public void Post(string route, ApiAccess access, Func<ApiCall, Task<IResult>> handle) => Map(HttpMethods.Post, route, access, handle);

    public void Patch(string route, ApiAccess access, Func<ApiCall, Task<IResult>> handle) => Map(HttpMethods.Patch, route, access, handle);

    public void Put(string route, ApiAccess access, Func<ApiCall, Task<IResult>> handle) => Map(HttpMethods.Put, route, access, handle);

    public void Delete(string route, ApiAccess access, Func<ApiCall, Task<IResult>> handle) => Map(HttpMethods.Delete, route, access, handle);

    private void Map(string method, string route, ApiAccess access, Func<ApiCall, Task<IResult>> handle) => routes.MapMethods(route, [method], async context =>
    {
        var started = time.GetTimestamp();
        var result = await RunAsync(context, access, handle);
        await result.ExecuteAsync(context);
        metrics.HttpRequests.Record(
            time.GetElapsedTime(started).TotalSeconds,
            new KeyValuePair<string, object?>("route", route),
            new KeyValuePair<string, object?>("status", context.Response.StatusCode));
    });

    private async Task<IResult> RunAsync(HttpContext context, ApiAccess access, Func<ApiCall, Task<IResult>> handle)
    {
        try
        {
            return await handle(new ApiCall(context, await AdmitAsync(context, access)));
        }
        catch (ApiException e)
        {
            metrics.Refusals.Add(1, new KeyValuePair<string, object?>("code", e.Code));
            return ProblemResults.Problem(e.Status, e.Code, e.Message, e.RetryAfter);
        }
        catch (Exception e) when (e is TimeoutException or MessageStoreUnavailableException or BlobStoreUnavailableException or ControlLogUnavailableException)
        {
            return ProblemResults.Problem(StatusCodes.Status503ServiceUnavailable, ErrorCodes.Unavailable, "The server can not do that now; try again.", RetryAfter);
        }
    }

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private async Task<Session?> AdmitAsync(HttpContext context, ApiAccess access)
    {
        if (access == ApiAccess.Anyone)
        {
            return null;
        }

        var header = context.Request.Headers.Authorization.ToString();
        var token = header.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase) ? header[BearerScheme.Length..].Trim() : null;
        if (await authenticator.AuthenticateAsync(token, context.RequestAborted) is not { } session)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            throw new ApiException(ErrorCodes.NotSignedIn, "Sign in: send Authorization: Bearer with an access token that has not expired.");
        }

        if (access == ApiAccess.Person && session.IsBot)
        {
            throw new ApiException(ErrorCodes.Forbidden, "A bot's token can not do that.");
        }

        if (access == ApiAccess.Administrator && !replica.State.IsAdministrator(session.User))
        {
            throw new ApiException(ErrorCodes.Forbidden, "Only an administrator can do that.");
        }

        return session;
    }
}
