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
        var verdict = new CutOffVerdict(TimeSpan.FromSeconds(3), () => Task.CompletedTask);
        var seen = "";
        foreach (var (what, second) in heard.Select((what, second) => (what, second)))
        {
            verdict.See(what == 'h', what == 'o', TimeSpan.FromSeconds(second));
            seen += verdict.IsCutOff ? 'X' : '-';
        }

        Assert.Equal(cutOff, seen);
    }

    /// <summary>Searches are told by the second at which they find nothing.</summary>
    [Theory]
    [InlineData("noooooo", new[] { 2 }, "-----XX")]
    [InlineData("nooooooo", new[] { 4 }, "-------X")] // It takes its time to find none.
    [InlineData("noooooooooh", new int[0], "-----------")] // It is still being looked for.
    [InlineData("noonoooooo", new[] { 2, 6 }, "---------X")] // Each time that others hear one, it is looked for anew.
    public void Whoever_has_not_looked_since_others_hear_a_coordinator_is_not_cut_off(string heard, int[] foundNoneAt, string cutOff)
    {
        var searches = new List<TaskCompletionSource>();
        var verdict = new CutOffVerdict(TimeSpan.FromSeconds(3), () =>
        {
            searches.Add(new());
            return searches[^1].Task;
        });
        var seen = "";
        foreach (var (what, second) in heard.Select((what, second) => (what, second)))
        {
            if (foundNoneAt.Contains(second))
            {
                searches[^1].SetResult();
            }

            verdict.See(what == 'h', what == 'o', TimeSpan.FromSeconds(second));
            seen += verdict.IsCutOff ? 'X' : '-';
        }

        Assert.Equal(cutOff, seen);
    }
}
