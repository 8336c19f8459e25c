namespace DChat.Server;

/// <summary>A service that ended by an exception stops the host; here it is said why, once. Registered first, it hears of every other.</summary>
internal sealed partial class ServiceFailures(IServiceProvider provider, IHostApplicationLifetime lifetime, ILogger<ServiceFailures> logger) : IHostedService
{
    private BackgroundService[] _services = [];

    /// <summary>The first one's; null: none failed.</summary>
    public Exception? First => Failed().Select(service => service.ExecuteTask!.Exception!.InnerException!).FirstOrDefault();

    // Not by the constructor: this is one of them. Not when the host stops: a start that failed may have disposed the provider by then.
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _services = [.. provider.GetServices<IHostedService>().OfType<BackgroundService>()];
        lifetime.ApplicationStopping.Register(Say);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Say()
    {
        foreach (var service in Failed())
        {
            Log.ServiceFailed(logger, service.GetType().Name, service.ExecuteTask!.Exception!.InnerException!);
        }
    }

    private IEnumerable<BackgroundService> Failed() => _services.Where(service => service.ExecuteTask is { IsFaulted: true });

    private static partial class Log
    {
        [LoggerMessage(EventId = 1000, Level = LogLevel.Critical, Message = "{Service} failed; the server stops")]
        public static partial void ServiceFailed(ILogger logger, string service, Exception exception);
    }
}
