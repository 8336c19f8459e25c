using DChat.Protocol;
using DChat.Server.Observability;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Observability;

public sealed class SendCountTests
{
    [Fact]
    public async Task Only_messages_that_are_committed_now_are_counted_as_sends()
    {
        await using var server = await OwnServer.StartAsync(options => options);
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben); // With the news of it.
        var seq = (long)(await ann.Hub.SendAsync(room, "one", "one"))["seq"]!;
        await ann.Hub.SendAsync(room, "one", "one");
        await ann.Hub.CallAsync("edit", new { room, clientId = "edit", seq, body = "uno" });
        await ann.Hub.CallAsync("react", new { room, clientId = "react", seq, emoji = "👍", on = true });
        await ann.Hub.RefusesAsync(ErrorCodes.InvalidArgument, "send", new { room, clientId = "reply", body = "to nothing", replyTo = 1_000 });
        await ann.Hub.SendAsync(room, "two");

        Assert.Contains("\ndchat_sends_total 2\n", server.Server.Services.GetRequiredService<PrometheusExporter>().Write(), StringComparison.Ordinal);
    }
}
