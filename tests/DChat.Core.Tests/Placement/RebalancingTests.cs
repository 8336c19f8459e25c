using DChat.Core.Placement;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Core.Tests.Placement;

public sealed class RebalancingTests
{
    private static readonly RebalancingOptions Options = new();

    [Fact]
    public void Even_loads_stay_where_they_are() =>
        Assert.Empty(Plan(new() { ["w1"] = Rooms("a", 100, 10), ["w2"] = Rooms("b", 95, 12), ["w3"] = Rooms("c", 110, 9) }));

    [Fact]
    public void A_new_worker_is_given_rooms_a_few_at_a_time()
    {
        var rooms = new Dictionary<string, List<RoomLoad>> { ["w1"] = Rooms("a", 0, 1_000), ["w2"] = [] };
        var moves = Plan(rooms);
        Assert.Equal(Options.MovesMax, moves.Count);
        Assert.All(moves, move => Assert.Equal("w2", move.Worker));
    }

    [Fact]
    public void A_hot_room_moves_alone()
    {
        var rooms = new Dictionary<string, List<RoomLoad>> { ["w1"] = [new("hot", 900), .. Rooms("a", 700, 7)], ["w2"] = Rooms("b", 20, 1) };
        Assert.Equal([new RoomMove("hot", "w2")], Plan(rooms));
    }

    [Fact]
    public void A_room_that_is_too_hot_for_anybody_does_not_wander()
    {
        var rooms = new Dictionary<string, List<RoomLoad>> { ["w1"] = [new("hot", 900)], ["w2"] = [] };
        Assert.Empty(Plan(rooms));
        Assert.Empty(Rebalancing.Plan([new WorkerLoad("w1", 1, 900, 0, Rooms: 1), new WorkerLoad("w2", 1, 0, 0, Rooms: 0)], worker => rooms[worker], Options)); // As the coordinator counts.
    }

    [Fact]
    public void A_room_that_is_too_hot_for_anybody_does_not_keep_the_others_where_they_are()
    {
        var rooms = new Dictionary<string, List<RoomLoad>> { ["w1"] = [new("hot", 1_000)], ["w2"] = [.. Enumerable.Range(0, 900).Select(i => new RoomLoad($"b{i}", 1))], ["w3"] = [], ["w4"] = [] };
        var moves = Plan(rooms);
        Assert.Equal(Options.MovesMax, moves.Count);
        Assert.All(moves, move => Assert.Contains(move.Worker, (string[])["w3", "w4"]));
    }

    [Fact]
    public void Whatever_the_loads_a_plan_evens_out_and_the_next_ones_come_to_rest() =>
        Prop.ForAll(Arb.From(Clusters), cluster =>
        {
            var rooms = cluster;
            var before = Busiest(rooms);
            for (var round = 0; round < 1_000; round++)
            {
                var moves = Plan(rooms);
                if (moves.Count == 0)
                {
                    return;
                }

                Assert.True(moves.Count <= Options.MovesMax);
                Assert.Equal(moves.Count, moves.DistinctBy(move => (move.Room, round)).Count());
                rooms = Moved(rooms, moves);
                var after = Busiest(rooms);
                Assert.True(after <= before + 1e-9, $"the busiest worker got busier: {before} to {after}");
                before = after;
            }

            Assert.Fail("rooms wander for ever");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void A_spread_gives_every_room_one_host_and_no_host_much_more_than_its_share() =>
        Prop.ForAll(Arb.From(Clusters), cluster =>
        {
            var orphans = cluster.First().Value;
            var others = cluster.Skip(1).Select(worker => Load(worker.Key, worker.Value)).ToList();
            var moves = RoomSpread.Over(PlacementPolicy.LeastLoaded, orphans, others);
            Assert.Equal(orphans.Select(room => room.Room).Order(), moves.Select(move => move.Room).Order());
            Assert.All(moves, move => Assert.Contains(others, other => other.Worker == move.Worker));

            // Graham's bound for adding to the least loaded: nobody who was given a room ends above the average by more than one room.
            var after = Moved(cluster, moves).Where(worker => others.Exists(other => other.Worker == worker.Key)).ToDictionary();
            var average = after.Sum(worker => Load(worker.Key, worker.Value).Expected) / after.Count;
            var largest = orphans.Count == 0 ? 0 : orphans.Max(room => room.Expected);
            Assert.All(moves.Select(move => move.Worker).Distinct(), worker => Assert.True(Load(worker, after[worker]).Expected <= average + largest + 1e-6));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Without_candidates_no_room_gets_a_host() => Assert.Empty(RoomSpread.Over(PlacementPolicy.LeastLoaded, Rooms("a", 10, 3), []));

    [Fact]
    public void Round_robin_spreads_by_number() =>
        Assert.Equal(
            ["w1", "w2", "w1"],
            RoomSpread.Over(PlacementPolicy.RoundRobin, Rooms("a", 0, 3), [new("w2", 1, 0, 0, 0), new("w1", 1, 900, 0, 0)]).Select(move => move.Worker));

    private static Gen<Dictionary<string, List<RoomLoad>>> Clusters =>
        from counts in Gen.Choose(0, 40).NonEmptyListOf()
        from seed in Gen.Choose(0, int.MaxValue - 1)
        where counts.Count is >= 2 and <= 8
        select Build(counts, seed);

    private static Dictionary<string, List<RoomLoad>> Build(IReadOnlyList<int> counts, int seed)
    {
        var random = new Random(seed);
        return counts.Select((count, worker) => (
                Worker: $"w{worker}",
                Rooms: Enumerable.Range(0, count).Select(room => new RoomLoad($"r{worker}-{room}", random.Next(4) == 0 ? random.Next(1, 2_000) : 0)).ToList()))
            .ToDictionary(pair => pair.Worker, pair => pair.Rooms);
    }

    private static IReadOnlyList<RoomMove> Plan(Dictionary<string, List<RoomLoad>> rooms) =>
        Rebalancing.Plan([.. rooms.Select(worker => Load(worker.Key, worker.Value))], worker => rooms[worker], Options);

    private static double Busiest(Dictionary<string, List<RoomLoad>> rooms) => rooms.Max(worker => Load(worker.Key, worker.Value).Expected);

    private static Dictionary<string, List<RoomLoad>> Moved(Dictionary<string, List<RoomLoad>> rooms, IReadOnlyList<RoomMove> moves)
    {
        var targets = moves.GroupBy(move => move.Room).ToDictionary(group => group.Key, group => group.Last().Worker);
        var moved = rooms.ToDictionary(worker => worker.Key, worker => worker.Value.Where(room => !targets.ContainsKey(room.Room)).ToList());
        foreach (var room in rooms.Values.SelectMany(all => all).Where(room => targets.ContainsKey(room.Room)))
        {
            moved[targets[room.Room]].Add(room);
        }

        return moved;
    }

    private static WorkerLoad Load(string worker, List<RoomLoad> rooms) =>
        new(worker, 1, rooms.Sum(room => room.Expected) - (rooms.Count * RoomLoad.Quiet), 0, rooms.Count);

    private static List<RoomLoad> Rooms(string prefix, double inAll, int count) =>
        [.. Enumerable.Range(0, count).Select(room => new RoomLoad($"{prefix}{room}", inAll / count))];
}
