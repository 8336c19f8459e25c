using DChat.Server.Cli;

namespace DChat.Server.Observability;

/// <summary>Logs and metrics.</summary>
internal static class ObservabilitySetup
{
    public static void AddObservability(this WebApplicationBuilder builder, ServerOptions options)
    {
        builder.Logging.SetMinimumLevel(options.LogLevel);

        // The framework's own request logs hold query strings, and so tokens: whatever the level, only its warnings are written.
        builder.Logging.AddFilter("Microsoft", Max(options.LogLevel, LogLevel.Warning));
        if (options.LogFormat == LogFormat.Json)
        {
            builder.Logging.AddJsonConsole(console => console.UseUtcTimestamp = true);
        }
        else
        {
            builder.Logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
            });
        }
    }

    public static void MapObservability(this WebApplication app)
    {
    }

    private static LogLevel Max(LogLevel a, LogLevel b) => a > b ? a : b;
}
