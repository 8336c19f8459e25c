using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A leader of several to which no worker comes.</summary>
public sealed class ResigningTests
{
    private static readonly CoordinatorOptions Options = new() { StartsAsLeader = false, WorkerSilence = TimeSpan.FromMilliseconds(100) };

    [Fact]
    public async Task It_resigns_when_the_log_says_that_it_leads()
    {
        await using var bench = await LeadAsync();
        await Assert.ThrowsAsync<LeaderCutOffException>(() => Duties(bench).RunAsync(bench.Leader, CancellationToken.None).Within());
    }

    [Fact]
    public async Task It_has_nothing_to_resign_when_the_log_says_that_another_leads()
    {
        await using var bench = await LeadAsync();
        bench.Cluster.Depose();
        await Duties(bench).RunAsync(bench.Leader, CancellationToken.None).Within();
    }

    private static async Task<RegistryBench> LeadAsync()
    {
        var bench = await new RegistryBench().LeadAsync(isUnaware: true);
        foreach (var worker in new[] { "a", "b" })
        {
            var registered = await bench.SubmitAsync(new RegisterWorker("", "", 0, worker, $"{worker}:9000", "i1", 1, [], WorkerState.Active));
            Assert.True(registered.Outcome.IsOk, registered.Outcome.Text);
        }

        return bench;
    }

    private static ClusterDuties Duties(RegistryBench bench) =>
        new(bench.Replica, new WorkerWatch(TimeProvider.System), new StandbyWatch(TimeProvider.System), Options, TimeProvider.System, NullLogger<ClusterDuties>.Instance);
}
