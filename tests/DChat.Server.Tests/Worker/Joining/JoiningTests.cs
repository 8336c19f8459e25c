using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace DChat.Server.Tests.Worker.Joining;

public sealed class JoiningTests
{
    [Fact]
    public async Task Whoever_registers_has_the_registry_already()
    {
        using var folder = new TemporaryFolder();
        var port = FreePort.Next();
        var secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
        await using var coordinator = await InProcessServer.StartAsync(options => options with { Mode = ServerMode.Coordinator, NodePort = port, ClusterSecret = secret });
        var registry = coordinator.Services.GetRequiredService<RegistryReplica>();
        var replica = new RegistryReplica(TimeProvider.System);
        var seen = new Registrations(replica);
        using var watching = registry.Subscribe(seen, out var before);
        Assert.True(before.Index > 0);

        await using var worker = await InProcessServer.StartAsync(
            options => options with { Mode = ServerMode.Worker, ClusterSecret = secret, Coordinators = $"127.0.0.1:{port}", Store = EngineUrl.Under(folder.Path, "sqlite", "messages.db") },
            builder => builder.Services.Replace(ServiceDescriptor.Singleton(replica)));

        Assert.InRange(Assert.Single(seen.IndexesOfWorker), before.Index, registry.Index);
    }

    /// <summary>Notes up to where a worker has the registry when it is registered.</summary>
    private sealed class Registrations(RegistryReplica worker) : IRegistryObserver
    {
        public List<long> IndexesOfWorker { get; } = [];

        public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
        {
            foreach (var _ in entry.Records.SelectMany(record => record.Events).OfType<WorkerRegistered>())
            {
                IndexesOfWorker.Add(worker.Index);
            }
        }

        public void Replaced(RegistryState before, RegistryState after) => Assert.Fail("nothing is replaced");
    }
}
