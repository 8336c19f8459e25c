using DChat.Server.Worker.Joining;

namespace DChat.Server.Tests.Worker.Joining;

/// <summary>When a worker counts as cut off: what it hears (h), what only others hear (o) or nobody (n) at each second, after 3 s.</summary>
public sealed class CutOffVerdictTests
{
    [Theory]
    [InlineData("hhhhhh", "------")]
    [InlineData("hooo", "----")]
    [InlineData("hoooo", "----X")]
    [InlineData("hoooooh", "----XX-")]
    [InlineData("hnnnnnnnn", "---------")] // All coordinators are away: everybody goes on.
    [InlineData("hnnnnnnoh", "---------")] // Others found them a little earlier.
    [InlineData("hoonooo", "-------")]
    [InlineData("hoonoooo", "-------X")]
    [InlineData("hoooonnnh", "----XXXX-")] // Whom it sent away it takes back when it is one of the cluster again.
    [InlineData("hoooohoooo", "----X----X")]
    public void A_worker_is_cut_off_where_others_have_heard_a_coordinator_for_so_long_and_it_none(string heard, string cutOff)
    {
        var verdict = new CutOffVerdict(TimeSpan.FromSeconds(3));
        var seen = "";
        foreach (var (what, second) in heard.Select((what, second) => (what, second)))
        {
            verdict.See(what == 'h', what == 'o', TimeSpan.FromSeconds(second));
            seen += verdict.IsCutOff ? 'X' : '-';
        }

        Assert.Equal(cutOff, seen);
    }
}
