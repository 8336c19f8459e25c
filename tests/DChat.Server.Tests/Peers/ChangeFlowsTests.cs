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
}
