using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Gateway;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Worker;

/// <summary>A worker's life: it registers with the leader before it serves, and asks its clients to go elsewhere before it stops.</summary>
internal sealed partial class WorkerService(
    WorkerIdentity identity,
    RegistryCalls registry,
    ChatGateway gateway,
    ServerOptions options,
    IHostApplicationLifetime lifetime,
    ILogger<WorkerService> log) : IHostedService
{
    private const int Capacity = 100;
    private Task draining = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var address = $"{options.NodeHost}:{options.EffectiveNodePort}";
        var command = new RegisterWorker(
            "register-" + identity.Incarnation,
            "",
            registry.Now(),
            identity.Id,
            address,
            identity.Incarnation,
            Capacity,
            [],
            WorkerState.Active);
        var registered = await registry.CommitAsync(command).ConfigureAwait(false);
        if (registered.Error is { } error)
        {
            throw new InvalidOperationException($"the worker could not register: {error.Format()}");
        }

        Registered(log, identity.Id, registered.Value!);

        // As soon as a stop is asked for: the web server waits for its connections to end.
        lifetime.ApplicationStopping.Register(() => draining = gateway.DrainAsync());
    }

    public Task StopAsync(CancellationToken cancellationToken) => draining;

    [LoggerMessage(2001, LogLevel.Information, "worker {Worker} is registered; its rooms have epoch {Epoch} or higher")]
    private static partial void Registered(ILogger log, string worker, string epoch);
}
