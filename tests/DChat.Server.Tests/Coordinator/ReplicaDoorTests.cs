using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Every node tells other nodes which registry it holds.</summary>
public sealed class ReplicaDoorTests
{
    [Fact]
    public async Task Nodes_that_are_at_one_entry_tell_one_hash()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        var before = await AskAsync(leader, leader);
        await CoordinatorTrio.Service(leader).SubmitAsync(RegistryBench.Account("ann"), CancellationToken.None).Within();

        var replica = leader.Services.GetRequiredService<RegistryReplica>();
        foreach (var node in trio.Nodes)
        {
            (long Index, string Hash) told = default;
            await Eventually.Holds(async () => (told = await AskAsync(leader, node)).Index == replica.Index);
            Assert.Equal(Convert.ToHexString(RegistrySnapshot.StateHash(replica.State)), told.Hash);
            Assert.NotEqual(before.Hash, told.Hash);
        }
    }

    [Fact]
    public async Task Whoever_asks_for_something_else_is_cut_off()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        await using var link = await ConnectAsync(leader, leader);
        await Assert.ThrowsAsync<NodeLinkException>(() => link.CallAsync(99, default, Eventually.DefaultLimit, CancellationToken.None));
        Assert.Contains("99 out of turn", await link.Completion.Within() + string.Join('\n', leader.Log.Lines), StringComparison.Ordinal);
    }

    private static async Task<(long Index, string Hash)> AskAsync(InProcessServer from, InProcessServer node)
    {
        await using var link = await ConnectAsync(from, node);
        var answer = new PayloadReader(await link.CallAsync(ReplicaDoor.Ask, default, Eventually.DefaultLimit, CancellationToken.None));
        return (answer.Number(), Convert.ToHexString(answer.Bytes().Span));
    }

    private static Task<NodeLink> ConnectAsync(InProcessServer from, InProcessServer node) => from.Services.GetRequiredService<NodeDialer>()
        .ConnectAsync(CoordinatorTrio.Address(node), NodeServices.Replica, null, _ => new Nobody(), CancellationToken.None).Within();
}
