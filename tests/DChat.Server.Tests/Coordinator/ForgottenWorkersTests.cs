using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Nodes;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>The machines of a group that grows and shrinks are new workers each time: those that went long ago must not fill the registry.</summary>
public sealed class ForgottenWorkersTests
{
    private const int TooMany = 3;

    [Fact]
    public async Task Of_workers_that_are_gone_those_that_came_last_stay_listed_and_the_others_are_forgotten()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        await RegisterAsync("pending", WorkerState.Pending);
        await RegisterAsync("draining", WorkerState.Draining);
        await RegisterAsync("with-a-room", WorkerState.Active);
        await bench.SubmitAsync(RegistryBench.Account("ann"));
        await bench.SubmitAsync(new CreateRoom("", "ann", 0, "room", "room", null, RoomVisibility.Public, null, ""));
        Assert.True((await bench.SubmitAsync(new AssignRooms("", "", 0, "with-a-room", ["room"]))).Outcome.IsOk);
        Assert.True((await bench.SubmitAsync(new SetWorkerState("", "", 0, "with-a-room", WorkerState.Gone))).Outcome.IsOk);
        for (var i = 0; i < ClusterDuties.GoneKept + TooMany; i++)
        {
            await RegisterAsync($"gone{i}", WorkerState.Gone);
        }

        var watch = new WorkerWatch(TimeProvider.System);
        watch.Left(LinkPair.Hello("gone0"));
        watch.Left(LinkPair.Hello($"gone{TooMany}"));
        await using var pair = await LinkPair.ConnectAsync();
        await using var link = new NodeLink(LinkPair.Hello("gone1"), pair.LeftStream, new Nobody(), TimeProvider.System);
        watch.Connected(link); // It is sent away, and goes.
        watch.ReportedHere(LinkPair.Hello("here"), null);

        var duties = new ClusterDuties(bench.Replica, watch, new StandbyWatch(TimeProvider.System), new CoordinatorOptions(), TimeProvider.System, NullLogger<ClusterDuties>.Instance);
        using var end = new CancellationTokenSource();
        var running = duties.RunAsync(bench.Leader, end.Token);
        string[] stay = ["draining", "pending", "with-a-room", .. Enumerable.Range(TooMany, ClusterDuties.GoneKept).Select(i => $"gone{i}")];
        await Eventually.Holds(() => bench.Replica.State.Workers().Count <= stay.Length);
        await Eventually.Holds(() => watch.Find("gone0") is null);
        Assert.NotNull(watch.Find("gone1"));
        watch.Disconnected(link);
        await Eventually.Holds(() => watch.Find("gone1") is null);
        Assert.NotNull(watch.Find($"gone{TooMany}"));
        Assert.NotNull(watch.Find("here"));
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.Within());
        Assert.Equal(stay.Order(StringComparer.Ordinal), bench.Replica.State.Workers().Select(worker => worker.Id).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(bench.Replica.State.AuditPage(null, 100), line => line.Action == "removeWorker");

        async Task RegisterAsync(string worker, WorkerState state) => Assert.True((await bench.SubmitAsync(
            new RegisterWorker("", "", 0, worker, $"{worker}:1", "first", 1, [], state))).Outcome.IsOk);
    }
}
