using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>Making, finding, entering, changing and deleting rooms.</summary>
public sealed class RoomTests(ContractServer server) : IClassFixture<ContractServer>
{
    private const string RoomShape = "id name kind topic? visibility hasPassword owner? role? members slowModeSeconds archived createdAt peer?";

    [Fact]
    public async Task A_room_is_made_by_its_owner()
    {
        await using var ann = await server.PersonAsync();
        var name = "Ärger & <Freude> " + Chat.NewId();
        var room = (await ann.Hub.CallAsync("createRoom", new { name = $"  {name} ", topic = "talk", visibility = "public" }))!;
        Chat.HasShape(room, RoomShape);
        Assert.Equal(name, (string)room["name"]!);
        Assert.Equal(("room", "talk", "public", ann.Name, "owner"), ((string)room["kind"]!, (string)room["topic"]!, (string)room["visibility"]!, (string)room["owner"]!, (string)room["role"]!));
        Assert.Equal((false, 1, 0, false), ((bool)room["hasPassword"]!, (int)room["members"]!, (int)room["slowModeSeconds"]!, (bool)room["archived"]!));
        Assert.Null(room["peer"]);

        var plain = (await ann.Hub.CallAsync("createRoom", new { name = Chat.NewId(), visibility = "private" }))!;
        Assert.DoesNotContain("topic", plain.AsObject().Select(property => property.Key));
    }

    [Fact]
    public async Task A_repeat_with_the_same_command_id_makes_no_second_room()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var request = new { name = "once " + Chat.NewId(), visibility = "private", commandId = Chat.NewId() };
        var first = (string)(await ann.Hub.CallAsync("createRoom", request))!["id"]!;
        Assert.Equal(first, (string)(await ann.Hub.CallAsync("createRoom", request))!["id"]!);
        Assert.NotEqual(first, (string)(await ben.Hub.CallAsync("createRoom", request))!["id"]!);
    }

    [Fact]
    public async Task Names_of_public_rooms_are_unique_without_case()
    {
        await using var ann = await server.PersonAsync();
        var name = "Taken " + Chat.NewId();
        await ann.Hub.CallAsync("createRoom", new { name, visibility = "public" });
        await ann.Hub.RefusesAsync("room_taken", "createRoom", new { name = name.ToUpperInvariant(), visibility = "public" });
        var hidden = (string)(await ann.Hub.CallAsync("createRoom", new { name, visibility = "private" }))!["id"]!;
        await ann.Hub.RefusesAsync("room_taken", "updateRoom", new { room = hidden, visibility = "public" });
        Assert.Equal(1, (int)(await ann.Hub.CallAsync("joinRoom", new { room = name.ToLowerInvariant() }))!["members"]!);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("two\nlines")]
    [InlineData("bell\u0007")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public async Task A_room_has_a_name_of_1_to_64_characters_without_control_characters(string name)
    {
        await using var ann = await server.PersonAsync();
        await ann.Hub.RefusesAsync("invalid_argument", "createRoom", new { name, visibility = "public" });
        var room = await ann.Hub.MakeRoomAsync();
        await ann.Hub.RefusesAsync("invalid_argument", "updateRoom", new { room, name });
    }

    [Fact]
    public async Task What_a_room_can_not_be_is_refused()
    {
        await using var ann = await server.PersonAsync();
        await ann.Hub.RefusesAsync("invalid_argument", "createRoom", new { name = Chat.NewId(), visibility = "secret" });
        await ann.Hub.RefusesAsync("invalid_argument", "createRoom", new { name = Chat.NewId(), topic = new string('t', 501) });
        await ann.Hub.RefusesAsync("invalid_argument", "createRoom", new { name = Chat.NewId(), password = new string('p', 257) });
        await ann.Hub.RefusesAsync("invalid_argument", "createRoom", new { name = Chat.NewId(), commandId = new string('c', 65) });
        var room = await ann.Hub.MakeRoomAsync();
        await ann.Hub.RefusesAsync("invalid_argument", "updateRoom", new { room, slowModeSeconds = 3_601 });
        await ann.Hub.RefusesAsync("invalid_argument", "updateRoom", new { room, slowModeSeconds = -1 });
        await ann.Hub.RefusesAsync("invalid_argument", "updateRoom", new { room, visibility = "open" });
        await ann.Hub.RefusesAsync("invalid_argument", "listRooms", new { limit = 0 });
        await ann.Hub.RefusesAsync("invalid_argument", "listRooms", new { limit = 201 });
        await ann.Hub.RefusesAsync("invalid_argument", "listRooms", new { after = "yesterday" });
    }

    [Fact]
    public async Task A_password_is_asked_of_those_who_join_but_not_of_the_invited()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var cem = await server.PersonAsync();
        var made = (await ann.Hub.CallAsync("createRoom", new { name = Chat.NewId(), password = "sesame" }))!;
        var room = (string)made["id"]!;
        Assert.True((bool)made["hasPassword"]!);
        await ben.Hub.RefusesAsync("wrong_password", "joinRoom", new { room });
        await ben.Hub.RefusesAsync("wrong_password", "joinRoom", new { room, password = "" });
        await ben.Hub.RefusesAsync("wrong_password", "joinRoom", new { room, password = "Sesame" });
        await ben.Hub.CallAsync("joinRoom", new { room, password = "sesame" });
        await ann.Hub.CallAsync("invite", new { room, user = cem.Name });
        await cem.Hub.CallAsync("joinRoom", new { room });
        var open = (await ann.Hub.CallAsync("updateRoom", new { room, password = "" }))!;
        Assert.Equal((false, 3), ((bool)open["hasPassword"]!, (int)open["members"]!));
    }

    [Fact]
    public async Task A_change_of_settings_changes_what_is_given_clears_what_is_empty_and_is_told()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SyncAsync();
        var name = "renamed " + Chat.NewId();
        var changed = (await ann.Hub.CallAsync("updateRoom", new { room, name, topic = "new topic", slowModeSeconds = 7 }))!;
        Assert.Equal((name, "new topic", 7, "owner"), ((string)changed["name"]!, (string)changed["topic"]!, (int)changed["slowModeSeconds"]!, (string)changed["role"]!));

        var told = await ben.Hub.NextAsync("roomChanged", told => (string)told["room"]!["name"]! == name);
        Chat.HasShape(told, "room");
        Chat.HasShape(told["room"], RoomShape);
        Assert.Equal(("member", 7), ((string)told["room"]!["role"]!, (int)told["room"]!["slowModeSeconds"]!));
        await ben.Hub.NextChangeAsync(room, change => (string)change["message"]!["kind"]! == "system" && ((string)change["message"]!["body"]!).Contains("new topic", StringComparison.Ordinal));

        var cleared = (await ann.Hub.CallAsync("updateRoom", new { room, topic = "" }))!;
        Assert.Null(cleared["topic"]);
        Assert.Equal((name, 7), ((string)cleared["name"]!, (int)cleared["slowModeSeconds"]!));
        await ben.Hub.RefusesAsync("forbidden", "updateRoom", new { room, topic = "mine" });
    }

    [Fact]
    public async Task Joining_and_leaving_reach_the_other_connections_of_the_user()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var other = await ben.ConnectAsync();
        await other.SyncAsync();
        await ben.Hub.SyncAsync();
        var room = await ann.MakeRoomAsync();
        await ann.Hub.SendAsync(room, "before");
        Assert.Equal("member", (string)(await ben.Hub.CallAsync("joinRoom", new { room }))!["role"]!);

        // Subscribed by it: events follow from the rev that the event names.
        var told = await other.NextAsync("roomChanged");
        Chat.HasShape(told, "room rev");
        var rev = (long)told["rev"]!;
        Assert.Equal(room, (string)told["room"]!["id"]!);
        await ann.Hub.SendAsync(room, "after");
        await ben.Hub.NextPostAsync(room, "after");
        var bodies = new List<string>();
        while (bodies.LastOrDefault() != "after")
        {
            var call = await other.NextAsync("events", call => (string)call["room"]! == room);
            foreach (var change in call["events"]!.AsArray())
            {
                Assert.Equal(++rev, (long)change!["rev"]!);
                bodies.Add((string)change["message"]!["body"]!);
            }
        }

        // The notice may be in the room before the other connection is: then it is not told as an event.
        Assert.Equal(["after"], bodies.Where(body => body != $"{ben.Name} joined"));

        await ben.Hub.CallAsync("leaveRoom", new { room });
        foreach (var hub in new[] { ben.Hub, other })
        {
            var removed = await hub.NextAsync("roomRemoved");
            Chat.HasShape(removed, "room reason");
            Assert.Equal((room, "left"), ((string)removed["room"]!, (string)removed["reason"]!));
        }

        await ben.Hub.RefusesAsync("not_member", "leaveRoom", new { room });
        Assert.Equal("member", (string)(await ben.Hub.CallAsync("joinRoom", new { room }))!["role"]!);
        Assert.Equal(2, (int)(await ben.Hub.CallAsync("joinRoom", new { room }))!["members"]!);
    }

    [Fact]
    public async Task Rooms_are_listed_most_active_first_in_pages()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var word = Chat.NewId()[..12];
        var rooms = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            rooms.Add((string)(await ann.Hub.CallAsync("createRoom", new { name = $"{word} {i}", topic = "listed", visibility = i == 4 ? "private" : "public" }))!["id"]!);
        }

        foreach (var room in new[] { rooms[3], rooms[0] })
        {
            await ann.Hub.SendBeforeOthersAsync(room, "activity");
        }

        string[] PublicOf(JsonNode page) => [.. page["rooms"]!.AsArray().Select(room => (string)room!["id"]!)];
        var all = new List<string>();
        await Eventually.Holds(async () =>
        {
            all.Clear();
            string? after = null;
            do
            {
                var page = (await ben.Hub.CallAsync("listRooms", new { query = word.ToUpperInvariant(), after, limit = 2 }))!;
                Chat.HasShape(page, "rooms next?");
                Assert.True(page["rooms"]!.AsArray().Count <= 2);
                all.AddRange(PublicOf(page));
                after = (string?)page["next"];
            }
            while (after is not null);
            return all.Take(2).SequenceEqual([rooms[0], rooms[3]]);
        });
        Assert.Equal(rooms.Take(4).Order(), all.Order());

        var own = (await ann.Hub.CallAsync("listRooms", new { query = word }))!["rooms"]!.AsArray();
        Assert.Contains(own, room => (string)room!["id"]! == rooms[4]);
        var summary = own.Single(room => (string)room!["id"]! == rooms[3])!;
        Chat.HasShape(summary, "id name topic visibility hasPassword members online joined lastActivityAt");
        Assert.Equal((1, true), ((int)summary["members"]!, (bool)summary["joined"]!));
    }

    [Fact]
    public async Task A_direct_room_is_the_same_whoever_opens_it_and_belongs_to_nobody()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await ben.Hub.SyncAsync();
        var mine = (await ann.Hub.CallAsync("openDirect", new { user = ben.Name }))!;
        Chat.HasShape(mine, RoomShape);
        var room = (string)mine["id"]!;
        Assert.Equal(("direct", "", "private", ben.Name, "member"), ((string)mine["kind"]!, (string)mine["name"]!, (string)mine["visibility"]!, (string)mine["peer"]!, (string)mine["role"]!));
        Assert.Null(mine["owner"]);

        var told = await ben.Hub.NextAsync("roomChanged");
        Assert.Equal((room, ann.Name), ((string)told["room"]!["id"]!, (string)told["room"]!["peer"]!));
        Assert.NotNull(told["rev"]);
        Assert.Equal(room, (string)(await ben.Hub.CallAsync("openDirect", new { user = ann.Name.ToUpperInvariant() }))!["id"]!);
        await ann.Hub.SendAsync(room, "psst");
        await ben.Hub.NextPostAsync(room, "psst");

        foreach (var method in new[] { "kick", "ban", "mute" })
        {
            await ann.Hub.RefusesAsync("forbidden", method, new { room, user = ben.Name });
        }

        await ann.Hub.RefusesAsync("forbidden", "setRole", new { room, user = ben.Name, role = "owner" });
        await ann.Hub.RefusesAsync("forbidden", "leaveRoom", new { room });
        await ann.Hub.RefusesAsync("forbidden", "updateRoom", new { room, topic = "x" });
        await ann.Hub.RefusesAsync("forbidden", "deleteRoom", new { room });
        await ann.Hub.RefusesAsync("not_found", "openDirect", new { user = "nobody-" + Chat.NewId()[..8] });
        Assert.Equal(ann.Name, (string)(await ann.Hub.CallAsync("openDirect", new { user = ann.Name }))!["peer"]!);
    }

    [Fact]
    public async Task An_archived_room_is_read_only_until_it_is_none_any_more()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        var seq = await ann.Hub.SeqOfSendAsync(room, "kept");
        Assert.True((bool)(await ann.Hub.CallAsync("updateRoom", new { room, archived = true }))!["archived"]!);
        await ann.Hub.RefusesAsync("forbidden", "send", new { room, clientId = "a", body = "late" });
        await ann.Hub.RefusesAsync("forbidden", "edit", new { room, clientId = "b", seq, body = "late" });
        await ann.Hub.RefusesAsync("forbidden", "react", new { room, clientId = "c", seq, emoji = "👍" });
        await ann.Hub.RefusesAsync("forbidden", "invite", new { room, user = "admin" });
        Assert.Contains("kept", (await ben.Hub.HistoryAsync(room)).Select(message => (string)message["body"]!));
        await ann.Hub.CallAsync("updateRoom", new { room, archived = false });
        await ben.Hub.SendAsync(room, "back");
    }

    [Fact]
    public async Task A_deleted_room_is_told_to_members_who_do_not_follow_it_and_to_the_invited()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var cem = await server.PersonAsync();
        await using var stranger = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ann.Hub.CallAsync("invite", new { room, user = cem.Name });
        await ben.Hub.SyncAsync();
        await ben.Hub.CallAsync("unsubscribe", new { room });
        await ann.Hub.SyncAsync();
        await ann.Hub.CallAsync("deleteRoom", new { room });
        foreach (var told in new[] { ann, ben, cem })
        {
            var removed = await told.Hub.NextAsync("roomRemoved");
            Assert.Equal((room, "deleted"), ((string)removed["room"]!, (string)removed["reason"]!));
            Assert.DoesNotContain(told.Hub.Untaken(), heard => heard.Name == "roomRemoved");
        }

        await stranger.Hub.SyncAsync();
        stranger.Hub.HeardNothingOf(room);
    }

    [Fact]
    public async Task A_deleted_room_is_gone_for_everybody()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var name = "doomed " + Chat.NewId();
        var room = (string)(await ann.Hub.CallAsync("createRoom", new { name }))!["id"]!;
        await ben.Hub.CallAsync("joinRoom", new { room });
        await ben.Hub.SyncAsync();
        await ben.Hub.RefusesAsync("forbidden", "deleteRoom", new { room });
        await ann.Hub.CallAsync("deleteRoom", new { room });

        var removed = await ben.Hub.NextAsync("roomRemoved");
        Assert.Equal((room, "deleted"), ((string)removed["room"]!, (string)removed["reason"]!));
        foreach (var (method, request) in new (string, object)[]
        {
            ("subscribe", new { room }), ("joinRoom", new { room }), ("joinRoom", new { room = name }), ("history", new { room }), ("members", new { room }),
            ("send", new { room, clientId = "late", body = "late" }), ("deleteRoom", new { room }), ("search", new { query = "x", room }),
        })
        {
            await ann.Hub.RefusesAsync("not_found", method, request);
        }

        Assert.Null(Chat.RoomIn(await ben.Hub.SyncAsync(), room));
        await ben.Hub.CallAsync("createRoom", new { name });
    }
}
