using System.Text.Json.Nodes;
using DChat.Server.Cli;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>G4: a repeat gets the first answer again and changes nothing, whatever happened since.</summary>
public sealed class G4ExactlyOnceTests(ContractServer server) : IClassFixture<ContractServer>
{
    [Fact]
    public async Task All_four_changes_are_made_once_from_whichever_connection()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var changes = await ChangesAsync(ann.Hub, room);
        var before = await StateAsync(ann.Hub);
        await ann.Hub.DisposeAsync();
        await using var again = await ann.ConnectAsync();
        await RepeatAsync(again, changes);
        Assert.Equal(before, await StateAsync(again));

        async Task<(long Rev, string Messages)> StateAsync(HubProbe hub)
        {
            var sync = await hub.SubscribeAsync(room);
            return ((long)sync["rev"]!, sync["messages"]!.ToJsonString());
        }
    }

    [Fact]
    public async Task In_a_deleted_room_a_repeat_is_not_found_like_everything_else()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SendAsync(room, "gone soon", "once");
        await ann.Hub.CallAsync("deleteRoom", new { room });
        await ben.Hub.RefusesAsync("not_found", "send", new { room, clientId = "once", body = "gone soon" });
    }

    [Fact]
    public async Task Concurrent_repeats_all_get_the_one_answer()
    {
        await using var ann = await server.PersonAsync();
        await using var second = await ann.ConnectAsync();
        var room = await ann.MakeRoomAsync();
        for (var round = 0; round < 20; round++)
        {
            var request = new { room, clientId = $"same {round}", body = "once" };
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => (i % 2 == 0 ? ann.Hub : second).BeginCall("send", request))).Within();
            Assert.Single(answers.Select(answer => answer!.ToJsonString()).Distinct());
        }

        Assert.Equal(20, (await ann.Hub.HistoryAsync(room)).Length);
    }

    [Fact]
    public async Task Another_author_or_another_room_is_another_change()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        var other = await ann.MakeRoomAsync();
        Assert.NotEqual((await ann.Hub.SendAsync(room, "x", "id"))["seq"]!.ToJsonString(), (await ben.Hub.SendAsync(room, "x", "id"))["seq"]!.ToJsonString());
        Assert.Equal(1, (long)(await ann.Hub.SendAsync(other, "x", "id"))["seq"]!);
    }

    [Fact]
    public async Task A_repeat_is_recognized_by_its_id_alone()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var first = (await ann.Hub.SendAsync(room, "said", "id")).ToJsonString();
        Assert.Equal(first, (await ann.Hub.SendAsync(room, "", "id")).ToJsonString());
        Assert.Equal(first, (await ann.Hub.SendAsync(room, new string('x', 9_000), "id")).ToJsonString());
        Assert.Equal("said", (string)(await ann.Hub.HistoryAsync(room)).Single()["body"]!);
    }

    [Theory]
    [InlineData("mute")]
    [InlineData("kick")]
    [InlineData("ban")]
    [InlineData("archive")]
    public async Task A_repeat_is_answered_before_rights_are_looked_at(string since)
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        var changes = await ChangesAsync(ben.Hub, room);
        await (since == "archive" ? ann.Hub.CallAsync("updateRoom", new { room, archived = true }) : ann.Hub.CallAsync(since, new { room, user = ben.Name }));
        await RepeatAsync(ben.Hub, changes);
        await Assert.ThrowsAsync<HubCallFailedException>(() => ben.Hub.SendAsync(room, "something new"));
    }

    [Fact]
    public async Task A_repeat_is_answered_before_limits_are_looked_at()
    {
        await using var strict = await StartAsync(options => options with { Limits = options.Limits with { SendBurst = 10, SendsPerSecond = 1 } });
        await using var ann = await strict.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var changes = await ChangesAsync(ann.Hub, room);
        var calls = Enumerable.Range(0, 30).Select(i => ann.Hub.BeginCall("send", new { room, clientId = $"fill {i}", body = "x" })).ToArray();
        await Assert.ThrowsAsync<HubCallFailedException>(() => Task.WhenAll(calls).Within());
        await RepeatAsync(ann.Hub, changes);
    }

    /// <summary>The first call is on its way to the commit when its repeat arrives and is refused: still one answer.</summary>
    [Fact]
    public async Task A_repeat_that_a_limit_stops_waits_for_the_first()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        for (var round = 0; round < 20; round++)
        {
            var room = await ann.MakeRoomAsync(ben);
            await ann.Hub.CallAsync("updateRoom", new { room, slowModeSeconds = 3_600 });
            var request = new { room, clientId = "same", body = "once" };
            var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => ben.Hub.BeginCall("send", request))).Within();
            Assert.Single(answers.Select(answer => answer!.ToJsonString()).Distinct());
        }
    }

    [Fact]
    public async Task A_repeat_is_answered_after_a_restart()
    {
        using var folder = new TemporaryFolder();
        string room;
        List<(string, object, string)> changes;
        (string Name, string Token) account;
        await using (var first = await StartAsync(options => options with { Data = folder.Path }))
        {
            account = await first.AccountAsync();
            await using var hub = await HubProbe.ConnectAsync(first.Address, account.Token);
            room = await hub.MakeRoomAsync();
            changes = await ChangesAsync(hub, room);
        }

        await using var second = await StartAsync(options => options with { Data = folder.Path });
        await using var again = await HubProbe.ConnectAsync(second.Address, account.Token);
        var before = (await again.SubscribeAsync(room))["messages"]!.ToJsonString();
        await RepeatAsync(again, changes);
        Assert.Equal(before, (await again.SubscribeAsync(room))["messages"]!.ToJsonString());
    }

    /// <summary>One of each, with what it was answered.</summary>
    private static async Task<List<(string Method, object Request, string Answer)>> ChangesAsync(HubProbe hub, string room)
    {
        var made = new List<(string, object, string)>();
        var seq = (long)(await DoAsync("send", new { room, clientId = "send", body = "first" }))["seq"]!;
        await DoAsync("edit", new { room, clientId = "edit", seq, body = "edited" });
        await DoAsync("edit", new { room, clientId = "unchanged", seq, body = "edited" });
        await DoAsync("react", new { room, clientId = "react", seq, emoji = "👍", on = true });
        await DoAsync("react", new { room, clientId = "back", seq, emoji = "👍", on = false });
        await DoAsync("delete", new { room, clientId = "delete", seq });
        await DoAsync("send", new { room, clientId = "after", body = "after" });
        return made;

        async Task<JsonNode> DoAsync(string method, object request)
        {
            var answer = (await hub.CallAsync(method, request))!;
            made.Add((method, request, answer.ToJsonString()));
            return answer;
        }
    }

    private static async Task RepeatAsync(HubProbe hub, List<(string Method, object Request, string Answer)> changes)
    {
        foreach (var (method, request, answer) in changes)
        {
            Assert.Equal(answer, (await hub.CallAsync(method, request))!.ToJsonString());
        }
    }

    private static Task<OwnServer> StartAsync(Func<ServerOptions, ServerOptions> configure) => OwnServer.StartAsync(configure);
}
