using DChat.Core.Blobs;
using DChat.Server.Coordinator.Snapshots;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Leaders whose blob store takes what they put and lets nobody go.</summary>
public sealed class HungBlobStoreTests
{
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task One_that_stops_is_followed_by_another_though_its_snapshot_work_does_not_end()
    {
        await using var trio = await CoordinatorTrio.StartAsync(gate: _gate.Task);
        await using var end = new Ending(_gate);
        var leader = await trio.LeaderAsync();
        await Eventually.Holds(() => Blobs(leader).Held > 0);

        var stopped = CoordinatorTrio.Service(leader).StopAsync(CancellationToken.None);

        await Eventually.Holds(() => trio.Nodes.Exists(node => node != leader && CoordinatorTrio.Service(node).IsLeader));
        await stopped.Within(); // In spite of it.
    }

    [Fact]
    public async Task One_whose_term_ended_stands_by_and_leads_again_and_keeps_snapshots_when_it_is_let_go()
    {
        await using var trio = await CoordinatorTrio.StartAsync(gate: _gate.Task);
        await using var end = new Ending(_gate);
        var first = await trio.LeaderAsync();
        var term = CoordinatorTrio.Service(first).Term;
        await Eventually.Holds(() => Blobs(first).Held > 0);
        var next = await trio.NextLeaderAsync(); // To which the others, the first too, are linked.
        for (var terms = 0; next != first || CoordinatorTrio.Service(first).Term == term; terms++)
        {
            Assert.True(terms < 100, "it never leads again");
            next = await trio.NextLeaderAsync();
        }

        var keeper = first.Services.GetRequiredService<SnapshotKeeper>();
        Assert.Equal((1, 0L), (Blobs(first).Held, keeper.LogEntries)); // One thing at a time is asked of it.
        _gate.SetResult();
        await Eventually.Holds(() => keeper.LogEntries > 0);
    }

    private static FaultyBlobStore Blobs(InProcessServer node) => (FaultyBlobStore)node.Services.GetRequiredService<IBlobStore>();

    /// <summary>Before the servers are disposed.</summary>
    private sealed class Ending(TaskCompletionSource gate) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            gate.TrySetResult();
            return ValueTask.CompletedTask;
        }
    }
}
