using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary><c>sync</c>, <c>subscribe</c> and <c>unsubscribe</c>: what they answer and how much.</summary>
public sealed class SyncTests(ContractServer server) : IClassFixture<ContractServer>
{
    private const string RoomSyncShape = "room rev reset messages more readSeq unread mentions online onlineCount";

    [Fact]
    public async Task Sync_answers_who_one_is_what_the_server_is_and_every_room()
    {
        await using var ann = await server.PersonAsync();
        var empty = await ann.Hub.SyncAsync();
        Chat.HasShape(empty, "me server rooms invitations");
        Chat.HasShape(empty["me"], "user displayName roles");
        Chat.HasShape(empty["server"], "version protocol worker limits");
        Chat.HasShape(empty["server"]!["limits"], "bodyCodePoints hubCallBytes fileBytes pageMessages sendsPerSecond sendBurst roomsPerUser membersPerRoom");
        Assert.Empty(empty["rooms"]!.AsArray());
        Assert.Empty(empty["invitations"]!.AsArray());

        var room = await ann.MakeRoomAsync();
        await ann.Hub.SendAsync(room, "hello");
        var sync = Chat.RoomIn(await ann.Hub.SyncAsync(), room)!;
        Chat.HasShape(sync, RoomSyncShape);
        Assert.Equal((1, true, false), ((long)sync["rev"]!, (bool)sync["reset"]!, (bool)sync["more"]!));
        Assert.Equal(["hello"], Chat.Bodies(sync));
        Assert.Equal(sync["messages"]!.ToJsonString(), (await ann.Hub.SubscribeAsync(room))["messages"]!.ToJsonString());
        Chat.HasShape(await ann.Hub.SubscribeAsync(room), RoomSyncShape);
    }

    [Fact]
    public async Task An_administrator_is_told_so()
    {
        await using var admin = await HubProbe.ConnectAsync(server.Address, server.AdminToken);
        Assert.Equal(["admin"], (await admin.SyncAsync())["me"]!["roles"]!.AsArray().Select(role => (string)role!));
    }

    [Fact]
    public async Task Unsubscribing_ends_the_events_and_subscribing_continues_them()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SyncAsync();
        await ann.Hub.SendAsync(room, "heard");
        var rev = (long)(await ben.Hub.NextPostAsync(room, "heard"))["rev"]!;
        await ben.Hub.CallAsync("unsubscribe", new { room });
        await ann.Hub.SendAsync(room, "missed");
        await ben.Hub.CallAsync("unsubscribe", new { room });
        ben.Hub.HeardNothingOf("missed");
        Assert.Equal(["missed"], Chat.Bodies(await ben.Hub.SubscribeAsync(room, rev)));
        await ann.Hub.SendAsync(room, "again");
        await ben.Hub.NextPostAsync(room, "again");
    }

    [Fact]
    public async Task Unread_messages_and_mentions_are_counted_from_the_read_mark()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        var first = await ann.Hub.SeqOfSendAsync(room, "one");
        await ann.Hub.SendAsync(room, $"two for @{ben.Name}!");
        await ann.Hub.SendAsync(room, $"three for x@{ben.Name}x");
        await ben.Hub.CallAsync("markRead", new { room, seq = first });
        var sync = Chat.RoomIn(await ben.Hub.SyncAsync(), room)!;
        Assert.Equal((first, 2, 1), ((long)sync["readSeq"]!, (int)sync["unread"]!, (int)sync["mentions"]!));
    }

    [Fact]
    public async Task A_sync_holds_at_most_1000_messages_and_the_rest_comes_by_subscribe()
    {
        await using var ann = await server.PersonAsync();
        var rooms = new List<string>();
        var sends = new List<Task<JsonNode?>>();
        for (var i = 0; i < 22; i++)
        {
            var room = await ann.MakeRoomAsync();
            rooms.Add(room);
            sends.AddRange(Enumerable.Range(1, 51).Select(n => ann.Hub.BeginCall("send", new { room, clientId = $"m{n}", body = $"m{n}" })));
        }

        await Task.WhenAll(sends).Within();
        var sync = await ann.Hub.SyncAsync();
        Assert.Equal(rooms.Order(), sync["rooms"]!.AsArray().Select(room => (string)room!["room"]!["id"]!).Order());
        Assert.Equal(1_000, sync["rooms"]!.AsArray().Sum(room => Chat.Messages(room!).Length));
        foreach (var room in sync["rooms"]!.AsArray())
        {
            Assert.Equal((51, true, true), ((long)room!["rev"]!, (bool)room["reset"]!, (bool)room["more"]!));
        }

        var without = sync["rooms"]!.AsArray().First(room => Chat.Messages(room!).Length == 0)!;
        Assert.Equal(50, Chat.Messages(await ann.Hub.SubscribeAsync((string)without["room"]!["id"]!)).Length);

        // With revs: 51 changes in each room, so the last ones do not fit.
        var resumed = await ann.Hub.SyncAsync(rooms.ToDictionary(room => room, _ => 0L));
        Assert.Equal(1_000, resumed["rooms"]!.AsArray().Sum(room => Chat.Messages(room!).Length));
        Assert.All(resumed["rooms"]!.AsArray(), room =>
        {
            Assert.False((bool)room!["reset"]!);
            Assert.Equal(Chat.Messages(room).Length < 51, (bool)room["more"]!);
        });
    }

    [Fact]
    public async Task A_sync_holds_at_most_1_MiB_and_what_does_not_fit_comes_by_subscribe()
    {
        await using var ann = await server.PersonAsync();
        var (large, small) = (await ann.MakeRoomAsync(), await ann.MakeRoomAsync());
        var body = string.Concat(Enumerable.Repeat("😀", 8_000));
        await Task.WhenAll(Enumerable.Range(1, 40).Select(n => ann.Hub.BeginCall("send", new { room = large, clientId = $"m{n}", body }))).Within();
        await ann.Hub.SendAsync(small, "small");
        var sync = await ann.Hub.SyncAsync();
        Assert.True(System.Text.Encoding.UTF8.GetByteCount(sync.ToJsonString(Relaxed)) <= 1024 * 1024);
        var cut = Chat.RoomIn(sync, large)!;
        Assert.Equal((0, true, 40), (Chat.Messages(cut).Length, (bool)cut["more"]!, (long)cut["rev"]!));
        Assert.Equal(["small"], Chat.Bodies(Chat.RoomIn(sync, small)!));
        Assert.Equal(40, Chat.Messages(await ann.Hub.SubscribeAsync(large)).Length);
    }

    [Fact]
    public async Task A_sync_of_many_rooms_with_long_topics_holds_at_most_1_MiB_and_leaves_no_room_out()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var topic = string.Concat(Enumerable.Repeat("😀", 500));
        var rooms = new List<string>();
        for (var i = 0; i < 230; i++)
        {
            rooms.Add((string)(await ann.Hub.CallAsync("createRoom", new { name = $"{ann.Name} {i}", topic, visibility = "private" }))!["id"]!);
        }

        for (var i = 0; i < 30; i++)
        {
            var room = (string)(await ben.Hub.CallAsync("createRoom", new { name = $"{ben.Name} {i}", topic, visibility = "private" }))!["id"]!;
            await ben.Hub.CallAsync("invite", new { room, user = ann.Name });
        }

        await ann.Hub.SendAsync(rooms[^1], "the last one");
        var sync = await ann.Hub.SyncAsync();
        Assert.True(System.Text.Encoding.UTF8.GetByteCount(sync.ToJsonString(Relaxed)) <= 1024 * 1024);
        Assert.Equal(rooms.Order(), sync["rooms"]!.AsArray().Select(room => (string)room!["room"]!["id"]!).Order());
        Assert.Equal(30, sync["invitations"]!.AsArray().Count);
        Assert.Equal(topic, (string?)Chat.RoomIn(sync, rooms[0])!["room"]!["topic"]);
        var cut = Chat.RoomIn(sync, rooms[^1])!;
        Assert.Equal((null, true), ((string?)cut["room"]!["topic"], (bool)cut["more"]!));
        var whole = await ann.Hub.SubscribeAsync(rooms[^1]);
        Assert.Equal(topic, (string?)whole["room"]!["topic"]);
        Assert.Equal(["the last one"], Chat.Bodies(whole));
    }

    [Fact]
    public async Task What_can_not_be_subscribed_is_refused()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await ann.Hub.RefusesAsync("invalid_argument", "subscribe", new { room, afterRev = -1 });
        await ann.Hub.RefusesAsync("not_found", "subscribe", new { room = Chat.NewId() });
        await using var ben = await server.PersonAsync();
        await ben.Hub.RefusesAsync("not_member", "subscribe", new { room });
    }

    private static readonly System.Text.Json.JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
