using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Coordinator;
using DChat.Server.Tests.Nodes;
using DChat.Server.Worker.Joining;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker.Joining;

public sealed class LeaderSearchTests
{
    [Fact]
    public async Task Any_coordinator_tells_where_the_leader_is()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = CoordinatorTrio.Address(await trio.LeaderAsync());
        var nobody = $"127.0.0.1:{FreePort.Next()}";
        foreach (var address in trio.Nodes.Select(CoordinatorTrio.Address))
        {
            var found = await FindAsync(trio, $"{nobody},{address}");
            await using var link = found.Leader;
            Assert.Equal(leader, link?.Peer.Address);
            Assert.Null(found.Standby);
        }
    }

    [Fact]
    public async Task Where_nobody_can_be_reached_it_says_why()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var nobody = $"127.0.0.1:{FreePort.Next()}";
        var found = await FindAsync(trio, nobody);
        Assert.Null(found.Leader);
        Assert.Null(found.Standby);
        Assert.Contains(nobody, found.Failure.Message, StringComparison.Ordinal);
        Assert.False(found.Failure.IsRefusal);
    }

    [Fact]
    public async Task A_standby_stands_in_until_there_is_a_leader_and_is_never_taken_for_it()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        await trio.LeaderAsync();
        var absent = await trio.LeadFromElsewhereAsync($"127.0.0.1:{FreePort.Next()}");

        var found = await FindAsync(trio, trio.Addresses);
        await using var standby = found.Standby;
        Assert.Null(found.Leader);
        Assert.True(standby!.IsUp);
        Assert.False(found.Failure.IsRefusal);

        var again = await FindAsync(trio, trio.Addresses, standby);
        Assert.Null(again.Leader);
        Assert.Same(standby, again.Standby); // What is followed on it goes on.
        Assert.True(standby.IsUp);

        await absent.DisposeAsync();
        var next = await trio.LeaderAsync();
        for (var terms = 0; CoordinatorTrio.Address(next) != standby.Peer.Address; terms++)
        {
            Assert.True(terms < 100, "it never leads");
            next = await trio.NextLeaderAsync();
        }

        var last = await FindAsync(trio, trio.Addresses, standby);
        await using var leader = last.Leader;
        Assert.Equal(standby.Peer.Address, leader!.Peer.Address);
        Assert.NotSame(standby, leader);
        Assert.True(standby.IsUp && leader.IsUp);
    }

    [Fact]
    public async Task A_standby_that_reaches_the_leader_is_taken_rather_than_one_that_does_not()
    {
        await using var pair = await LinkPair.ConnectAsync();
        await using var near = new NodeLink(LinkPair.Hello("near"), pair.LeftStream, new Nobody(), TimeProvider.System);
        await using var far = new NodeLink(LinkPair.Hello("far"), pair.RightStream, new Nobody(), TimeProvider.System);
        LeaderSearch.Answer nearAnswer = new(near, false, "", false, null), farAnswer = new(far, false, "", false, null);
        var nobody = new LeaderSearch.Answer(null, false, "", false, new SearchFailure("away", IsRefusal: false));

        Assert.Same(near, LeaderSearch.Choose(null, [nobody, nearAnswer, farAnswer]).Standby);
        Assert.Same(far, LeaderSearch.Choose(null, [nobody, nearAnswer, farAnswer with { ReachesLeader = true }]).Standby);
        Assert.Same(near, LeaderSearch.Choose(near, [farAnswer, nearAnswer]).Standby);
        Assert.Same(near, LeaderSearch.Choose(near, [nobody]).Standby);
        Assert.Same(far, LeaderSearch.Choose(near, [nearAnswer, farAnswer with { ReachesLeader = true }]).Standby);
        Assert.Same(near, LeaderSearch.Choose(near, [farAnswer with { ReachesLeader = true }, nearAnswer with { ReachesLeader = true }]).Standby);
        Assert.Equal("away", LeaderSearch.Choose(null, [nobody]).Failure.Message);
    }

    [Fact]
    public async Task A_coordinator_says_whether_it_reaches_the_leader()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        await trio.LeaderAsync();
        foreach (var node in trio.Nodes)
        {
            Assert.True(await ReachesAsync(node));
        }

        await using var absent = await trio.LeadFromElsewhereAsync($"127.0.0.1:{FreePort.Next()}");
        foreach (var node in trio.Nodes)
        {
            await Eventually.Holds(async () => !await ReachesAsync(node));
        }

        async Task<bool> ReachesAsync(InProcessServer node)
        {
            await using var link = await trio.Nodes[0].Services.GetRequiredService<NodeDialer>()
                .ConnectAsync(CoordinatorTrio.Address(node), NodeServices.Registry, null, _ => new Nobody(), CancellationToken.None).Within();
            var answer = new PayloadReader(await link.CallAsync(RegistryMethods.Who, default, Eventually.DefaultLimit, CancellationToken.None));
            answer.Flag();
            answer.Text();
            return answer.Flag();
        }
    }

    private static Task<LeaderFound> FindAsync(CoordinatorTrio trio, string addresses, NodeLink? known = null) =>
        CoordinatorTrio.Search(trio.Nodes[0], addresses).FindAsync(known, null, () => new Nobody(), CancellationToken.None).Within();
}
