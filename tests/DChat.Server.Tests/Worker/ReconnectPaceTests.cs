using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.Server.Worker.Gateway;
using DChat.TestKit;

namespace DChat.Server.Tests.Worker;

public sealed class ReconnectPaceTests
{
    [Theory]
    [InlineData(0, 500)]
    [InlineData(500, 500)]
    [InlineData(2_049, 2_000)]
    [InlineData(5_000, 5_000)]
    [InlineData(100_000, 10_000)]
    public void The_more_clients_the_longer_within_bounds(int clients, int spreadMs) => Assert.Equal(spreadMs, new ReconnectPace(1_000).SpreadMs(clients));

    [Fact]
    public void Without_a_limit_all_come_at_once() => Assert.Equal(ReconnectSpread.UntoldMs, new ReconnectPace(0).SpreadMs(100_000));

    [Fact]
    public async Task A_client_is_told_when_it_comes_and_when_there_are_far_more()
    {
        await using var server = await InProcessServer.StartAsync(options => options with { Limits = options.Limits with { ReconnectsPerSecond = 1 } });
        using var http = server.CreateHttpClient();
        using var answer = await http.PostAsJsonAsync("/api/register", new { user = "ann", password = "correct horse" });
        var token = (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["accessToken"]!;
        await using var first = await HubProbe.ConnectAsync(server.Client, token);
        Assert.Equal(1_000, await SpreadAsync(first));
        await using var second = await HubProbe.ConnectAsync(server.Client, token);
        Assert.Equal(2_000, await SpreadAsync(second));
        Assert.Equal(2_000, await SpreadAsync(first));
    }

    private static async Task<long> SpreadAsync(HubProbe client) => (long)(await client.NextAsync(HubEvents.ReconnectSpread))["ms"]!;
}
