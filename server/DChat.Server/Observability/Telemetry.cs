using System.Collections;
using DChat.Server.Cli;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

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

    /// <summary>Who sends: <c>dchat-server</c>, unless <c>OTEL_SERVICE_NAME</c> says otherwise.</summary>
    public static ResourceBuilder Resource() =>
        ResourceBuilder.CreateEmpty().AddService("dchat-server", serviceVersion: ConfigVerbs.ProductVersion).AddTelemetrySdk().AddEnvironmentVariableDetector();

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter(DChatMetrics.MeterName, "System.Runtime")
            .SetResourceBuilder(Resource())
            .AddOtlpExporter()
            .Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what is left.</summary>
    public void Dispose() => _provider?.Dispose();
}
