using DChat.Server.Tests.Contract;
using DChat.Server.Worker.Gateway;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

public sealed class FeedSweepTests(ContractServer server) : IClassFixture<ContractServer>
{
    /// <summary>A feed that nobody uses is closed every so often: whoever comes at that moment gets another one, and no error.</summary>
    [Fact]
    public async Task Whoever_subscribes_while_unused_feeds_are_swept_away_is_served()
    {
        const int Rounds = 1_500;
        var gateway = server.Server.Services.GetRequiredService<ChatGateway>();
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        for (var round = 0; round < Rounds; round++)
        {
            var sweeping = Task.Run(gateway.SweepFeeds);
            await ann.Hub.SubscribeAsync(room);
            await sweeping;
            await ann.Hub.CallAsync("unsubscribe", new { room });
        }
    }
}
