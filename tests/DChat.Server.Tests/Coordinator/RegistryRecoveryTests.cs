using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Storage.Memory;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A coordinator's registry beside a log that was put back as it was before, and perhaps written on.</summary>
public sealed class RegistryRecoveryTests : IDisposable
{
    private readonly MemoryControlCluster _before = new();
    private readonly MemoryControlCluster _putBack = new();
    private readonly RegistryReplica _replica = new(TimeProvider.System);

    public void Dispose()
    {
        _before.Dispose();
        _putBack.Dispose();
    }

    [Theory]
    [InlineData(2, "ends at entry 2")]
    [InlineData(3, "another entry 3")]
    [InlineData(5, "another entry 3")]
    public async Task A_coordinator_applies_nothing_upon_what_the_log_does_not_hold(int entries, string why)
    {
        await WriteAsync(_before, 1, 3);
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        await WriteAsync(_putBack, 1, 2);
        await WriteAsync(_putBack, 3, entries, at: 2);
        var held = _replica.State;

        foreach (var act in (Func<RegistryRecovery, Task>[])[recovery => recovery.CatchUpAsync(_replica, CancellationToken.None), recovery => recovery.FollowAsync(_replica, CancellationToken.None)])
        {
            var damaged = await Assert.ThrowsAsync<ControlLogDamagedException>(() => act(Over(_putBack)).Within());
            Assert.Contains(why, damaged.Message, StringComparison.Ordinal);
            Assert.Same(held, _replica.State);
        }
    }

    [Fact]
    public async Task One_that_holds_what_the_log_holds_goes_on_also_where_that_is_truncated()
    {
        await WriteAsync(_before, 1, 3);
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        var term = await WriteAsync(_before, 4, 4);
        Assert.True(await new MemoryControlLog(_before).TruncateAsync(term, 3, CancellationToken.None));
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        Assert.Equal(4, _replica.Index);
    }

    private static RegistryRecovery Over(MemoryControlCluster log) => new(new MemoryControlLog(log), null!, NullLogger.Instance);

    private static async Task<long> WriteAsync(MemoryControlCluster cluster, long from, long through, long at = 1)
    {
        var log = new MemoryControlLog(cluster);
        var term = (await log.ReadLeaderAsync(CancellationToken.None))?.Term ?? (await log.CampaignAsync("a:1", CancellationToken.None)).Term;
        for (var index = from; index <= through; index++)
        {
            var entry = RegistryReplicaTests.Entry(RegistryBench.Account($"user{index}")) with { At = at };
            Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(term, index, RegistryEntryCodec.Encode(entry), CancellationToken.None));
        }

        return term;
    }
}
