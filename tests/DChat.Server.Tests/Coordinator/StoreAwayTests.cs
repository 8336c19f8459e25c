using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Tests.Nodes;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A leader whose workers say, each at its own moment, that they cannot use the message store.</summary>
public sealed class StoreAwayTests
{
    private static readonly string[] Workers = ["a", "b", "c", "d"];
    private readonly HandTime _time = new();

    [Fact]
    public async Task An_outage_of_the_store_moves_no_room_and_a_worker_that_alone_has_lost_it_loses_its_rooms_to_those_that_have_not()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        foreach (var worker in Workers.Select(worker => LinkPair.Hello(worker)))
        {
            Assert.True((await bench.SubmitAsync(new RegisterWorker("", "", 0, worker.Node, worker.Address, worker.Incarnation, 1, [], WorkerState.Active))).Outcome.IsOk);
        }

        await bench.SubmitAsync(RegistryBench.Account("ann"));
        for (var i = 0; i < 12; i++)
        {
            await bench.SubmitAsync(new CreateRoom("", "ann", 0, $"room{i}", $"room{i}", null, RoomVisibility.Public, null, ""));
            Assert.True((await bench.SubmitAsync(new AssignRooms("", "", 0, Workers[i % 4], [$"room{i}"]))).Outcome.IsOk);
        }

        var watch = new WorkerWatch(_time);
        var looked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        watch.ActivityTold += _ => Volatile.Read(ref looked).TrySetResult(); // Once a second.
        var options = new CoordinatorOptions { StartsAsLeader = true, WorkerSilence = TimeSpan.FromMinutes(5) };
        var duties = new ClusterDuties(bench.Replica, watch, new StandbyWatch(_time), options, _time, NullLogger<ClusterDuties>.Instance);
        using var end = new CancellationTokenSource();
        var running = duties.RunAsync(bench.Leader, end.Token);

        for (var round = 0; round < 3; round++)
        {
            // The first is refused at once; the others' checks are not answered, and fail when their time is over.
            await PassAsync();
            await PassAsync(("a", 0.5, true), ("b", 1, false), ("c", 1, false), ("d", 1, false));
            await PassAsync(("a", 0.5, true), ("b", 2, false), ("c", 2, false), ("d", 2, false));
            await PassAsync(("a", 0.5, true), ("b", 2.1, true), ("c", 3, false), ("d", 3, false));
            for (var i = 0; i < 4; i++)
            {
                await PassAsync(("a", 0.5, true), ("b", 2.1, true), ("c", 2.2, true), ("d", 2.3, true));
            }

            await PassAsync(("b", 2.1, true), ("c", 2.2, true), ("d", 2.3, true));
            await PassAsync(("c", 2.2, true), ("d", 2.3, true));
            Assert.All(Workers, worker => Assert.Equal(3, RoomsOf(worker)));
        }

        await PassAsync();
        await PassAsync();
        await PassAsync(("b", 1, false));
        await PassAsync(("b", 2.1, true));
        await Eventually.Holds(() => RoomsOf("b") == 0);
        Assert.False(duties.MayTake(bench.Replica.State.FindWorker("b")!));
        Assert.All(new[] { "a", "c", "d" }, worker => Assert.Equal(4, RoomsOf(worker)));

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.Within());

        int RoomsOf(string worker) => bench.Replica.State.FindWorker(worker)!.RoomCount;

        // All report, and a second passes. Of those that are named the latest check that ended began so long ago, and failed or not; of the others now.
        async Task PassAsync(params (string Worker, double CheckedAgo, bool Failed)[] named)
        {
            Volatile.Write(ref looked, new(TaskCreationOptions.RunContinuationsAsynchronously));
            foreach (var worker in Workers)
            {
                var told = named.FirstOrDefault(each => each.Worker == worker);
                watch.Reported(LinkPair.Hello(worker), new WorkerReport(0, 0, 0, 0, told.Failed ? "away" : null, [], [], [new RoomActivity(worker, 0, 0)], (long)(told.CheckedAgo * 1_000)));
            }

            _time.Now += TimeSpan.FromSeconds(1);
            await looked.Task.Within();
        }
    }
}
