using DChat.Server.Cli;
using DChat.Server.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry.Logs;

namespace DChat.Server.Observability;

/// <summary>Logs and metrics.</summary>
internal static class ObservabilitySetup
{
    /// <summary>ISO 8601, UTC.</summary>
    public const string TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>Lines that wait to be written, at most: enough for any burst that somebody reads.</summary>
    private const int LinesWaitingMax = 10_000;

    public static void AddObservability(this WebApplicationBuilder builder, ServerOptions options)
    {
        builder.Services.AddSingleton<DChatMetrics>();
        builder.Services.AddSingleton<PrometheusExporter>();
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Telemetry.EndpointVariable)))
        {
            builder.Services.AddHostedService<Telemetry>();
            builder.Configuration.AddInMemoryCollection(Telemetry.Variables());
            builder.Logging.AddOpenTelemetry(logs => logs.SetResourceBuilder(Telemetry.Resource()).AddOtlpExporter());
        }

        builder.Logging.SetMinimumLevel(options.LogLevel);

        // The framework's own request logs hold query strings, and so tokens: whatever the level, only its warnings are written.
        builder.Logging.AddFilter("Microsoft", Max(options.LogLevel, LogLevel.Warning));

        // What it says of a failed start or service is said once, by ServerApp.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);

        // Whoever logs would wait for whoever reads standard output, and everybody logs.
        builder.Services.Configure<ConsoleLoggerOptions>(console => (console.QueueFullMode, console.MaxQueueLength) = (ConsoleLoggerQueueFullMode.DropWrite, LinesWaitingMax));
        if (options.LogFormat == LogFormat.Json)
        {
            builder.Logging.AddJsonConsole(console =>
            {
                console.UseUtcTimestamp = true;
                console.TimestampFormat = TimestampFormat;
            });
        }
        else
        {
            builder.Logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = TimestampFormat + " ";
            });
        }
    }

    /// <summary><c>/metrics</c>, on the node port or at an address of its own. Where nodes speak TLS, the node port asks for a certificate here too.</summary>
    public static void MapObservability(this WebApplication app)
    {
        // Made now, so that it hears the first measurement.
        var exporter = app.Services.GetRequiredService<PrometheusExporter>();
        app.MapGet("/metrics", (HttpContext context) => context.Request.IsHttps && context.Connection.ClientCertificate is null
            ? Results.Text("Show a certificate that --node-tls-ca signed, or read the metrics where --metrics says.\n", statusCode: StatusCodes.Status403Forbidden)
            : Results.Text(exporter.Write(), PrometheusExporter.MediaType)).AsMetrics();
    }

    private static LogLevel Max(LogLevel a, LogLevel b) => a > b ? a : b;
}
