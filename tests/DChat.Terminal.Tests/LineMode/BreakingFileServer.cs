using DChat.Protocol;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DChat.Terminal.Tests.LineMode;

/// <summary>Signs everybody in, and breaks off in the middle of every file.</summary>
internal sealed class BreakingFileServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private BreakingFileServer(WebApplication app) => _app = app;

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <param name="isReceiving">Asked until the client is in the middle of the file.</param>
    public static async Task<BreakingFileServer> StartAsync(Func<bool> isReceiving)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapPost("/api/login", () => new TokenAnswer("cut", "token", "refresh", 300));
        app.MapGet("/api/files/{id}", async (HttpContext context) =>
        {
            context.Response.ContentLength = 1_000_000;
            await context.Response.Body.WriteAsync(new byte[1_000]);
            await context.Response.Body.FlushAsync();
            await Eventually.Holds(isReceiving);
            context.Abort();
        });
        await app.StartAsync();
        return new BreakingFileServer(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
