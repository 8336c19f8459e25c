using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator.Workers;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>What a worker's rooms cost together is kept while rooms move, and is what they cost one by one.</summary>
public sealed class RoomLoadsTests(ITestOutputHelper output)
{
    private const int Workers = 5;
    private const int Rooms = 40;
    private const int Steps = 3_000;

    [Fact]
    public void Whatever_moves_a_worker_costs_what_its_rooms_cost()
    {
        var random = new Random(Seed.Print(output));
        var time = new HandTime();
        var loads = new RoomLoads(time, TimeSpan.FromSeconds(30));
        var workers = Enumerable.Range(0, Workers).Select(i => $"w{i}").ToArray();
        var state = Do(RegistryState.Empty, new CreateAccount("", "", 0, "ann", null, [1, 2, 3]));
        state = workers.Aggregate(state, (before, worker) => Do(before, new RegisterWorker("", "", 0, worker, $"{worker}:1", "i", 1, [], WorkerState.Active)));
        for (var step = 0; step < Steps; step++)
        {
            time.Now += TimeSpan.FromSeconds(random.Next(3));
            switch (random.Next(12))
            {
                case 0:
                    var taken = state;
                    loads.Take(
                        () =>
                        {
                            var read = random.Next(2) == 0 ? taken : Change(); // What changes meanwhile is in the state that is read, or comes later.
                            for (var more = random.Next(4); more > 0; more--)
                            {
                                Change();
                            }

                            return read;
                        },
                        Reports);
                    break;
                case 1:
                    loads.Forget();
                    break;
                default:
                    Change();
                    break;
            }

            foreach (var worker in workers)
            {
                Assert.Equal(state.RoomsOn(worker).Sum(room => loads.Of(room.Id, worker)), loads.On(worker), 6);
            }
        }

        RegistryState Change()
        {
            var room = $"room{random.Next(Rooms)}";
            if (state.FindRoom(room) is null)
            {
                state = Do(state, new CreateRoom("", "ann", 0, room, $"the {room} of {state.Index}", null, RoomVisibility.Public, null, workers[random.Next(Workers)]));
                return state;
            }

            var worker = workers[random.Next(Workers)];
            var from = state.FindRoom(room)!.AssignedTo;
            state = Do(state, new AssignRooms("", "", 0, worker, [room]));
            loads.Moved(room, from, worker);
            return state;
        }

        IEnumerable<(string, WorkerReport)> Reports(RegistryState at) => workers.Select(worker => (worker, new WorkerReport(
            0, 0, 0, 0, null, [], [.. at.RoomsOn(worker).Where(_ => random.Next(3) > 0).Select(room => new RoomLoadReport(room.Id, random.Next(100))), new RoomLoadReport("gone", 7)], [])));
    }

    [Fact]
    public void A_room_that_is_deleted_costs_nothing()
    {
        var loads = new RoomLoads(new HandTime(), TimeSpan.FromSeconds(30));
        var state = Do(RegistryState.Empty, new CreateAccount("", "", 0, "ann", null, [1, 2, 3]));
        state = Do(state, new RegisterWorker("", "", 0, "w", "w:1", "i", 1, [], WorkerState.Active));
        state = Do(state, new CreateRoom("", "ann", 0, "room", "room", null, RoomVisibility.Public, null, "w"));
        loads.Take(() => state, _ => [("w", new WorkerReport(0, 0, 0, 0, null, [], [new RoomLoadReport("room", 5)], []))]);
        Assert.Equal(5, loads.On("w"));
        loads.Moved("room", "w", null);
        Assert.Equal(0, loads.On("w"));
    }

    [Fact]
    public void Busy_rooms_that_a_report_has_no_place_for_cost_what_it_says_of_all_together()
    {
        const int Busy = 300;
        const double Each = 10;
        var time = new HandTime();
        var loads = new RoomLoads(time, TimeSpan.FromSeconds(30));
        var state = Do(RegistryState.Empty, new CreateAccount("", "", 0, "ann", null, [1, 2, 3]));
        state = ((string[])["w", "v"]).Aggregate(state, (before, worker) => Do(before, new RegisterWorker("", "", 0, worker, $"{worker}:1", "i", 1, [], WorkerState.Active)));
        state = Enumerable.Range(0, Busy).Aggregate(state, (before, room) => Do(before, new CreateRoom("", "ann", 0, $"r{room}", $"r{room}", null, RoomVisibility.Public, null, "w")));
        RoomLoadReport[] named = [.. Enumerable.Range(0, WorkerReports.BusiestMax).Select(room => new RoomLoadReport($"r{room}", Each))];
        Take();
        Assert.Equal(Busy * Each, loads.On("w"), 6);
        Assert.Equal(Each, loads.Of("r299", "w"), 6);

        // Where it moves it counts as much, though its new host has not heard much of it yet; and no longer where it was.
        state = Do(state, new AssignRooms("", "", 0, "v", ["r299"]));
        loads.Moved("r299", "w", "v");
        Assert.Equal(((Busy - 1) * Each, Each), (loads.On("w"), loads.On("v")));
        Take();
        Assert.Equal(Each, loads.On("v"), 6);
        Assert.Equal(Each, loads.Of("r299", "v"), 6);
        loads.Moved("r298", "w", null);
        Assert.Equal((Busy - 2) * Each, loads.On("w"), 6);

        void Take() => loads.Take(() => state, at =>
        [
            ("w", new WorkerReport(0, 0, at.FindWorker("w")!.RoomCount * Each, 0, null, [], named, [])),
            ("v", new WorkerReport(0, 0, 0, 0, null, [], [], [])),
        ]);
    }

    private static RegistryState Do(RegistryState state, Command command)
    {
        var decision = RegistryMachine.Decide(state, command, RegistryLimits.None);
        Assert.True(decision.Outcome.IsOk, decision.Outcome.Text);
        return decision.Record is { } record ? RegistryMachine.Apply(state, state.Index + 1, record) : state;
    }
}
