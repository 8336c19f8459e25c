using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>Presence, typing and read marks.</summary>
public sealed class PresenceTests(ContractServer server) : IClassFixture<ContractServer>
{
    [Fact]
    public async Task Coming_going_away_and_going_are_told()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ann.Hub.SyncAsync();
        await Eventually.Holds(async () => (int)(await ann.Hub.SubscribeAsync(room))["onlineCount"]! == 1);
        await ben.Hub.SyncAsync();
        var told = await StateAsync(ann.Hub, ben.Name, "online");
        Chat.HasShape(told, "room full users online");
        Chat.HasShape(told["users"]![0], "user state");
        Assert.Equal((room, 2), ((string)told["room"]!, (int)told["online"]!));
        await Eventually.Holds(async () =>
        {
            var sync = await ann.Hub.SubscribeAsync(room);
            return (int)sync["onlineCount"]! == 2 && sync["online"]!.AsArray().Count == 2;
        });

        // Online with any connection, away only when all are.
        await using var second = await ben.ConnectAsync();
        await second.SyncAsync();
        await second.CallAsync("setPresence", new { state = "away" });
        await ben.Hub.CallAsync("setPresence", new { state = "away" });
        Assert.Equal(2, (int)(await StateAsync(ann.Hub, ben.Name, "away"))["online"]!);
        await second.CallAsync("setPresence", new { state = "online" });
        await StateAsync(ann.Hub, ben.Name, "online");
        await second.DisposeAsync();
        await StateAsync(ann.Hub, ben.Name, "away");
        await ben.Hub.DisposeAsync();
        Assert.Equal(1, (int)(await StateAsync(ann.Hub, ben.Name, "offline"))["online"]!);
        await ann.Hub.RefusesAsync("invalid_argument", "setPresence", new { state = "invisible" });
    }

    [Fact]
    public async Task Typing_is_told_and_ends_with_the_message()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ann.Hub.SyncAsync();
        await ben.Hub.CallAsync("typing", new { room });
        var told = await ann.Hub.NextAsync("typing");
        Chat.HasShape(told, "room users");
        Assert.Equal((room, ben.Name), ((string)told["room"]!, (string)told["users"]!.AsArray().Single()!));
        await ben.Hub.SendAsync(room, "there it is");
        Assert.Empty((await ann.Hub.NextAsync("typing"))["users"]!.AsArray());
        await ben.Hub.CallAsync("typing", new { room });
        await ann.Hub.NextAsync("typing", typing => typing["users"]!.AsArray().Count == 1);
        await ann.Hub.NextAsync("typing", typing => typing["users"]!.AsArray().Count == 0); // It ends by itself.
    }

    [Fact]
    public async Task A_read_mark_is_told_to_the_users_other_connections_and_goes_forward_only()
    {
        await using var ann = await server.PersonAsync();
        await using var second = await ann.ConnectAsync();
        var room = await ann.MakeRoomAsync();
        await second.SyncAsync();
        await Task.WhenAll(Enumerable.Range(1, 5).Select(i => ann.Hub.SendAsync(room, $"m{i}")));
        await ann.Hub.CallAsync("markRead", new { room, seq = 4 });
        var told = await second.NextAsync("read");
        Chat.HasShape(told, "room seq");
        Assert.Equal((room, 4), ((string)told["room"]!, (long)told["seq"]!));
        Assert.Equal((4, 1), await MarkAsync());

        await ann.Hub.CallAsync("markRead", new { room, seq = 2 });
        Assert.Equal((4, 1), await MarkAsync());
        await ann.Hub.CallAsync("markRead", new { room, seq = 5 });
        Assert.Equal(5, (long)(await second.NextAsync("read"))["seq"]!);
        Assert.DoesNotContain(ann.Hub.Untaken(), heard => heard.Name == "read");
        await ann.Hub.RefusesAsync("invalid_argument", "markRead", new { room, seq = 0 });

        async Task<(long, long)> MarkAsync()
        {
            var sync = await ann.Hub.SubscribeAsync(room);
            return ((long)sync["readSeq"]!, (long)sync["unread"]!);
        }
    }

    [Fact]
    public async Task A_read_mark_can_not_pass_what_there_is_to_read()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await ann.Hub.SendAsync(room, "read");
        await ann.Hub.CallAsync("markRead", new { room, seq = 9_000_000_000_000_000 });
        await ann.Hub.SendAsync(room, "unread");
        Assert.Equal(1, (long)(await ann.Hub.SubscribeAsync(room))["unread"]!);
    }

    private static Task<JsonNode> StateAsync(HubProbe hub, string user, string state) =>
        hub.NextAsync("presence", presence => presence["users"]!.AsArray().Any(one => (string)one!["user"]! == user && (string)one["state"]! == state));
}
