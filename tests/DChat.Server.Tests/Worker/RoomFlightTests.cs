using DChat.Server.Worker.Host;

namespace DChat.Server.Tests.Worker;

/// <summary>Whoever waits for what is in flight waits for that, and for nothing that is taken later.</summary>
public sealed class RoomFlightTests
{
    private readonly RoomFlight _flight = new();

    [Fact]
    public void Where_nothing_is_in_flight_nothing_is_waited_for() => Assert.True(_flight.LandedAsync().IsCompleted);

    [Fact]
    public void Batches_that_are_taken_later_are_not_waited_for()
    {
        _flight.Take();
        _flight.Take();
        var both = _flight.LandedAsync();
        _flight.Take();
        var all = _flight.LandedAsync();
        _flight.Land();
        Assert.False(both.IsCompleted);
        _flight.Land();
        Assert.True(both.IsCompleted);
        Assert.False(all.IsCompleted);
        _flight.Take();
        _flight.Land();
        Assert.True(all.IsCompleted);
        Assert.Equal(1, _flight.Count);
    }

    [Fact]
    public void A_batch_of_which_nothing_is_made_is_not_waited_for_nor_does_it_stand_for_one_before()
    {
        _flight.Take();
        _flight.Take();
        var both = _flight.LandedAsync();
        _flight.Drop();
        Assert.False(both.IsCompleted);
        _flight.Land();
        Assert.True(both.IsCompleted);

        _flight.Take();
        var one = _flight.LandedAsync();
        _flight.Drop();
        Assert.True(one.IsCompleted);
        Assert.Equal(0, _flight.Count);
    }

    [Fact]
    public void Those_who_wait_for_the_same_share_it()
    {
        _flight.Take();
        Assert.Same(_flight.LandedAsync(), _flight.LandedAsync());
    }
}
