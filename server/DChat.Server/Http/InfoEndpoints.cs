using DChat.Protocol;
using DChat.Server.Cli;

namespace DChat.Server.Http;

/// <summary>What anyone may know: the server's version and limits, and whether it lives and is ready.</summary>
internal sealed class InfoEndpoints(ServerOptions options, ServerInfo server, IEnumerable<IReadiness> parts) : IApiEndpoints
{
    public void Map(ApiRouter router)
    {
        router.Get("/api/info", ApiAccess.Anyone, _ => Task.FromResult(Describe()));
        router.Get("/health/live", ApiAccess.Anyone, _ => Task.FromResult(Results.Text("live\n")));
        router.Get("/health/ready", ApiAccess.Anyone, ReadyAsync);
        router.Post("/chat/negotiate", ApiAccess.Anyone, _ => throw new ApiException(
            ErrorCodes.SkipNegotiation, "Connect with WebSockets and skip the negotiation (skipNegotiation: true)."));
    }

    private IResult Describe() => ApiCall.Json(
        new InfoAnswer(server.Version, server.Protocol, server.Worker, server.Limits, options.Registration.ToString().ToLowerInvariant()),
        ProtocolJson.Wire.InfoAnswer);

    private async Task<IResult> ReadyAsync(ApiCall call)
    {
        foreach (var part in parts)
        {
            if (await part.WhyNotReadyAsync(call.Aborted) is { } why)
            {
                throw new ApiException(ErrorCodes.Unavailable, why);
            }
        }

        return Results.Text("ready\n");
    }
}

/// <summary>A part of the server without which it should get no traffic. Register as many as there are.</summary>
public interface IReadiness
{
    /// <summary>Null when it is ready; else why not, for people. Quick, and throws nothing.</summary>
    ValueTask<string?> WhyNotReadyAsync(CancellationToken cancellation);
}
