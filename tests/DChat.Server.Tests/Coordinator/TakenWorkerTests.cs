using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Tests.Peers;
using DChat.Server.Worker.Joining;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Two processes with one worker's id, as from a data folder that was copied: one takes part, and the other is told why it does not.</summary>
public sealed class TakenWorkerTests
{
    [Fact]
    public async Task While_a_worker_lives_nobody_takes_its_place()
    {
        var secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
        await using var coordinator = await InProcessServer.StartAsync(options => options with { Mode = ServerMode.Coordinator, NodePort = FreePort.Next(), ClusterSecret = secret });
        var registry = coordinator.Services.GetRequiredService<RegistryReplica>();
        await using var first = await AskingWorker.JoinAsync(coordinator, secret, "w");

        var (link, refused) = await AskingWorker.AskAsync(coordinator, secret, "w", "i2");
        await link.DisposeAsync();
        Assert.True(refused.IsTaken);
        Assert.Contains("--data folder of its own", refused.Error, StringComparison.Ordinal);
        Assert.True(first.IsUp);
        Assert.Equal("i1", registry.State.FindWorker("w")!.Incarnation);

        first.End("it dies");
        await Eventually.Holds(async () =>
        {
            var (again, admission) = await AskingWorker.AskAsync(coordinator, secret, "w", "i2");
            await again.DisposeAsync();
            return admission.Error is null;
        });
        Assert.Equal("i2", registry.State.FindWorker("w")!.Incarnation);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whose_place_was_taken_while_nobody_heard_it_ends_and_leaves_the_other_alone(bool lives)
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1);
        var worker = cluster.Workers[0];
        worker.Server.Log.ExpectErrors(lives ? "cannot go on|RegistryHalt|BackgroundService|Hosting" : "^$");
        var halt = worker.Server.Services.GetRequiredService<RegistryHalt>();
        var registry = cluster.Coordinator.Services.GetRequiredService<RegistryReplica>();
        var incarnation = registry.State.FindWorker(worker.Id)!.Incarnation;
        worker.Registry.Cut();
        await Eventually.Holds(() => !worker.Server.Services.GetRequiredService<IClusterMembership>().HearsCoordinator);
        var (other, admission) = await AskingWorker.AskAsync(cluster.Coordinator, PeerCluster.Secret, worker.Id, "i2");
        Assert.Null(admission.Error);
        if (!lives)
        {
            await other.DisposeAsync();
        }

        worker.Registry.Mend();
        await Eventually.Holds(() => lives ? halt.IsHalted : registry.State.FindWorker(worker.Id)!.Incarnation == incarnation);
        Assert.Equal(lives ? "i2" : incarnation, registry.State.FindWorker(worker.Id)!.Incarnation);
        Assert.Equal(lives, halt.Why is WorkerTakenException);
        Assert.Equal(lives, other.IsUp);
        await Eventually.Holds(() => worker.Server.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested == lives);
        await other.DisposeAsync();
    }
}
