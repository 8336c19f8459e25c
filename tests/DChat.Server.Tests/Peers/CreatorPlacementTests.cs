using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Tests.Contract;
using DChat.Server.Worker.Peers;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Peers;

/// <summary><c>--placement creator</c>, as the coordinator of a <see cref="PeerCluster"/> has it.</summary>
public sealed class CreatorPlacementTests
{
    [Fact]
    public async Task A_room_is_hosted_where_it_is_made()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await ReachEachOtherAsync(cluster); // Who does not reach the other yet is given none.
        foreach (var worker in new[] { 1, 1, 1, 0 }) // The least loaded would be another each time.
        {
            await using var ann = await cluster.PersonAsync(worker);
            await using var ben = await cluster.PersonAsync(1 - worker);
            Assert.Equal(cluster.Workers[worker].Id, HostOf(cluster, await ann.Hub.MakeRoomAsync()));
            Assert.Equal(cluster.Workers[worker].Id, HostOf(cluster, await OpenDirectAsync(ann, ben)));
        }
    }

    [Fact]
    public async Task A_room_that_is_made_where_none_may_be_hosted_is_hosted_by_another()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2, gateways: 1);
        await using var ann = await cluster.PersonAsync(2);
        await using var ben = await cluster.PersonAsync(1);
        string[] hosts = [cluster.Workers[0].Id, cluster.Workers[1].Id];
        Assert.Contains(HostOf(cluster, await ann.Hub.MakeRoomAsync()), hosts);
        Assert.Contains(HostOf(cluster, await OpenDirectAsync(ann, ben)), hosts);

        var drain = new SetWorkerState(Chat.NewId(), "", 0, cluster.Workers[1].Id, WorkerState.Draining);
        Assert.True((await cluster.Coordinator.Services.GetRequiredService<IRegistryCommands>().SubmitAsync(drain, CancellationToken.None).Within()).Outcome.IsOk);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(cluster.Workers[0].Id, HostOf(cluster, await ben.Hub.MakeRoomAsync()));
        }
    }

    /// <summary>Waits until all workers reach each other, and the coordinator knows it.</summary>
    private static async Task ReachEachOtherAsync(PeerCluster cluster)
    {
        var services = cluster.Coordinator.Services;
        var (watch, duties, replica) = (services.GetRequiredService<WorkerWatch>(), services.GetRequiredService<ClusterDuties>(), services.GetRequiredService<RegistryReplica>());
        await Eventually.Holds(() => cluster.Workers.All(one => cluster.Workers.All(other =>
            other == one || one.Server.Services.GetRequiredService<PeerPorts>().Find(other.Id) is { IsUp: true })));
        for (var i = 0; i < 2; i++)
        {
            // The first that comes now may have been on its way before.
            var known = cluster.Workers.Select(worker => watch.Find(worker.Id)?.Report).ToList();
            await Eventually.Holds(() => cluster.Workers.Zip(known).All(each => watch.Find(each.First.Id)?.Report is { } report && !ReferenceEquals(report, each.Second)));
        }

        await Eventually.Holds(() => cluster.Workers.All(worker => duties.MayTake(replica.State.FindWorker(worker.Id)!)));
    }

    private static async Task<string> OpenDirectAsync(Person ann, Person ben) => (string)(await ann.Hub.CallAsync("openDirect", new { user = ben.Name }))!["id"]!;

    /// <summary>As the coordinator knows it, which has applied what it answered.</summary>
    private static string HostOf(PeerCluster cluster, string room) =>
        cluster.Coordinator.Services.GetRequiredService<RegistryReplica>().State.FindRoom(room)!.AssignedTo;
}
