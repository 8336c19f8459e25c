using System.Net;
using DChat.Core.ControlLog;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Storage.Memory;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Coordinators that run an etcd each and are older than the one that leads: if they ended, their etcd would, and with most of them the majority.</summary>
public sealed class ParkedCoordinatorTests
{
    [Fact]
    public async Task One_that_meets_what_it_does_not_know_neither_leads_nor_stands_by_and_runs_on()
    {
        await using var trio = await ParkAsync();
        var log = new MemoryControlLog(trio.Log);
        using var http = new HttpClient { Timeout = Eventually.DefaultLimit };
        foreach (var node in trio.Nodes)
        {
            await Eventually.Holds(() => CoordinatorTrio.Service(node).IsParked);
            Assert.Contains("[2048]", string.Join('\n', node.Log.Lines), StringComparison.Ordinal);
            using var ready = await http.GetAsync(new Uri(node.Node, "/health/ready"));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            Assert.Contains("older than the cluster", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Contains("\ndchat_coordinator_parked 1", await http.GetStringAsync(new Uri(node.Node, "/metrics")), StringComparison.Ordinal);
        }

        // Nobody leads, and none of them does.
        var term = (await log.ReadLeaderAsync(CancellationToken.None))!.Term;
        Assert.True(await log.DeposeAsync(term, CancellationToken.None));
        await using var next = await log.CampaignAsync("127.0.0.1:1", CancellationToken.None).Within();
        Assert.Equal(term + 1, next.Term);
        Assert.All(trio.Nodes, node => Assert.False(node.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested));
    }

    [Fact]
    public async Task One_that_starts_then_parks_at_once()
    {
        await using var trio = await ParkAsync();
        var node = await trio.AddAsync();
        node.Log.ExpectErrors("parks");
        Assert.True(CoordinatorTrio.Service(node).IsParked);
    }

    [Fact]
    public async Task It_serves_no_worker_and_ends_the_links_of_those_that_followed()
    {
        await using var trio = await CoordinatorTrio.StartAsync(runMembers: true);
        await trio.LeaderAsync();
        await using var newer = await trio.LeadFromElsewhereAsync($"127.0.0.1:{FreePort.Next()}");
        var node = trio.Nodes[0];
        trio.Nodes.ForEach(each => each.Log.ExpectErrors("parks"));
        await using var follower = await ConnectAsync(node, NodeServices.Registry);
        await follower.CallAsync(RegistryMethods.Follow, new PayloadWriter().Number(1).WrittenMemory, Eventually.DefaultLimit, CancellationToken.None);

        await trio.AppendNewerAsync(newer);

        await follower.Completion.Within();
        await using var late = await ConnectAsync(node, NodeServices.Registry);
        var failure = await Assert.ThrowsAsync<NodeLinkException>(() => late.CallAsync(RegistryMethods.Who, default, Eventually.DefaultLimit, CancellationToken.None));
        Assert.Contains("older than the cluster", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_leader_shows_it_and_counts_it_as_no_standby()
    {
        await using var newer = await CoordinatorTrio.StartAsync();
        var leader = await newer.LeaderAsync();
        await using var trio = await ParkAsync(CoordinatorTrio.Address(leader));

        var picture = leader.Services.GetRequiredService<ClusterPicture>();
        await Eventually.Holds(() => picture.Take()!.Coordinators!.Count(coordinator => coordinator.Role == "parked") == trio.Nodes.Count);
        Assert.Equal(newer.Nodes.Count - 1, picture.Take()!.Coordinators!.Count(coordinator => coordinator.Role == "standby"));
        using var http = new HttpClient { Timeout = Eventually.DefaultLimit };
        Assert.Contains($"\ndchat_coordinator_standbys {newer.Nodes.Count - 1}", await http.GetStringAsync(new Uri(leader.Node, "/metrics")), StringComparison.Ordinal);
    }

    /// <param name="leader">Where the newer one that leads is, <c>host:port</c>; null: nobody reaches it.</param>
    private static async Task<CoordinatorTrio> ParkAsync(string? leader = null)
    {
        var trio = await CoordinatorTrio.StartAsync(runMembers: true);
        try
        {
            await trio.LeaderAsync();
            trio.Nodes.ForEach(node => node.Log.ExpectErrors("parks"));
            await trio.AppendNewerAsync(await trio.LeadFromElsewhereAsync(leader ?? $"127.0.0.1:{FreePort.Next()}"));
            foreach (var node in trio.Nodes)
            {
                await Eventually.Holds(() => CoordinatorTrio.Service(node).IsParked);
            }

            return trio;
        }
        catch
        {
            await trio.DisposeAsync();
            throw;
        }
    }

    private static Task<NodeLink> ConnectAsync(InProcessServer node, string service) => node.Services.GetRequiredService<NodeDialer>()
        .ConnectAsync(CoordinatorTrio.Address(node), service, null, _ => new Nobody(), CancellationToken.None).Within();
}
