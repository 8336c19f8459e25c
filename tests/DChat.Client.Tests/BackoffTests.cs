using DChat.Client.Connections;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Client.Tests;

public sealed class BackoffTests(ITestOutputHelper output)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Spread = TimeSpan.FromSeconds(2);

    [Fact]
    public void Clients_that_lost_one_server_come_back_all_over_the_spread()
    {
        var random = new Random(Seed.Print(output));
        var waits = Enumerable.Range(0, 5_000).Select(_ => new Backoff(First, Longest, random).AfterLoss(Spread)).ToList();
        Assert.All(waits, wait => Assert.InRange(wait, First / 2, Spread));
        Assert.All(Enumerable.Range(1, 7), quarter => Assert.InRange(waits.Count(wait => wait >= Spread * quarter / 8 && wait < Spread * (quarter + 1) / 8), 450, 1_600));
    }

    [Fact]
    public void A_connection_that_is_lost_again_and_again_is_opened_ever_more_seldom()
    {
        var backoff = new Backoff(First, Longest, new Random(Seed.Print(output)));
        for (var bound = First; bound < Longest; bound *= 2)
        {
            Assert.True(backoff.AfterLoss(Spread) >= bound / 2);
        }

        Assert.InRange(backoff.Next(), Longest / 2, Longest);
        backoff.Reset();
        Assert.InRange(backoff.Next(), First / 2, First);
    }
}
