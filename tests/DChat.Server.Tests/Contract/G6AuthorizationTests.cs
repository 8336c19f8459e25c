using System.Net;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>G6: who is not a member gets nothing of a room, nor learns that a private one exists.</summary>
public sealed class G6AuthorizationTests(ContractServer server) : IClassFixture<ContractServer>
{
    public enum Outsider
    {
        Stranger,
        Left,
        Kicked,
        Banned,
    }

    [Fact]
    public async Task An_administrator_moderates_a_private_room_and_does_not_look_into_it()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var admin = await HubProbe.ConnectAsync(server.Address, server.AdminToken);
        var room = (string)(await ann.Hub.CallAsync("createRoom", new { name = "private " + Chat.NewId(), visibility = "private" }))!["id"]!;
        await ann.Hub.CallAsync("invite", new { room, user = ben.Name });
        await ben.Hub.CallAsync("joinRoom", new { room });

        var changed = (await admin.CallAsync("updateRoom", new { room, topic = "calm down", slowModeSeconds = 60 }))!;
        Assert.Equal((room, "calm down", 60), ((string)changed["id"]!, (string)changed["topic"]!, (int)changed["slowModeSeconds"]!));
        Assert.Null(changed["role"]);
        await admin.CallAsync("setRole", new { room, user = ben.Name, role = "moderator" });
        await admin.CallAsync("mute", new { room, user = ben.Name });
        foreach (var method in new[] { "members", "bans", "subscribe", "history", "updateRoom", "joinRoom" })
        {
            await admin.RefusesAsync("not_found", method, new { room });
        }

        await admin.CallAsync("deleteRoom", new { room });
    }

    [Theory]
    [CombinatorialOutsiders("public")]
    [CombinatorialOutsiders("private")]
    public async Task Outsiders_get_nothing_of_a_room(string visibility, Outsider outsider)
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var name = "secret room " + Chat.NewId();
        var room = (string)(await ann.Hub.CallAsync("createRoom", new { name, visibility }))!["id"]!;
        var word = "s" + Chat.NewId()[..12];
        await ben.Hub.SyncAsync();
        await BecomeAsync(outsider, ann, ben, room);
        var seq = (long)(await ann.Hub.SendAsync(room, word))["seq"]!;
        var file = (string)(await HttpMessageTests.UploadAsync(server, ann.Token, room, "s.txt", "text/plain", word))["id"]!;
        await Eventually.Holds(async () => (await ann.Hub.CallAsync("search", new { query = word }))!["hits"]!.AsArray().Count == 1);
        await ben.Hub.SyncAsync(); // What was told before he was an outsider stands before this answer.
        var before = ben.Hub.Untaken().Count;

        var code = visibility == "private" ? "not_found" : outsider == Outsider.Banned ? "banned" : "not_member";
        foreach (var (method, request) in Calls(room, seq, ann.Name))
        {
            await ben.Hub.RefusesAsync(code, method, request);
        }

        if (outsider == Outsider.Banned || visibility == "private")
        {
            await ben.Hub.RefusesAsync(code, "joinRoom", new { room });
        }

        Assert.Null(Chat.RoomIn(await ben.Hub.SyncAsync(new Dictionary<string, long> { [room] = 0 }), room));
        Assert.Empty((await ben.Hub.CallAsync("search", new { query = word }))!["hits"]!.AsArray());
        var listed = (await ben.Hub.CallAsync("listRooms", new { query = name[..40] }))!["rooms"]!.AsArray();
        Assert.Equal(visibility == "public", listed.Any(one => (string)one!["id"]! == room));
        await ben.Hub.RefusesAsync(visibility == "private" ? "not_found" : code, visibility == "private" ? "joinRoom" : "history", new { room = visibility == "private" ? name : room });
        using var http = server.HttpOf(ben.Token);
        using var download = await http.GetAsync($"/api/files/{file}");
        Assert.Equal(HttpStatusCode.NotFound, download.StatusCode);
        using var page = await http.GetAsync($"/api/rooms/{room}/messages");
        Assert.Contains(page.StatusCode, new[] { HttpStatusCode.NotFound, HttpStatusCode.Forbidden });

        await ann.Hub.CallAsync("updateRoom", new { room, topic = word });
        await ann.Hub.CallAsync("typing", new { room });
        await ann.Hub.SendAsync(room, word);
        await ben.Hub.SyncAsync();
        ben.Hub.HeardNothingOf(word);
        Assert.DoesNotContain(ben.Hub.Untaken().Skip(before), heard => heard.Name is "presence" or "typing" && (string)heard.Argument["room"]! == room);
    }

    [Fact]
    public async Task A_private_room_answers_a_stranger_as_one_that_does_not_exist()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = (string)(await ann.Hub.CallAsync("createRoom", new { name = Chat.NewId(), visibility = "private", password = "sesame" }))!["id"]!;
        foreach (var (method, request) in Calls(room, 1, ann.Name).Append(("joinRoom", new { room, password = "sesame" })).Append(("joinRoom", new { room, password = "guess" })))
        {
            var real = await ben.Hub.FailAsync(method, request);
            var none = await ben.Hub.FailAsync(method, System.Text.Json.JsonSerializer.Deserialize<JsonNode>(System.Text.Json.JsonSerializer.Serialize(request).Replace(room, "0123456789abcdef01234567", StringComparison.Ordinal))!);
            Assert.Equal(none, real);
        }
    }

    [Fact]
    public async Task An_invitation_shows_the_room_and_nothing_in_it()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.Hub.MakeRoomAsync("private");
        var seq = await ann.Hub.SeqOfSendAsync(room, "inside");
        await ben.Hub.SyncAsync();
        await ann.Hub.CallAsync("invite", new { room, user = ben.Name });
        foreach (var (method, request) in Calls(room, seq, ann.Name))
        {
            await ben.Hub.RefusesAsync("not_member", method, request);
        }

        await ann.Hub.SendAsync(room, "inside too");
        Assert.Null(Chat.RoomIn(await ben.Hub.SyncAsync(), room));
        ben.Hub.HeardNothingOf("inside");
        await ann.Hub.CallAsync("kick", new { room, user = ben.Name });
        await ben.Hub.RefusesAsync("not_found", "joinRoom", new { room });
    }

    [Fact]
    public async Task A_repeated_createRoom_tells_a_former_member_nothing_new()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var request = new { name = Chat.NewId(), visibility = "private", commandId = Chat.NewId() };
        var room = (string)(await ben.Hub.CallAsync("createRoom", request))!["id"]!;
        await ben.Hub.CallAsync("invite", new { room, user = ann.Name });
        await ann.Hub.CallAsync("joinRoom", new { room });
        await ben.Hub.CallAsync("leaveRoom", new { room });
        await ann.Hub.CallAsync("updateRoom", new { room, name = "a new name", topic = "a new topic" });
        await ben.Hub.RefusesAsync("not_found", "createRoom", request);
    }

    /// <summary>The removal's answer is the border: what is committed after it does not arrive, on any connection, however busy the room is.</summary>
    [Theory]
    [InlineData("kick")]
    [InlineData("ban")]
    [InlineData("leave")]
    public async Task After_a_removal_is_answered_nothing_committed_later_arrives(string how)
    {
        await using var ann = await server.PersonAsync();
        for (var round = 0; round < 5; round++)
        {
            await using var ben = await server.PersonAsync();
            await using var second = await ben.ConnectAsync();
            var room = await ann.MakeRoomAsync(ben);
            await ben.Hub.SyncAsync();
            await second.SubscribeAsync(room);
            using var stop = new CancellationTokenSource();
            var busy = Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    await ann.Hub.SendAsync(room, "before or during");
                }
            });
            await second.NextPostAsync(room, "before or during");
            await (how == "leave" ? second.CallAsync("leaveRoom", new { room }) : ann.Hub.CallAsync(how, new { room, user = ben.Name }));
            var border = (long)(await ann.Hub.SubscribeAsync(room))["rev"]!;
            await ann.Hub.SendAsync(room, "after");
            await stop.CancelAsync();
            await busy.Within();
            foreach (var hub in new[] { ben.Hub, second })
            {
                await hub.NextAsync("roomRemoved");
                await hub.SyncAsync(); // Whatever was on its way has arrived before this answer.
                hub.HeardNothingOf("\"after\"");
                Assert.All(
                    hub.Untaken().Where(heard => heard.Name == "events").SelectMany(heard => heard.Argument["events"]!.AsArray()),
                    change => Assert.True((long)change!["rev"]! <= border));
            }
        }
    }

    /// <summary>Everything that is asked of a room, with what else it takes.</summary>
    private static IEnumerable<(string Method, object Request)> Calls(string room, long seq, string user) =>
    [
        ("subscribe", new { room }),
        ("subscribe", new { room, afterRev = 0 }),
        ("history", new { room }),
        ("search", new { query = "x", room }),
        ("members", new { room }),
        ("bans", new { room }),
        ("markRead", new { room, seq }),
        ("typing", new { room }),
        ("send", new { room, clientId = Chat.NewId(), body = "x" }),
        ("edit", new { room, clientId = Chat.NewId(), seq, body = "x" }),
        ("delete", new { room, clientId = Chat.NewId(), seq }),
        ("react", new { room, clientId = Chat.NewId(), seq, emoji = "👍" }),
        ("invite", new { room, user }),
        ("kick", new { room, user }),
        ("ban", new { room, user }),
        ("unban", new { room, user }),
        ("mute", new { room, user }),
        ("setRole", new { room, user, role = "member" }),
        ("updateRoom", new { room, topic = "x" }),
        ("deleteRoom", new { room }),
    ];

    private static async Task BecomeAsync(Outsider outsider, Person owner, Person person, string room)
    {
        if (outsider == Outsider.Stranger)
        {
            return;
        }

        await owner.Hub.CallAsync("invite", new { room, user = person.Name });
        await person.Hub.CallAsync("joinRoom", new { room });
        await (outsider switch
        {
            Outsider.Left => person.Hub.CallAsync("leaveRoom", new { room }),
            Outsider.Kicked => owner.Hub.CallAsync("kick", new { room, user = person.Name }),
            _ => owner.Hub.CallAsync("ban", new { room, user = person.Name }),
        });
    }

    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    private sealed class CombinatorialOutsidersAttribute(string visibility) : Xunit.Sdk.DataAttribute
    {
        public override IEnumerable<object[]> GetData(System.Reflection.MethodInfo testMethod) =>
            Enum.GetValues<Outsider>().Select(outsider => new object[] { visibility, outsider });
    }
}
