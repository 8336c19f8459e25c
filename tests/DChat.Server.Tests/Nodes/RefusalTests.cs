using DChat.Server.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Nodes;

/// <summary>Who is refused for good comes seldom, and does not fill the log.</summary>
public sealed class RefusalTests
{
    [Fact]
    public async Task Who_comes_again_and_again_with_a_wrong_secret_is_named_once()
    {
        await using var server = await InProcessServer.StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await ComeAsync(server, "10.1.2.3:\u001b[31m9");
        }

        await ComeAsync(server, "the last one:1");
        await Eventually.Holds(() => Said(server, "the last one").Length > 0);
        var line = Assert.Single(Said(server, "10.1.2.3:?[31m9"));
        Assert.Contains("127.0.0.1", line, StringComparison.Ordinal);
        Assert.Contains("the cluster secrets differ", line, StringComparison.Ordinal);
    }

    [Fact]
    public void What_repeats_is_said_once_and_then_counted_once_a_minute()
    {
        var time = new HandMovedTime();
        var repeats = new Repeats(time);
        Assert.Equal([1, 0, 0], Enumerable.Range(0, 3).Select(_ => repeats.Next("a")));
        Assert.Equal(1, repeats.Next("b"));
        time.Now += Repeats.SayAgainAfter;
        Assert.Equal([3, 0], Enumerable.Range(0, 2).Select(_ => repeats.Next("a")));
        time.Now += Repeats.ForgetAfter * 2;
        Assert.Equal(1, repeats.Next("a"));
    }

    [Fact]
    public void However_many_different_ones_there_are_few_are_told_apart()
    {
        var time = new HandMovedTime();
        var repeats = new Repeats(time);
        Assert.Equal(Repeats.KeysMax + 1, Enumerable.Range(0, Repeats.KeysMax * 3).Sum(i => repeats.Next($"{i}")));
        time.Now += Repeats.ForgetAfter * 2;
        Assert.Equal([1, 1], new[] { repeats.Next("x"), repeats.Next("y") });
    }

    [Theory]
    [InlineData(0, false, 0.05)]
    [InlineData(1_000_000, false, 1)]
    [InlineData(0, true, 0.05)]
    [InlineData(1_000_000, true, 30)]
    public void A_node_is_dialled_again_soon_but_not_where_it_refuses_for_good(int attempt, bool isRefused, double seconds) =>
        Assert.InRange(Redial.After(attempt, isRefused).TotalSeconds, seconds * 0.5, seconds * 1.5);

    private static async Task ComeAsync(InProcessServer server, string address)
    {
        using var dialer = new NodeDialer(new NodeHandshake(LinkPair.Secret(9)), new NodeSelf("w", "i", address, "0"), null, TimeProvider.System);
        var refused = await Assert.ThrowsAsync<NodeRefusedException>(
            () => dialer.ConnectAsync(server.Node.Authority, NodeServices.Registry, null, _ => throw new InvalidOperationException(), CancellationToken.None));
        Assert.True(refused.IsLasting);
    }

    private static string[] Said(InProcessServer server, string what) =>
        [.. server.Log.Lines.Where(line => line.Contains("refused a node", StringComparison.Ordinal) && line.Contains(what, StringComparison.Ordinal))];

    private sealed class HandMovedTime : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
