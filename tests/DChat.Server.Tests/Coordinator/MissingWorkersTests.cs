using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Tests.Nodes;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Workers that fell silent together keep their rooms for a while, and get no others.</summary>
public sealed class MissingWorkersTests
{
    private static readonly string[] Silent = ["a", "b", "c"];
    private static readonly string[] Heard = ["d", "e"];
    private static readonly WorkerReport Report = new(0, 0, 0, 0, null, [], [], []);

    [Fact]
    public async Task A_worker_that_drains_gives_its_rooms_to_those_that_are_heard()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        foreach (var worker in Heard.Concat(Silent).Select(worker => LinkPair.Hello(worker)))
        {
            Assert.True((await bench.SubmitAsync(new RegisterWorker("", "", 0, worker.Node, worker.Address, worker.Incarnation, 1, [], WorkerState.Active))).Outcome.IsOk);
        }

        await bench.SubmitAsync(RegistryBench.Account("ann"));
        var rooms = Enumerable.Range(0, 20).Select(i => $"room{i}").ToArray();
        foreach (var room in rooms)
        {
            await bench.SubmitAsync(new CreateRoom("", "ann", 0, room, room, null, RoomVisibility.Public, null, ""));
        }

        Assert.True((await bench.SubmitAsync(new AssignRooms("", "", 0, "d", rooms))).Outcome.IsOk);
        var given = new Given();
        using var watching = bench.Replica.Subscribe(given, out _);
        var watch = new WorkerWatch(TimeProvider.System);
        var duties = new ClusterDuties(bench.Replica, watch, new StandbyWatch(TimeProvider.System), new CoordinatorOptions { MovesPerSecond = 0 }, TimeProvider.System, NullLogger<ClusterDuties>.Instance);
        Hear(watch, Silent);
        using var end = new CancellationTokenSource();
        var running = duties.RunAsync(bench.Leader, end.Token);
        await Eventually.Holds(() =>
        {
            Hear(watch, Heard);
            return Silent.All(duties.IsMissing);
        });

        Assert.All(bench.Replica.State.Workers(), worker => Assert.Equal(Heard.Contains(worker.Id), duties.MayTake(worker)));
        Assert.True((await bench.SubmitAsync(new SetWorkerState("", "", 0, "d", WorkerState.Draining))).Outcome.IsOk);
        await Eventually.Holds(() =>
        {
            Hear(watch, Heard);
            return bench.Replica.State.FindWorker("d")!.RoomCount == 0;
        });

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.Within());
        Assert.Equal(["e"], given.To.Distinct());
    }

    [Fact]
    public async Task A_leader_that_was_just_elected_moves_no_room_by_loads_that_it_does_not_know_nor_to_whom_it_does_not_hear()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        foreach (var worker in Heard.Concat(Silent).Select(worker => LinkPair.Hello(worker)))
        {
            Assert.True((await bench.SubmitAsync(new RegisterWorker("", "", 0, worker.Node, worker.Address, worker.Incarnation, 1, [], WorkerState.Active))).Outcome.IsOk);
        }

        await bench.SubmitAsync(RegistryBench.Account("ann"));
        var rooms = Enumerable.Range(0, 40).Select(i => $"room{i}").ToArray();
        foreach (var room in rooms)
        {
            await MakeAsync(room);
        }

        Assert.True((await bench.SubmitAsync(new AssignRooms("", "", 0, "d", rooms))).Outcome.IsOk);
        var given = new Given();
        using var watching = bench.Replica.Subscribe(given, out _);
        var watch = new WorkerWatch(TimeProvider.System);
        var duties = new ClusterDuties(bench.Replica, watch, new StandbyWatch(TimeProvider.System), new CoordinatorOptions { StartsAsLeader = true, WorkerSilence = TimeSpan.FromMinutes(5) }, TimeProvider.System, NullLogger<ClusterDuties>.Instance);
        using var end = new CancellationTokenSource();
        var running = duties.RunAsync(bench.Leader, end.Token);
        foreach (var worker in Silent) // The rooms of each are given away at a later look at all loads.
        {
            await bench.SubmitAsync(new AssignRooms("", "", 0, worker, [rooms[Array.IndexOf(Silent, worker)]]));
            await bench.SubmitAsync(new SetWorkerState("", "", 0, worker, WorkerState.Gone));
            await Eventually.Holds(() =>
            {
                Hear(watch, ["d"]);
                return bench.Replica.State.FindWorker(worker)!.RoomCount == 0;
            });
        }

        Assert.DoesNotContain("e", given.To);
        Assert.False(duties.MayTake(bench.Replica.State.FindWorker("e")!));
        await Eventually.Holds(() =>
        {
            Hear(watch, Heard);
            return bench.Replica.State.FindWorker("e")!.RoomCount > 0;
        });
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.Within());

        Task MakeAsync(string room) => bench.SubmitAsync(new CreateRoom("", "ann", 0, room, room, null, RoomVisibility.Public, null, ""));
    }

    private static void Hear(WorkerWatch watch, IEnumerable<string> workers)
    {
        foreach (var worker in workers)
        {
            watch.Reported(LinkPair.Hello(worker), Report);
        }
    }

    /// <summary>Who was given rooms.</summary>
    private sealed class Given : IRegistryObserver
    {
        public List<string> To { get; } = [];

        public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry) =>
            To.AddRange(entry.Records.SelectMany(record => record.Events).OfType<RoomsAssigned>().Select(assigned => assigned.Worker));

        public void Replaced(RegistryState before, RegistryState after) => Assert.Fail("nothing is replaced");
    }
}
