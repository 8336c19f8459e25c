using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>Sending, changing and finding messages: their shapes and their limits.</summary>
public sealed class MessageTests(ContractServer server) : IClassFixture<ContractServer>
{
    private const string MessageShape = "seq rev kind author clientId sentAt body replyTo? editedAt? deletedAt? files? reactions? mine?";

    [Fact]
    public async Task A_message_is_answered_told_and_kept_alike()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SyncAsync();
        var sent = await ann.Hub.SendAsync(room, "Grüße \"<&>\" 👋\n\tzwei", "my id");
        Chat.HasShape(sent, "seq rev sentAt");

        var told = await ben.Hub.NextAsync("events", call => (string)call["events"]![0]!["message"]!["author"]! == ann.Name);
        Chat.HasShape(told, "room events");
        var change = told["events"]!.AsArray().Single()!;
        Chat.HasShape(change, "rev kind message");
        Assert.Equal("posted", (string)change["kind"]!);
        var message = change["message"]!;
        Chat.HasShape(message, "seq rev kind author clientId sentAt body");
        Assert.Equal(sent["rev"]!.ToJsonString(), change["rev"]!.ToJsonString());
        foreach (var name in new[] { "seq", "rev", "sentAt" })
        {
            Assert.Equal((long)sent[name]!, (long)message[name]!);
        }

        Assert.Equal(("text", ann.Name, "my id", "Grüße \"<&>\" 👋\n\tzwei"), ((string)message["kind"]!, (string)message["author"]!, (string)message["clientId"]!, (string)message["body"]!));
        var kept = (await ben.Hub.HistoryAsync(room))[^1];
        Assert.Equal(message.ToJsonString(), kept.ToJsonString());
        Assert.Equal(message.ToJsonString(), Chat.Messages(await ben.Hub.SubscribeAsync(room))[^1].ToJsonString());
    }

    [Fact]
    public async Task An_action_and_an_answer_are_marked_as_such()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var first = await ann.Hub.SeqOfSendAsync(room, "question");
        await ann.Hub.CallAsync("send", new { room, clientId = Chat.NewId(), body = "waves", kind = "action", replyTo = first });
        var message = (await ann.Hub.HistoryAsync(room))[^1];
        Chat.HasShape(message, "seq rev kind author clientId sentAt body replyTo");
        Assert.Equal(("action", first), ((string)message["kind"]!, (long)message["replyTo"]!));
        await ann.Hub.RefusesAsync("invalid_argument", "send", new { room, clientId = Chat.NewId(), body = "x", kind = "system" });
        await ann.Hub.RefusesAsync("invalid_argument", "send", new { room, clientId = Chat.NewId(), body = "x", replyTo = 0 });
        await ann.Hub.RefusesAsync("invalid_argument", "send", new { room, clientId = Chat.NewId(), body = "x", replyTo = 999 });
    }

    [Theory]
    [InlineData("invalid_argument", "", 1)]
    [InlineData("invalid_argument", " \t\n ", 1)]
    [InlineData("invalid_argument", "nul\0", 1)]
    [InlineData("invalid_argument", "\u200b", 1)]
    [InlineData("too_large", "x", 8_001)]
    [InlineData("too_large", "😀", 8_001)]
    public async Task A_body_has_1_to_8000_code_points_that_can_be_seen(string code, string piece, int times)
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var body = string.Concat(Enumerable.Repeat(piece, times));
        await ann.Hub.RefusesAsync(code, "send", new { room, clientId = Chat.NewId(), body });
        var seq = await ann.Hub.SeqOfSendAsync(room, "fine");
        await ann.Hub.RefusesAsync(code, "edit", new { room, clientId = Chat.NewId(), seq, body });
    }

    [Fact]
    public async Task The_longest_body_is_taken_whatever_its_bytes()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var body = string.Concat(Enumerable.Repeat("😀", 8_000));
        await ann.Hub.SendAsync(room, body);
        Assert.Equal(body, (string)(await ann.Hub.HistoryAsync(room))[^1]["body"]!);
    }

    [Theory]
    [InlineData("")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    [InlineData("two\nlines")]
    public async Task A_client_id_has_1_to_64_characters(string clientId)
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var seq = await ann.Hub.SeqOfSendAsync(room, "x");
        await ann.Hub.RefusesAsync("invalid_argument", "send", new { room, clientId, body = "x" });
        await ann.Hub.RefusesAsync("invalid_argument", "edit", new { room, clientId, seq, body = "y" });
        await ann.Hub.RefusesAsync("invalid_argument", "delete", new { room, clientId, seq });
        await ann.Hub.RefusesAsync("invalid_argument", "react", new { room, clientId, seq, emoji = "👍" });
    }

    [Fact]
    public async Task An_edit_is_told_and_takes_the_next_rev()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SyncAsync();
        var sent = await ann.Hub.SendAsync(room, "first");
        var seq = (long)sent["seq"]!;
        var edited = (await ann.Hub.CallAsync("edit", new { room, clientId = Chat.NewId(), seq, body = "second" }))!;
        Chat.HasShape(edited, "rev");
        Assert.Equal((long)sent["rev"]! + 1, (long)edited["rev"]!);
        var change = await ben.Hub.NextChangeAsync(room, change => (string)change["kind"]! == "edited");
        Chat.HasShape(change, "rev kind message");
        Chat.HasShape(change["message"], "seq rev kind author clientId sentAt body editedAt");
        Assert.Equal((seq, (long)edited["rev"]!, "second"), ((long)change["message"]!["seq"]!, (long)change["message"]!["rev"]!, (string)change["message"]!["body"]!));

        // A change that changes nothing takes no rev.
        await ann.Hub.CallAsync("edit", new { room, clientId = Chat.NewId(), seq, body = "second" });
        Assert.Equal((long)edited["rev"]!, (long)(await ann.Hub.SubscribeAsync(room))["rev"]!);
        await ben.Hub.RefusesAsync("forbidden", "edit", new { room, clientId = Chat.NewId(), seq, body = "mine" });
        await ann.Hub.RefusesAsync("not_found", "edit", new { room, clientId = Chat.NewId(), seq = 999, body = "none" });
        await ann.Hub.RefusesAsync("invalid_argument", "edit", new { room, clientId = Chat.NewId(), seq = 0, body = "none" });
        await ann.Hub.RefusesAsync("forbidden", "edit", new { room, clientId = Chat.NewId(), seq = 1, body = "the system's" });
    }

    [Fact]
    public async Task A_deleted_message_keeps_its_place_without_its_content()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SyncAsync();
        var seq = await ann.Hub.SeqOfSendAsync(room, "regretted");
        await ben.Hub.CallAsync("react", new { room, clientId = Chat.NewId(), seq, emoji = "👍" });
        await ben.Hub.RefusesAsync("forbidden", "delete", new { room, clientId = Chat.NewId(), seq });
        Chat.HasShape(await ann.Hub.CallAsync("delete", new { room, clientId = Chat.NewId(), seq }), "rev");
        var change = await ben.Hub.NextChangeAsync(room, change => (string)change["kind"]! == "deleted");
        Chat.HasShape(change["message"], "seq rev kind author clientId sentAt body deletedAt");
        Assert.Equal("", (string)change["message"]!["body"]!);
        Assert.Equal(change["message"]!.ToJsonString(), (await ben.Hub.HistoryAsync(room))[^1].ToJsonString());
        await ann.Hub.RefusesAsync("not_found", "edit", new { room, clientId = Chat.NewId(), seq, body = "again" });
        await ann.Hub.RefusesAsync("not_found", "react", new { room, clientId = Chat.NewId(), seq, emoji = "👍" });
        await ann.Hub.RefusesAsync("not_found", "delete", new { room, clientId = Chat.NewId(), seq = 999 });
    }

    [Fact]
    public async Task A_reaction_is_told_without_mine_and_read_with_it()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ann.Hub.SyncAsync();
        var seq = await ann.Hub.SeqOfSendAsync(room, "nice?");
        await ben.Hub.CallAsync("react", new { room, clientId = Chat.NewId(), seq, emoji = "👩‍👩‍👧‍👦" });
        var change = await ann.Hub.NextChangeAsync(room, change => (string)change["kind"]! == "reacted");
        Chat.HasShape(change, "rev kind message reaction");
        Chat.HasShape(change["reaction"], "user emoji on");
        Assert.Equal((ben.Name, "👩‍👩‍👧‍👦", true), ((string)change["reaction"]!["user"]!, (string)change["reaction"]!["emoji"]!, (bool)change["reaction"]!["on"]!));
        Chat.HasShape(change["message"], "seq rev kind author clientId sentAt body reactions");
        var summary = change["message"]!["reactions"]!["👩‍👩‍👧‍👦"]!;
        Chat.HasShape(summary, "count users");
        Assert.Equal((1, ben.Name), ((int)summary["count"]!, (string)summary["users"]!.AsArray().Single()!));

        var rev = (long)change["rev"]!;
        Assert.Equal(["👩‍👩‍👧‍👦"], Mine((await ben.Hub.HistoryAsync(room))[^1]));
        Assert.Equal(["👩‍👩‍👧‍👦"], Mine(Chat.Messages(await ben.Hub.SubscribeAsync(room, rev - 1)).Single()));
        Assert.Empty(Mine((await ann.Hub.HistoryAsync(room))[^1]));
        Assert.Empty(Mine(Chat.Messages(await ann.Hub.SubscribeAsync(room, rev - 1)).Single()));

        await ben.Hub.CallAsync("react", new { room, clientId = Chat.NewId(), seq, emoji = "👩‍👩‍👧‍👦", on = false });
        var off = await ann.Hub.NextChangeAsync(room, change => (string)change["kind"]! == "reacted");
        Assert.False((bool)off["reaction"]!["on"]!);
        Chat.HasShape(off["message"], "seq rev kind author clientId sentAt body");

        static string[] Mine(JsonNode message)
        {
            Chat.HasShape(message, MessageShape);
            return message["mine"] is { } mine ? [.. mine.AsArray().Select(emoji => (string)emoji!)] : [];
        }
    }

    [Fact]
    public async Task A_reaction_is_one_emoji_of_32_bytes_and_a_message_takes_20()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var seq = await ann.Hub.SeqOfSendAsync(room, "x");
        foreach (var emoji in new[] { "", " ", "ab", "👍👍", "\u0007", "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301" })
        {
            await ann.Hub.RefusesAsync("invalid_argument", "react", new { room, clientId = Chat.NewId(), seq, emoji });
        }

        for (var i = 0; i < 20; i++)
        {
            await ann.Hub.CallAsync("react", new { room, clientId = Chat.NewId(), seq, emoji = char.ConvertFromUtf32(0x1F600 + i) });
        }

        await ann.Hub.RefusesAsync("invalid_argument", "react", new { room, clientId = Chat.NewId(), seq, emoji = "👍" });
        await ann.Hub.CallAsync("react", new { room, clientId = Chat.NewId(), seq, emoji = char.ConvertFromUtf32(0x1F600), on = false });
        await ann.Hub.CallAsync("react", new { room, clientId = Chat.NewId(), seq, emoji = "👍" });
    }

    [Fact]
    public async Task A_reaction_names_the_first_10_and_counts_all()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var seq = await ann.Hub.SeqOfSendAsync(room, "popular");
        var fans = new List<string>();
        for (var i = 0; i < 12; i++)
        {
            await using var fan = await server.PersonAsync();
            await fan.Hub.CallAsync("joinRoom", new { room });
            await fan.Hub.CallAsync("react", new { room, clientId = Chat.NewId(), seq, emoji = "🎉" });
            fans.Add(fan.Name);
        }

        var popular = (await ann.Hub.HistoryAsync(room)).Single(message => (long)message["seq"]! == seq)["reactions"]!["🎉"]!;
        Assert.Equal(12, (int)popular["count"]!);
        Assert.Equal(fans.Take(10), popular["users"]!.AsArray().Select(user => (string)user!));
    }

    [Fact]
    public async Task History_pages_back_ascending()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await Task.WhenAll(Enumerable.Range(1, 210).Select(i => ann.Hub.BeginCall("send", new { room, clientId = $"m{i}", body = $"m{i}" }))).Within();
        var usual = (await ann.Hub.CallAsync("history", new { room }))!;
        Chat.HasShape(usual, "messages more");
        Assert.Equal(Enumerable.Range(161, 50).Select(i => $"m{i}"), Chat.Bodies(usual));
        Assert.True((bool)usual["more"]!);
        var page = (await ann.Hub.CallAsync("history", new { room, beforeSeq = 11, limit = 10 }))!;
        Assert.Equal(Enumerable.Range(1, 10).Select(i => $"m{i}"), Chat.Bodies(page));
        Assert.False((bool)page["more"]!);
        Assert.Equal(200, Chat.Messages((await ann.Hub.CallAsync("history", new { room, limit = 200 }))!).Length);
        Assert.Empty(Chat.Messages((await ann.Hub.CallAsync("history", new { room, beforeSeq = 1 }))!));
        await ann.Hub.RefusesAsync("invalid_argument", "history", new { room, limit = 0 });
        await ann.Hub.RefusesAsync("invalid_argument", "history", new { room, limit = 201 });
        await ann.Hub.RefusesAsync("invalid_argument", "history", new { room, beforeSeq = 0 });
    }

    [Fact]
    public async Task Search_finds_newest_first_in_the_rooms_of_the_user_in_pages()
    {
        await using var ann = await server.PersonAsync();
        var (one, two) = (await ann.MakeRoomAsync(), await ann.MakeRoomAsync());
        var word = "w" + Chat.NewId()[..10];
        await ann.Hub.SendBeforeOthersAsync(one, $"{word} alpha");
        await ann.Hub.SendBeforeOthersAsync(two, $"{word} beta");
        await ann.Hub.SendAsync(one, $"{word} gamma");
        await Eventually.Holds(async () => Bodies((await ann.Hub.CallAsync("search", new { query = word }))!).Length == 3);

        var first = (await ann.Hub.CallAsync("search", new { query = word, limit = 2 }))!;
        Chat.HasShape(first, "hits next");
        Chat.HasShape(first["hits"]![0], "room message");
        Chat.HasShape(first["hits"]![0]!["message"], MessageShape);
        Assert.Equal([$"{word} gamma", $"{word} beta"], Bodies(first));
        var second = (await ann.Hub.CallAsync("search", new { query = word, limit = 2, after = (string)first["next"]! }))!;
        Chat.HasShape(second, "hits");
        Assert.Equal([$"{word} alpha"], Bodies(second));
        Assert.Equal([$"{word} beta"], Bodies((await ann.Hub.CallAsync("search", new { query = word, room = two }))!));
        Assert.Equal([$"{word} alpha"], Bodies((await ann.Hub.CallAsync("search", new { query = $"{word} alp*" }))!));
        await ann.Hub.RefusesAsync("invalid_argument", "search", new { query = " " });
        await ann.Hub.RefusesAsync("invalid_argument", "search", new { query = new string('q', 201) });
        await ann.Hub.RefusesAsync("invalid_argument", "search", new { query = word, limit = 201 });
        await ann.Hub.RefusesAsync("invalid_argument", "search", new { query = word, after = "yesterday" });

        static string[] Bodies(JsonNode page) => [.. page["hits"]!.AsArray().Select(hit => (string)hit!["message"]!["body"]!)];
    }

    [Fact]
    public async Task System_messages_are_written_once_for_each_entry()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ann.Hub.CallAsync("updateRoom", new { room, topic = "cats" });
        await ann.Hub.CallAsync("setRole", new { room, user = ben.Name, role = "moderator" });
        await ben.Hub.CallAsync("leaveRoom", new { room });
        JsonNode[] written = [];
        await Eventually.Holds(async () => (written = await ann.Hub.HistoryAsync(room)).Length == 4);
        Assert.Equal([$"{ben.Name} joined", $"{ann.Name} set the topic to: cats", $"{ben.Name} is now moderator", $"{ben.Name} left"], written.Select(message => (string)message["body"]!));
        Assert.All(written, message => Assert.Equal(("system", ""), ((string)message["kind"]!, (string)message["author"]!)));
        Assert.Equal([1, 2, 3, 4], written.Select(message => (long)message["seq"]!));
    }

    [Fact]
    public async Task Those_who_join_at_once_are_all_announced()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var people = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => server.PersonAsync()));
        await Task.WhenAll(people.Select(person => person.Hub.BeginCall("joinRoom", new { room }))).Within();
        string[] announced = [];
        await Eventually.Holds(async () => (announced = [.. (await ann.Hub.HistoryAsync(room, 200)).Select(message => (string)message["body"]!)]).Length == people.Length);
        Assert.Equal(people.Select(person => $"{person.Name} joined").Order(), announced.Order());
        foreach (var person in people)
        {
            await person.DisposeAsync();
        }
    }
}
