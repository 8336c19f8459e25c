using DChat.Core.Placement;

namespace DChat.Core.Tests.Placement;

public sealed class RoomPlacementTests
{
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
}
