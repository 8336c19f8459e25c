using DChat.Core.Placement;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Core.Tests.Placement;

public sealed class IsolationTests
{
    private static readonly string[] Four = ["a", "b", "c", "d"];

    [Fact]
    public void Who_cannot_reach_most_others_is_isolated_and_they_are_not()
    {
        Assert.Equal(["d"], Isolation.FromMost(Four, [("d", "a"), ("d", "b"), ("d", "c")]));
        Assert.Equal(["d"], Isolation.FromMost(Four, [("a", "d"), ("d", "b")])); // Two of three, whoever says so.
        Assert.Empty(Isolation.FromMost(Four, [("a", "d"), ("d", "a")]));
    }

    [Fact]
    public void Where_nobody_is_better_off_nobody_is_isolated_from_most()
    {
        Assert.Empty(Isolation.FromMost(["a", "b"], [("a", "b")]));
        Assert.Empty(Isolation.FromMost(Four, [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]));
        Assert.Empty(Isolation.FromMost([], []));
    }

    [Fact]
    public void Links_to_workers_that_are_gone_and_to_oneself_do_not_count()
    {
        Assert.Empty(Isolation.FromMost(["a", "b", "c"], [("a", "gone"), ("gone", "b"), ("c", "c"), ("c", "gone")]));
        Assert.Empty(Pairs("a1 b1 c1", "a-gone gone-b c-c c-gone"));
    }

    /// <summary>Workers with the number of their rooms (g: a gateway only), who says that it does not reach whom, who was named before, and who is named.</summary>
    [Theory]
    [InlineData("a5 b3", "", "b", "")] // Nobody for ever.
    [InlineData("a5 b3", "a-b", "", "b")] // Fewer rooms move.
    [InlineData("a5 b3", "b-a", "", "b")] // Whoever says so.
    [InlineData("a0 b0", "a-b", "", "b")]
    [InlineData("a5 bg", "b-a", "", "b")]
    [InlineData("ag b0", "a-b", "", "a")] // A gateway has nothing to lose.
    [InlineData("a9 b0", "a-b", "a", "a")] // Once is for as long as they are cut.
    [InlineData("a9 b1 c1 d1 e1 f1", "a-b a-c", "", "a")] // One instead of two.
    [InlineData("a9 b1 c1 d1 e1 f1", "a-b a-c", "b", "a")]
    [InlineData("a9 b1 c1 d1 e1 f1", "a-b a-c", "b c", "b c")] // Both are needed, each for a pair.
    [InlineData("a4 b3 c2 d1", "a-c a-d b-c b-d", "", "c d")] // Two halves.
    [InlineData("a3 b2 c1", "a-b b-c c-a", "", "b c")] // Nobody reaches anybody: one has all.
    [InlineData("a3 b2 c1", "a-b b-c c-a", "a b c", "b c")]
    public void Of_two_that_are_cut_from_each_other_the_one_is_named_that_costs_less(string workers, string cuts, string before, string named) =>
        Assert.Equal(named, string.Join(' ', Pairs(workers, cuts, before).Order(StringComparer.Ordinal)));

    [Fact]
    public void There_is_always_somebody_left() =>
        Prop.ForAll(Arb.From(Cuts), cuts =>
        {
            var isolated = Isolation.FromMost(cuts.Names, cuts.Links);
            return cuts.Workers.Count == 0 || (isolated.IsSubsetOf(cuts.Names) && isolated.Count < cuts.Workers.Count);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Without_those_that_are_named_all_others_reach_each_other_and_there_is_somebody_left() =>
        Prop.ForAll(Arb.From(Cuts), cuts =>
        {
            var named = Isolation.OfPairs(cuts.Workers, cuts.Links, cuts.Before);
            bool AreCut(string a, string b) => a != b && (cuts.Links.Contains((a, b)) || cuts.Links.Contains((b, a)));
            var left = cuts.Names.Except(named).ToList();
            return named.IsSubsetOf(cuts.Names)
                && !left.Exists(a => left.Exists(b => AreCut(a, b)))
                && (left.Count > 0 || cuts.Workers.Count == 0)
                && named.All(worker => left.Exists(other => AreCut(worker, other))); // None needlessly.
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Who_is_named_stays_so_whatever_becomes_of_its_rooms_and_in_whatever_order_all_are_looked_at() =>
        Prop.ForAll(Arb.From(Cuts), cuts =>
        {
            var named = Isolation.OfPairs(cuts.Workers, cuts.Links, cuts.Before);
            var emptied = cuts.Workers.Select(worker => worker with { Rooms = named.Contains(worker.Worker) ? 0 : worker.Rooms + 3, Connections = 9 - worker.Connections });
            return named.SetEquals(Isolation.OfPairs([.. cuts.Workers.Reverse()], cuts.Links.Reverse(), cuts.Before))
                && named.SetEquals(Isolation.OfPairs([.. emptied], cuts.Links, named));
        }).QuickCheckThrowOnFailure();

    private static IReadOnlySet<string> Pairs(string workers, string cuts, string before = "") => Isolation.OfPairs(
        [.. Words(workers).Select(word => new LinkedWorker(word[..1], word[1..] == "g" ? 0 : 1, word[1..] == "g" ? 0 : int.Parse(word[1..]), 0))],
        Words(cuts).Select(word => word.Split('-')).Select(ends => (ends[0], ends[1])),
        Words(before).ToHashSet());

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static Gen<Case> Cuts =>
        from count in Gen.Choose(0, 8)
        from workers in (from capacity in Gen.Choose(0, 2) from rooms in Gen.Choose(0, 3) from connections in Gen.Choose(0, 3) select (capacity, rooms, connections)).ArrayOf(count)
        from links in (from a in Gen.Choose(0, 9) from b in Gen.Choose(0, 9) select ($"w{a}", $"w{b}")).ArrayOf()
        from before in Gen.Choose(0, 9).ArrayOf()
        select new Case([.. workers.Select((worker, i) => new LinkedWorker($"w{i}", worker.capacity, worker.rooms, worker.connections))], links, before.Select(i => $"w{i}").ToHashSet());

    private sealed record Case(IReadOnlyList<LinkedWorker> Workers, (string From, string To)[] Links, IReadOnlySet<string> Before)
    {
        public string[] Names => [.. Workers.Select(worker => worker.Worker)];
    }
}
