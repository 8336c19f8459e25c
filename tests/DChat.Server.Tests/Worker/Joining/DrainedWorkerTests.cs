using System.Net;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Server.Tests.Contract;
using DChat.Server.Tests.Peers;
using DChat.Server.Worker.Joining;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Tests.Worker.Joining;

/// <summary>Who was told to drain does so, though it was taken for gone meanwhile.</summary>
public sealed class DrainedWorkerTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_comes_back_as_one_that_drains_and_goes_when_another_can_take_its_rooms(bool hears)
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1);
        var worker = cluster.Workers[0];
        var stopping = worker.Server.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        if (!hears)
        {
            worker.Registry.Cut();
        }

        var index = await SetAsync(cluster, worker.Id, WorkerState.Draining);
        if (hears)
        {
            Assert.True(await worker.Replica.WaitForAsync(index, Eventually.DefaultLimit, CancellationToken.None));
            worker.Registry.Cut();
        }

        var gone = await SetAsync(cluster, worker.Id, WorkerState.Gone);
        worker.Registry.Mend();
        await Eventually.Holds(() => worker.Replica.Index > gone && worker.Replica.State.FindWorker(worker.Id)!.State != WorkerState.Gone);
        if (hears)
        {
            Assert.Equal(WorkerState.Draining, worker.Replica.State.FindWorker(worker.Id)!.State); // It is given no rooms until it goes.
        }

        Assert.False(stopping.IsCancellationRequested);
        await AddHostAsync(cluster);
        await Eventually.Holds(() => stopping.IsCancellationRequested);
    }

    [Fact]
    public async Task The_only_host_is_not_drained_by_an_administrator_and_goes_on()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1, gateways: 1);
        using var refused = await cluster.DrainAsAdminAsync(0);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("start another one", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await using (var ann = await cluster.PersonAsync(1))
        {
            await ann.Hub.SendAsync(await ann.Hub.MakeRoomAsync(), "made after it was asked to drain");
        }

        using var drained = await cluster.DrainAsAdminAsync(1); // It hosts nothing.
        Assert.Equal(HttpStatusCode.NoContent, drained.StatusCode);
    }

    [Fact]
    public void Another_process_of_the_same_worker_is_not_drained()
    {
        var replica = new RegistryReplica(TimeProvider.System);
        var state = Do(RegistryState.Empty, new RegisterWorker("", "", 1, "w", "w:1", "before", 1, [], WorkerState.Active, null));
        state = Do(state, new SetWorkerState("", "", 1, "w", WorkerState.Draining));
        replica.Replace(state);
        using var drain = new OwnDrain(replica, new NodeSelf("w", "now", "w:1", "0"));
        Assert.False(drain.IsAsked);
        replica.Replace(state = Do(state, new RegisterWorker("", "", 1, "w", "w:1", "now", 1, [], WorkerState.Active, null)));
        Assert.False(drain.IsAsked);
        replica.Replace(state = Do(state, new SetWorkerState("", "", 1, "w", WorkerState.Draining)));
        Assert.True(drain.IsAsked);
        replica.Replace(Do(state, new SetWorkerState("", "", 1, "w", WorkerState.Gone)));
        Assert.True(drain.IsAsked);
    }

    private static async Task<long> SetAsync(PeerCluster cluster, string worker, WorkerState state)
    {
        var command = new SetWorkerState(Chat.NewId(), "", 0, worker, state);
        var result = await cluster.Coordinator.Services.GetRequiredService<IRegistryCommands>().SubmitAsync(command, CancellationToken.None).Within();
        Assert.True(result.Outcome.IsOk, result.Outcome.Text);
        return result.Index;
    }

    /// <summary>Another worker that could host rooms, as far as the registry knows.</summary>
    private static async Task AddHostAsync(PeerCluster cluster)
    {
        var command = new RegisterWorker("", "", 0, "another", "127.0.0.1:1", "i", 1, [], WorkerState.Active, null);
        var result = await cluster.Coordinator.Services.GetRequiredService<IRegistryCommands>().SubmitAsync(command, CancellationToken.None).Within();
        Assert.True(result.Outcome.IsOk, result.Outcome.Text);
    }

    private static RegistryState Do(RegistryState state, Command command)
    {
        var decision = RegistryMachine.Decide(state, command, RegistryLimits.None);
        Assert.True(decision.Outcome.IsOk, decision.Outcome.Text);
        return RegistryMachine.Apply(state, state.Index + 1, decision.Record!);
    }
}
