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
        Assert.Equal(["d"], Isolation.Of(Four, [("d", "a"), ("d", "b"), ("d", "c")]));
        Assert.Equal(["d"], Isolation.Of(Four, [("a", "d"), ("d", "b")])); // Two of three, whoever says so.
        Assert.Empty(Isolation.Of(Four, [("a", "d"), ("d", "a")]));
    }

    [Fact]
    public void Where_nobody_is_better_off_nobody_is_isolated()
    {
        Assert.Empty(Isolation.Of(["a", "b"], [("a", "b")]));
        Assert.Empty(Isolation.Of(Four, [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]));
        Assert.Empty(Isolation.Of([], []));
    }

    [Fact]
    public void Links_to_workers_that_are_gone_and_to_oneself_do_not_count() =>
        Assert.Empty(Isolation.Of(["a", "b", "c"], [("a", "gone"), ("gone", "b"), ("c", "c"), ("c", "gone")]));

    [Fact]
    public void There_is_always_somebody_left() =>
        Prop.ForAll(Arb.From(Cuts), cuts =>
        {
            var workers = Enumerable.Range(0, cuts.Workers).Select(i => $"w{i}").ToList();
            var isolated = Isolation.Of(workers, cuts.Links.Select(link => ($"w{link.From}", $"w{link.To}")));
            return workers.Count == 0 || (isolated.IsSubsetOf(workers) && isolated.Count < workers.Count);
        }).QuickCheckThrowOnFailure();

    private static Gen<(int Workers, (int From, int To)[] Links)> Cuts =>
        from workers in Gen.Choose(0, 8)
        from links in (from a in Gen.Choose(0, 9) from b in Gen.Choose(0, 9) select (a, b)).ArrayOf()
        select (workers, links);
}
