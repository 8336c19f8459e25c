using DChat.Core.ControlLog;
using DChat.Server.Coordinator;
using DChat.Storage.Memory;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

public sealed class LogLagTests
{
    [Fact]
    public async Task It_is_what_the_log_holds_and_the_replica_does_not()
    {
        using var cluster = new MemoryControlCluster();
        await using var log = new MemoryControlLog(cluster);
        await using var leader = await log.CampaignAsync("here:1", CancellationToken.None).Within();
        foreach (var index in new[] { 1, 2, 3 })
        {
            await log.AppendAsync(leader.Term, index, new byte[] { 1 }, CancellationToken.None).Within();
        }

        var replica = new RegistryReplica(TimeProvider.System);
        using var lag = new LogLag(log, replica, TimeProvider.System);
        await lag.StartAsync(CancellationToken.None).Within();
        await Eventually.Holds(() => lag.Entries == 3);

        replica.Apply(1, RegistryReplicaTests.Entry(RegistryBench.Account("ann")));
        replica.Apply(2, RegistryReplicaTests.Entry(RegistryBench.Account("bob")));
        Assert.Equal(1, lag.Entries);
        await lag.StopAsync(CancellationToken.None).Within();
    }

    [Fact]
    public async Task A_log_that_does_not_answer_is_away_until_it_does()
    {
        using var cluster = new MemoryControlCluster();
        var isAway = false;
        await using var log = new FaultyControlLog(new MemoryControlLog(cluster)) { Shown = bounds => Volatile.Read(ref isAway) ? throw new ControlLogUnavailableException("away") : bounds };
        using var lag = new LogLag(log, new RegistryReplica(TimeProvider.System), TimeProvider.System);
        await lag.StartAsync(CancellationToken.None).Within();
        Assert.Equal(0, lag.AwaySeconds);

        Volatile.Write(ref isAway, true);
        await Eventually.Holds(() => lag.AwaySeconds > 0);
        var first = lag.AwaySeconds;
        await Eventually.Holds(() => lag.AwaySeconds > first + 2); // It asks again meanwhile, and counts from the first time.
        Volatile.Write(ref isAway, false);
        await Eventually.Holds(() => lag.AwaySeconds == 0);
        await lag.StopAsync(CancellationToken.None).Within();
    }
}
