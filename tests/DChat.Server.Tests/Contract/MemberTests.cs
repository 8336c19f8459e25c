using System.Text.Json.Nodes;

namespace DChat.Server.Tests.Contract;

/// <summary>Who is in a room, and what moderators do with them.</summary>
public sealed class MemberTests(ContractServer server) : IClassFixture<ContractServer>
{
    [Fact]
    public async Task Members_are_listed_in_order_of_joining_in_pages()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var cem = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben, cem);
        await ben.Hub.SubscribeAsync(room);
        await TestKit.Eventually.Holds(async () =>
            (await ann.Hub.CallAsync("members", new { room }))!["members"]!.AsArray().Any(member => (string)member!["user"]! == ben.Name && (bool)member["online"]!));

        var first = (await cem.Hub.CallAsync("members", new { room, limit = 2 }))!;
        Chat.HasShape(first, "members next");
        Chat.HasShape(first["members"]![0], "user displayName role online");
        Assert.Equal([ann.Name, ben.Name], Users(first));
        Assert.Equal(["owner", "member"], first["members"]!.AsArray().Select(member => (string)member!["role"]!));
        var second = (await cem.Hub.CallAsync("members", new { room, limit = 2, after = (string)first["next"]! }))!;
        Chat.HasShape(second, "members");
        Assert.Equal([cem.Name], Users(second));
        foreach (var method in new[] { "members", "bans" })
        {
            await ann.Hub.RefusesAsync("invalid_argument", method, new { room, limit = 0 });
            await ann.Hub.RefusesAsync("invalid_argument", method, new { room, limit = 201 });
        }
    }

    [Fact]
    public async Task An_invitation_opens_a_private_room_and_can_be_declined()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.Hub.MakeRoomAsync("private");
        await ben.Hub.SyncAsync();
        await ann.Hub.CallAsync("invite", new { room, user = ben.Name });
        var told = await ben.Hub.NextAsync("roomChanged");
        Chat.HasShape(told, "room");
        Assert.Equal((room, "invited"), ((string)told["room"]!["id"]!, (string)told["room"]!["role"]!));
        Assert.Equal(room, (string)(await ben.Hub.SyncAsync())["invitations"]!.AsArray().Single()!["id"]!);
        await ben.Hub.RefusesAsync("not_member", "history", new { room });

        await using var second = await ben.ConnectAsync();
        await ben.Hub.CallAsync("leaveRoom", new { room });
        var declined = await second.NextAsync("roomRemoved");
        Assert.Equal((room, "left"), ((string)declined["room"]!, (string)declined["reason"]!));
        Assert.Empty((await ben.Hub.SyncAsync())["invitations"]!.AsArray());
        await ben.Hub.RefusesAsync("not_found", "joinRoom", new { room });

        await ann.Hub.CallAsync("invite", new { room, user = ben.Name });
        Assert.Equal("member", (string)(await ben.Hub.CallAsync("joinRoom", new { room }))!["role"]!);
        await ann.Hub.RefusesAsync("not_found", "invite", new { room, user = "nobody-" + Chat.NewId()[..8] });
    }

    [Fact]
    public async Task A_kick_removes_at_once_and_the_kicked_may_come_back()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var cem = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben, cem);
        await ben.Hub.SyncAsync();
        await cem.Hub.SyncAsync();
        await cem.Hub.RefusesAsync("forbidden", "kick", new { room, user = ben.Name });
        await ann.Hub.RefusesAsync("invalid_argument", "kick", new { room, user = ann.Name });
        await ann.Hub.RefusesAsync("too_large", "kick", new { room, user = ben.Name, reason = new string('r', 301) });
        await ann.Hub.CallAsync("kick", new { room, user = ben.Name, reason = "too loud" });
        var removed = await ben.Hub.NextAsync("roomRemoved");
        Assert.Equal((room, "kicked"), ((string)removed["room"]!, (string)removed["reason"]!));
        await cem.Hub.NextChangeAsync(room, change => (string)change["message"]!["body"]! == $"{ann.Name} removed {ben.Name}: too loud");
        await ben.Hub.RefusesAsync("not_member", "send", new { room, clientId = "x", body = "x" });
        await ann.Hub.RefusesAsync("not_found", "kick", new { room, user = ben.Name });
        await ben.Hub.CallAsync("joinRoom", new { room });
    }

    [Theory]
    [InlineData("kick", "kicked")]
    [InlineData("ban", "banned")]
    public async Task An_invitation_that_is_withdrawn_is_taken_from_the_list(string how, string reason)
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.Hub.MakeRoomAsync("private");
        await ann.Hub.CallAsync("invite", new { room, user = ben.Name });
        await ben.Hub.NextAsync("roomChanged");
        await ann.Hub.CallAsync(how, new { room, user = ben.Name });
        var removed = await ben.Hub.NextAsync("roomRemoved");
        Assert.Equal((room, reason), ((string)removed["room"]!, (string)removed["reason"]!));
        await ben.Hub.RefusesAsync("not_found", "joinRoom", new { room });
    }

    [Fact]
    public async Task A_ban_removes_and_keeps_out_until_it_is_lifted()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SyncAsync();
        await ann.Hub.CallAsync("ban", new { room, user = ben.Name, reason = "spam" });
        Assert.Equal("banned", (string)(await ben.Hub.NextAsync("roomRemoved"))["reason"]!);
        await ben.Hub.RefusesAsync("banned", "joinRoom", new { room });
        await ben.Hub.RefusesAsync("banned", "send", new { room, clientId = "x", body = "x" });
        await ann.Hub.RefusesAsync("banned", "invite", new { room, user = ben.Name });

        var bans = (await ann.Hub.CallAsync("bans", new { room }))!;
        Chat.HasShape(bans, "bans");
        Chat.HasShape(bans["bans"]!.AsArray().Single(), "user by reason at");
        Assert.Equal((ben.Name, ann.Name, "spam"), ((string)bans["bans"]![0]!["user"]!, (string)bans["bans"]![0]!["by"]!, (string)bans["bans"]![0]!["reason"]!));

        await ann.Hub.CallAsync("unban", new { room, user = ben.Name });
        Assert.Empty((await ann.Hub.CallAsync("bans", new { room }))!["bans"]!.AsArray());
        await ben.Hub.CallAsync("joinRoom", new { room });
        await ben.Hub.RefusesAsync("forbidden", "bans", new { room });
    }

    [Fact]
    public async Task The_muted_read_but_do_not_write()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        var seq = await ben.Hub.SeqOfSendAsync(room, "loud");
        await ann.Hub.CallAsync("mute", new { room, user = ben.Name, minutes = 5 });
        await ben.Hub.RefusesAsync("muted", "send", new { room, clientId = "a", body = "louder" });
        await ben.Hub.RefusesAsync("muted", "edit", new { room, clientId = "b", seq, body = "louder" });
        await ben.Hub.RefusesAsync("muted", "react", new { room, clientId = "c", seq, emoji = "👍" });
        await ben.Hub.RefusesAsync("muted", "typing", new { room });
        Assert.Contains("loud", (await ben.Hub.HistoryAsync(room)).Select(message => (string)message["body"]!));
        await ann.Hub.RefusesAsync("invalid_argument", "mute", new { room, user = ben.Name, minutes = -1 });
        await ann.Hub.RefusesAsync("invalid_argument", "mute", new { room, user = ben.Name, minutes = 525_601 });
        await ann.Hub.CallAsync("mute", new { room, user = ben.Name, minutes = 0 });
        await ben.Hub.SendAsync(room, "at last");
    }

    [Fact]
    public async Task Roles_are_given_by_owners_and_told()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var cem = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben, cem);
        await ben.Hub.SyncAsync();
        await ann.Hub.CallAsync("setRole", new { room, user = ben.Name, role = "moderator" });
        var told = await ben.Hub.NextAsync("roomChanged");
        Assert.Equal("moderator", (string)told["room"]!["role"]!);
        await ben.Hub.NextChangeAsync(room, change => (string)change["message"]!["body"]! == $"{ben.Name} is now moderator");

        var seq = await cem.Hub.SeqOfSendAsync(room, "rude");
        await ben.Hub.CallAsync("delete", new { room, clientId = Chat.NewId(), seq });
        await ben.Hub.CallAsync("mute", new { room, user = cem.Name });
        await ben.Hub.RefusesAsync("forbidden", "kick", new { room, user = ann.Name });
        await ben.Hub.RefusesAsync("forbidden", "setRole", new { room, user = cem.Name, role = "moderator" });
        await ann.Hub.RefusesAsync("invalid_argument", "setRole", new { room, user = cem.Name, role = "king" });
        await ann.Hub.RefusesAsync("forbidden", "setRole", new { room, user = ann.Name, role = "member" });
    }

    [Fact]
    public async Task The_longest_serving_moderator_else_member_inherits_and_an_empty_room_is_archived()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var cem = await server.PersonAsync();
        await using var dot = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben, cem, dot);
        await ann.Hub.CallAsync("setRole", new { room, user = dot.Name, role = "moderator" });
        await ann.Hub.CallAsync("leaveRoom", new { room });
        Assert.Equal(dot.Name, await OwnerAsync(ben));
        await dot.Hub.CallAsync("leaveRoom", new { room });
        Assert.Equal(ben.Name, await OwnerAsync(cem));
        await ben.Hub.CallAsync("leaveRoom", new { room });
        await cem.Hub.CallAsync("leaveRoom", new { room });
        await ann.Hub.RefusesAsync("forbidden", "joinRoom", new { room });

        async Task<string> OwnerAsync(Person asking) => (string)(await asking.Hub.SubscribeAsync(room))["room"]!["owner"]!;
    }

    private static string[] Users(JsonNode page) => [.. page["members"]!.AsArray().Select(member => (string)member!["user"]!)];
}
