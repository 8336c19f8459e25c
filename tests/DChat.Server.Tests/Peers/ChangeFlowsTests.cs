using DChat.Server.Tests.Nodes;
using DChat.Server.Worker.Peers;

namespace DChat.Server.Tests.Peers;

/// <summary>What a host keeps for each room to which a gateway sent something.</summary>
public sealed class ChangeFlowsTests
{
    [Fact]
    public void Rooms_that_are_not_used_any_more_cost_nothing()
    {
        var flows = new ChangeFlows();
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < ChangeFlows.Kept; i++)
            {
                flows.Of($"room{round}-{i}", round * (ChangeFlows.IdleMs + 1));
            }

            Assert.InRange(flows.Count, 1, 2 * ChangeFlows.Kept);
        }
    }

    [Fact]
    public void What_was_refused_in_a_room_in_use_stays_refused_however_many_others_there_are()
    {
        var flows = new ChangeFlows();
        flows.Of("room", 0).Refuse(7);
        for (var i = 0; i < 20 * ChangeFlows.Kept; i++)
        {
            flows.Of($"other{i}", i);
            Assert.False(flows.Of("room", i).Admits(7));
        }

        Assert.True(flows.Of("room", 20 * ChangeFlows.Kept).Admits(8));
    }

    [Fact]
    public void A_gateways_flows_outlive_its_links_for_as_long_as_anything_may_wait()
    {
        var clock = new HandTime();
        var gateways = new GatewayFlows(clock);
        var (before, after, other) = (LinkPair.Hello("g"), LinkPair.Hello("g") with { Incarnation = "i2" }, LinkPair.Hello("h"));
        var flows = gateways.Enter(before);
        Assert.NotSame(flows, gateways.Enter(after));
        gateways.Leave(before);
        clock.Now += TimeSpan.FromMilliseconds(ChangeFlows.IdleMs);
        Assert.Same(flows, gateways.Enter(before));
        gateways.Enter(before);
        gateways.Leave(before); // One of two links.
        clock.Now += TimeSpan.FromMilliseconds(2 * ChangeFlows.IdleMs);
        gateways.Enter(other);
        Assert.Equal(3, gateways.Count);
        gateways.Leave(before);
        gateways.Leave(after);
        clock.Now += TimeSpan.FromMilliseconds(2 * ChangeFlows.IdleMs);
        gateways.Enter(other);
        Assert.Equal(1, gateways.Count);
    }
}
