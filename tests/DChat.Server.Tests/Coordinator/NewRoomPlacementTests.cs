using DChat.Core.Placement;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Who may be given a new room at all, of random workers in whatever states.</summary>
public sealed class NewRoomPlacementTests(ITestOutputHelper output)
{
    private const int Clusters = 400;
    private const int WorkersMax = 10;
    private const int Rounds = 3;

    [Fact]
    public void Whatever_the_workers_a_new_room_goes_to_one_that_may_have_it_and_by_the_policy()
    {
        var random = new Random(Seed.Print(output));
        for (var i = 0; i < Clusters; i++)
        {
            var cluster = RandomCluster(random);
            string[] makers = ["", "nobody", "w1\n", new string('w', 10_000), .. cluster.State.Workers().Select(worker => worker.Id)];
            foreach (var policy in Enum.GetValues<PlacementPolicy>())
            {
                Check(cluster, policy, makers[random.Next(makers.Length)]);
            }
        }
    }

    private static void Check(RandomWorkers cluster, PlacementPolicy policy, string madeOn)
    {
        var placement = new NewRoomPlacement(policy, worker => cluster.Loads[worker.Id], worker => cluster.Fit.Contains(worker.Id));
        var active = cluster.State.Workers().Where(worker => worker is { State: WorkerState.Active, Capacity: > 0 }).Select(worker => worker.Id).ToList();
        var fit = active.FindAll(cluster.Fit.Contains);
        var candidates = fit.Count > 0 ? fit : active;
        var given = new List<string>();
        for (var room = 0; room < Math.Max(1, candidates.Count) * Rounds; room++)
        {
            var command = room % 2 == 0
                ? placement.Place(cluster.State, new CreateRoom("", "ann", 0, $"room{room}", $"room {room}", null, RoomVisibility.Public, null, madeOn))
                : placement.Place(cluster.State, new OpenDirect("", "ann", 0, $"room{room}", "ben", madeOn));
            var decision = RegistryMachine.Decide(cluster.State, command, RegistryLimits.None);
            Assert.True(decision.Outcome.IsOk, decision.Outcome.Text); // Nobody is refused a room for what stood in the command.
            given.Add(command is CreateRoom create ? create.Worker : ((OpenDirect)command).Worker);
        }

        if (candidates.Count == 0)
        {
            Assert.All(given, Assert.Empty);
            return;
        }

        Assert.All(given, worker => Assert.Contains(worker, candidates));
        switch (policy)
        {
            case PlacementPolicy.RoundRobin:
                Assert.All(candidates, worker => Assert.Equal(Rounds, given.Count(host => host == worker)));
                break;
            case PlacementPolicy.Creator when candidates.Contains(madeOn):
                Assert.All(given, worker => Assert.Equal(madeOn, worker));
                break;
            default:
                var least = candidates.Min(worker => Relative(cluster.Loads[worker]));
                Assert.All(given, worker => Assert.Equal(least, Relative(cluster.Loads[worker])));
                break;
        }
    }

    private static double Relative(WorkerLoad load) => load.Expected / load.Capacity;

    private static RandomWorkers RandomCluster(Random random)
    {
        var state = Do(Do(RegistryState.Empty, RegistryBench.Account("ann")), RegistryBench.Account("ben"));
        var loads = new Dictionary<string, WorkerLoad>(StringComparer.Ordinal);
        var fit = new HashSet<string>(StringComparer.Ordinal);
        var states = Enum.GetValues<WorkerState>();
        for (var i = random.Next(WorkersMax + 1); i > 0; i--)
        {
            var (id, capacity) = ($"w{i}", random.Next(4));
            var now = random.Next(2) == 0 ? WorkerState.Active : states[random.Next(states.Length)];
            state = Do(state, new RegisterWorker("", "", 0, id, $"{id}:1", "i", capacity, [], now));
            loads.Add(id, new WorkerLoad(id, Math.Max(1, capacity), random.Next(3) == 0 ? 0 : random.Next(1_000), random.Next(50), random.Next(50)));
            if (random.Next(4) > 0)
            {
                fit.Add(id);
            }
        }

        return new RandomWorkers(state, loads, fit);
    }

    private static RegistryState Do(RegistryState state, Command command)
    {
        var decision = RegistryMachine.Decide(state, command, RegistryLimits.None);
        Assert.True(decision.Outcome.IsOk, decision.Outcome.Text);
        return RegistryMachine.Apply(state, state.Index + 1, decision.Record!);
    }

    /// <param name="Fit">Those against whom nothing speaks: they are heard, and their store is not away.</param>
    private sealed record RandomWorkers(RegistryState State, Dictionary<string, WorkerLoad> Loads, HashSet<string> Fit);
}
