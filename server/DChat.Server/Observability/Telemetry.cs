using System.Collections;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace DChat.Server.Observability;

/// <summary>Sends metrics (and, by the logger, logs) to an OpenTelemetry collector, where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names one; its other variables are the exporter's own.</summary>
internal sealed class Telemetry : IHostedService, IDisposable
{
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Prefix = "OTEL_";
    private MeterProvider? _provider;

    /// <summary>The exporter's own settings, which the server's configuration otherwise does not hold.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Variables() =>
        from DictionaryEntry variable in Environment.GetEnvironmentVariables()
        where variable.Key is string name && name.StartsWith(Prefix, StringComparison.Ordinal)
        select new KeyValuePair<string, string?>((string)variable.Key, variable.Value as string);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter(DChatMetrics.MeterName, "System.Runtime")
            .AddOtlpExporter()
            .Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what is left.</summary>
    public void Dispose() => _provider?.Dispose();
}
