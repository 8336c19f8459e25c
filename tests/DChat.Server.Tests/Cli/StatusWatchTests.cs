using System.Net;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Tests.Cli;

/// <summary><c>status --watch</c>: what one looks at while things break.</summary>
public sealed class StatusWatchTests
{
    [Theory]
    [InlineData("1 account ", "2 accounts")]
    [InlineData("\"accounts\":1", "\"accounts\":2", "--json")]
    public async Task It_goes_on_whatever_it_is_answered_until_it_is_asked_to_stop(string before, string after, params string[] flags)
    {
        var (asked, signedIn) = (0, 0);
        await using var server = await StartAsync(
            () => (++asked, signedIn) switch
            {
                (1, _) => Results.Json(Status(1), ProtocolJson.Wire.ClusterStatus),
                (2, _) => Results.Json(new Problem(null, "unavailable", 503, ErrorCodes.Unavailable, "No coordinator leads."), ProtocolJson.Wire.Problem, statusCode: 503),
                (_, 1) => Results.Json(new Problem(null, "not signed in", 401, ErrorCodes.NotSignedIn, "Sign in."), ProtocolJson.Wire.Problem, statusCode: 401), // The token ran out.
                _ => Results.Json(Status(2), ProtocolJson.Wire.ClusterStatus),
            },
            () => signedIn++);
        var (code, output, error) = await ServerProcess.RunAsync(
            ["status", "--watch", .. flags, "--server", server.Urls.Single()], new Dictionary<string, string> { ["DCHAT_ADMIN_PASSWORD"] = "any" }, until: after);
        Assert.Equal((CommandLine.Success, 2), (code, signedIn));
        Assert.InRange(output.IndexOf(before, StringComparison.Ordinal), 0, output.IndexOf(after, StringComparison.Ordinal));
        Assert.Equal("No coordinator leads. (looking again)", error.Trim());
    }

    private static ClusterStatus Status(int accounts) => new("127.0.0.1:9000", 1, 1, 0, accounts, 0, 0, 0, []);

    /// <summary>Calls come one after the other: there is one who asks.</summary>
    private static async Task<WebApplication> StartAsync(Func<IResult> status, Action signIn)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.MapPost("/api/login", () =>
        {
            signIn();
            return Results.Json(new TokenAnswer("admin", "a", "r", 300), ProtocolJson.Wire.TokenAnswer);
        });
        app.MapGet("/api/admin/status", status);
        await app.StartAsync().Within();
        return app;
    }
}
