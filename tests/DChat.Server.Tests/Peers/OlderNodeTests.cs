using DChat.Server.EtcdMembers;
using DChat.Server.Nodes;
using DChat.Server.Worker.Joining;
using DChat.Server.Worker.Peers;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Peers;

/// <summary>What a node keeps to itself beside nodes of a version before, as they are while a cluster is upgraded.</summary>
public sealed class OlderNodeTests
{
    /// <summary>They would answer, as they are older by what they say only: what is not answered was not asked.</summary>
    [Theory]
    [InlineData(NodeHello.LinkVersion, true)]
    [InlineData(1, false)]
    public async Task A_node_is_asked_nothing_that_its_version_does_not_know(int linkVersion, bool isAsked)
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2, linkVersion: linkVersion);
        var services = cluster.Workers[0].Server.Services;
        var peers = services.GetRequiredService<PeerPorts>();
        await Eventually.Holds(() => peers.Find(cluster.Workers[1].Id) is { IsUp: true });

        Assert.Equal(isAsked, await peers.HearsCoordinatorAsync());
        var answer = await services.GetRequiredService<IClusterMembership>().AskMembersAsync(new EtcdMemberRequest(null, false, "admin", "", 0), CancellationToken.None).Within();
        Assert.Equal(isAsked, answer is not null);

        // Of a host that cannot say it nobody waits to hear it; one that can says no to a room that it does not host.
        Assert.Equal(!isAsked, await peers.Find(cluster.Workers[1].Id)!.BarrierAsync("none", 1));
    }
}
