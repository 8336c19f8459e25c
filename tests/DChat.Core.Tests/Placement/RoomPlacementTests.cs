using DChat.Core.Placement;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Core.Tests.Placement;

public sealed class RoomPlacementTests(ITestOutputHelper output)
{
    private const int Clusters = 2_000;
    private const int WorkersMax = 12;

    private static readonly WorkerLoad[] Three =
    [
        new("w2", 2, 100, 10, 5),
        new("w1", 1, 60, 0, 0),
        new("w3", 1, 70, 0, 0),
    ];

    [Fact]
    public void Nobody_is_chosen_from_nobody() => Assert.Null(RoomPlacement.Choose(PlacementPolicy.LeastLoaded, [], "w1", 0));

    [Fact]
    public void The_least_loaded_relative_to_capacity_is_chosen()
    {
        Assert.Equal("w2", RoomPlacement.Choose(PlacementPolicy.LeastLoaded, Three, "", 0));
        Assert.Equal("w2", RoomPlacement.Choose(PlacementPolicy.LeastLoaded, [new("w1", 1, 0, 4, 0), new("w2", 2, 0, 6, 0)], "", 0));
        Assert.Equal("w1", RoomPlacement.Choose(PlacementPolicy.LeastLoaded, [new("w2", 2, 0, 0, 7), new("w1", 1, 0, 0, 3)], "", 0));
        Assert.Equal("w1", RoomPlacement.Choose(PlacementPolicy.LeastLoaded, [new("w2", 1, 0, 0, 0), new("w1", 1, 0, 0, 0)], "", 0));
    }

    [Fact]
    public void Round_robin_takes_one_after_the_other() =>
        Assert.Equal(["w1", "w2", "w3", "w1"], Enumerable.Range(0, 4).Select(turn => RoomPlacement.Choose(PlacementPolicy.RoundRobin, Three, "", turn)));

    [Fact]
    public void The_creators_worker_is_chosen_where_it_may_host()
    {
        Assert.Equal("w3", RoomPlacement.Choose(PlacementPolicy.Creator, Three, "w3", 0));
        Assert.Equal("w2", RoomPlacement.Choose(PlacementPolicy.Creator, Three, "w9", 0));
    }

    [Fact]
    public void An_unknown_policy_is_a_mistake_of_the_caller() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => RoomPlacement.Choose((PlacementPolicy)9, Three, "", 0));

    [Fact]
    public void Whatever_the_loads_nobody_is_less_loaded_than_the_one_that_is_chosen()
    {
        var random = new Random(Seed.Print(output));
        for (var i = 0; i < Clusters; i++)
        {
            var workers = RandomWorkers(random);
            var chosen = Chosen(PlacementPolicy.LeastLoaded, workers, workers[random.Next(workers.Length)].Worker, random.Next());
            Assert.All(workers, other => Assert.True(Weight(chosen).CompareTo(Weight(other)) <= 0, $"{chosen} was chosen, and not {other}"));
        }
    }

    [Fact]
    public void Whatever_the_loads_round_robin_gives_each_as_many_as_any_other_and_one_more_at_most()
    {
        var random = new Random(Seed.Print(output));
        for (var i = 0; i < Clusters; i++)
        {
            var workers = RandomWorkers(random);
            var (first, turns) = (random.Next(), random.Next(5 * workers.Length));
            var given = workers.ToDictionary(load => load.Worker, _ => 0);
            for (var turn = 0; turn < turns; turn++)
            {
                random.Shuffle(workers); // The order of candidates does not matter.
                given[Chosen(PlacementPolicy.RoundRobin, workers, "", (long)first + turn).Worker]++;
            }

            Assert.InRange(given.Values.Max() - given.Values.Min(), 0, turns % workers.Length == 0 ? 0 : 1);
        }
    }

    [Fact]
    public void Whatever_the_loads_the_creators_worker_is_chosen_where_it_is_a_candidate_and_else_the_least_loaded()
    {
        var random = new Random(Seed.Print(output));
        for (var i = 0; i < Clusters; i++)
        {
            var workers = RandomWorkers(random);
            var creator = workers[random.Next(workers.Length)].Worker;
            Assert.Equal(creator, Chosen(PlacementPolicy.Creator, workers, creator, random.Next()).Worker);

            var others = workers.Where(load => load.Worker != creator).ToArray();
            foreach (var absent in new[] { creator, "", "nobody" })
            {
                Assert.Equal(
                    RoomPlacement.Choose(PlacementPolicy.LeastLoaded, others, "", 0),
                    RoomPlacement.Choose(PlacementPolicy.Creator, others, absent, random.Next()));
            }
        }
    }

    private static WorkerLoad Chosen(PlacementPolicy policy, IReadOnlyCollection<WorkerLoad> workers, string creator, long turn)
    {
        var chosen = RoomPlacement.Choose(policy, workers, creator, turn);
        return Assert.Single(workers, load => load.Worker == chosen);
    }

    /// <summary>By what workers are compared: all relative to their capacity.</summary>
    private static (double Load, double Connections, double Rooms) Weight(WorkerLoad load) =>
        (((load.Rooms * 0.1) + load.DeliveriesPerSecond) / load.Capacity, (double)load.Connections / load.Capacity, (double)load.Rooms / load.Capacity);

    /// <summary>One or more, in any order; of few different loads, so that many are alike.</summary>
    private static WorkerLoad[] RandomWorkers(Random random)
    {
        var few = random.Next(2) == 0;
        var workers = Enumerable.Range(0, random.Next(1, WorkersMax + 1))
            .Select(i => new WorkerLoad($"w{i}", random.Next(1, few ? 3 : 100), few ? random.Next(3) : random.NextDouble() * 10_000, random.Next(few ? 3 : 5_000), random.Next(few ? 3 : 20_000)))
            .ToArray();
        random.Shuffle(workers);
        return workers;
    }
}
