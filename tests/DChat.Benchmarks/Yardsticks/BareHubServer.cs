using System.Text.Json.Serialization;
using DChat.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DChat.Benchmarks.Yardsticks;

/// <summary><c>bare-hub --port P</c>: the yardstick as a process of its own, with SignalR as it comes.</summary>
internal static class BareHubServer
{
    public static async Task<int> RunAsync(int port, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddSignalR().AddJsonProtocol(json =>
            json.PayloadSerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull);
        await using var app = builder.Build();
        app.MapHub<BareHub>(ProtocolVersion.HubPath, hub => hub.Transports = HttpTransportType.WebSockets);
        await app.StartAsync(cancellation);
        Console.WriteLine($"listening {app.Urls.Single()}");
        await app.WaitForShutdownAsync(cancellation);
        return 0;
    }
}
