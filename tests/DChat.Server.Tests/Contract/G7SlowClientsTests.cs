using System.Text.Json.Nodes;
using DChat.Server.Cli;
using DChat.Server.Worker.Transport;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Contract;

/// <summary>G7: a client that does not keep up slows nobody, costs bounded memory, and resumes without a hole.</summary>
public sealed class G7SlowClientsTests(G7SlowClientsTests.SmallOutbox server) : IClassFixture<G7SlowClientsTests.SmallOutbox>
{
    private const int OutboxBytes = 64 * 1024;

    [Fact]
    public async Task It_gets_resync_and_catches_up_with_subscribe_and_the_others_notice_nothing()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var cem = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben, cem);
        var quiet = await ann.MakeRoomAsync(ben);
        var view = new RoomView(room);
        await view.CatchUpAsync(ben.Hub, 0);
        await using var slow = await PausingClient.ConnectAsync(server.Address, cem.Token);
        await slow.CallAsync("first", "subscribe", new JsonObject { ["room"] = room });
        var start = await AnswerAsync(slow, "first", []);
        var slowView = new RoomView(room);
        slowView.Take(Page(start, 0));

        // It reads nothing from here on; what the sockets hold is some megabytes.
        var budget = server.Server.Services.GetRequiredService<OutboxBudget>();
        var body = new string('x', 8_000);
        var last = 0L;
        var most = 0L;
        for (var i = 0; i < 120; i++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(n => ann.Hub.BeginCall("send", new { room, clientId = $"c{i}-{n}", body }))).Within();
            last = answers.Max(answer => (long)answer!["rev"]!);
            most = Math.Max(most, budget.TakenBytes);
        }

        // The others have it all, live; the slow one cost no more than its outbox.
        await view.FollowAsync(ben.Hub, last);
        Assert.DoesNotContain(ben.Hub.Untaken(), heard => heard.Name == "resync");
        Assert.InRange(most, 1, 2 * OutboxBytes + (128 * 1024));

        // It reads on: live events up to the gap, resync, and from there by subscribe.
        var resync = await FollowToResyncAsync(slow, slowView);
        Chat.HasShape(resync, "room rev");
        Assert.True((long)resync["rev"]! > slowView.Rev, "something was skipped");
        var late = new List<JsonNode>();
        var calls = 0;
        JsonNode page;
        var rev = -1L;
        do
        {
            var id = $"again {calls++}";
            await slow.CallAsync(id, "subscribe", new JsonObject { ["room"] = room, ["afterRev"] = slowView.Rev });
            page = await AnswerAsync(slow, id, late);
            Assert.False((bool)page["reset"]!);
            rev = rev < 0 ? (long)page["rev"]! : rev;
            slowView.Take(Page(page, slowView.Rev));
        }
        while ((bool)page["more"]!);
        Assert.Equal(last, rev);
        Assert.Equal(view.ToString(), slowView.ToString());

        // And live again.
        await ann.Hub.SendAsync(room, "caught up");
        await ann.Hub.SendAsync(quiet, "elsewhere");
        slowView.Take(await EventsAsync(slow));
        Assert.Equal("caught up", (string)slowView.Messages.Values.Last()["body"]!);
    }

    /// <summary>A page of posts reads as their events: each takes one rev here.</summary>
    private static JsonObject Page(JsonNode sync, long after) => new()
    {
        ["events"] = new JsonArray([.. Chat.Messages(sync).Where(message => (long)message["rev"]! > after).Select(message =>
            new JsonObject { ["rev"] = (long)message["rev"]!, ["message"] = message.DeepClone() })]),
    };

    private static async Task<JsonNode> FollowToResyncAsync(PausingClient client, RoomView view)
    {
        while (true)
        {
            var record = await client.ReadAsync();
            switch ((string?)record["target"])
            {
                case "events":
                    view.Take(record["arguments"]![0]!);
                    break;
                case "resync":
                    return record["arguments"]![0]!;
            }
        }
    }

    private static async Task<JsonNode> EventsAsync(PausingClient client)
    {
        while (true)
        {
            var record = await client.ReadAsync();
            if ((string?)record["target"] == "events")
            {
                return record["arguments"]![0]!;
            }
        }
    }

    private static async Task<JsonNode> AnswerAsync(PausingClient client, string id, List<JsonNode> before)
    {
        while (true)
        {
            var record = await client.ReadAsync();
            if ((string?)record["invocationId"] == id)
            {
                return record["result"] ?? throw new InvalidOperationException(record.ToJsonString());
            }

            before.Add(record);
        }
    }

    public sealed class SmallOutbox : ContractServer
    {
        protected override ServerOptions Configure(ServerOptions options)
        {
            var generous = Generous(options);
            return generous with { Limits = generous.Limits with { OutboxBytes = OutboxBytes } };
        }
    }
}
