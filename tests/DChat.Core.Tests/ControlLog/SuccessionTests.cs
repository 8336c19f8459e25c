using DChat.Core.ControlLog;

namespace DChat.Core.Tests.ControlLog;

public sealed class SuccessionTests
{
    private static readonly LeaderInfo Leader = new(7, "10.0.0.1:9000");

    [Theory]
    [InlineData(7, true, true)]
    [InlineData(7, false, false)] // Slow, frozen or cut off: its lease decides.
    [InlineData(6, true, false)] // Never reached in its term: it may be out of reach from here alone.
    [InlineData(0, true, false)]
    public void A_leader_is_gone_where_a_link_of_its_term_ended_and_nobody_listens(long linkedTerm, bool isRefused, bool isGone) =>
        Assert.Equal(isGone, Succession.IsLeaderGone(Leader, linkedTerm, isRefused));

    [Theory]
    [InlineData(7, true)]
    [InlineData(6, false)] // Another followed while this node was away.
    [InlineData(0, false)]
    public void The_process_before_this_one_led_in_the_latest_term_that_is_noted_here(long latestTerm, bool isPredecessor) =>
        Assert.Equal(isPredecessor, Succession.IsPredecessor(Leader, latestTerm));
}
