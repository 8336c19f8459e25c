using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>What tests of the contract say often.</summary>
internal static class Chat
{
    public static string NewId() => Guid.NewGuid().ToString("N");

    /// <summary>Makes a room of which the caller is the owner.</summary>
    public static async Task<string> MakeRoomAsync(this HubProbe hub, string visibility = "public") =>
        (string)(await hub.CallAsync("createRoom", new { name = "room " + NewId(), visibility }))!["id"]!;

    /// <summary>Makes a room with members who joined one after the other.</summary>
    public static async Task<string> MakeRoomAsync(this Person owner, params Person[] members)
    {
        var room = await owner.Hub.MakeRoomAsync();
        if (members.Length > 0)
        {
            // An open room writes its news before it answers: what is sent later stands after them.
            await owner.Hub.SubscribeAsync(room);
            await owner.Hub.CallAsync("unsubscribe", new { room });
        }

        foreach (var member in members)
        {
            await member.Hub.CallAsync("joinRoom", new { room });
        }

        return room;
    }

    /// <summary>Sends a message and answers its <c>{seq, rev, sentAt}</c>.</summary>
    public static async Task<JsonNode> SendAsync(this HubProbe hub, string room, string body, string? clientId = null) =>
        (await hub.CallAsync("send", new { room, clientId = clientId ?? NewId(), body }))!;

    public static async Task<long> SeqOfSendAsync(this HubProbe hub, string room, string body) => (long)(await hub.SendAsync(room, body))["seq"]!;

    /// <summary>Sends a message and waits until the clock has moved: whatever is sent after it, in whichever room, was sent later.</summary>
    public static async Task SendBeforeOthersAsync(this HubProbe hub, string room, string body)
    {
        var sentAt = (long)(await hub.SendAsync(room, body))["sentAt"]!;
        await Eventually.Holds(() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() > sentAt);
    }

    /// <summary>Subscribes and answers the <c>RoomSync</c>.</summary>
    public static async Task<JsonNode> SubscribeAsync(this HubProbe hub, string room, long? afterRev = null) =>
        (await hub.CallAsync("subscribe", new { room, afterRev }))!;

    public static async Task<JsonNode> SyncAsync(this HubProbe hub, IReadOnlyDictionary<string, long>? revs = null) =>
        (await hub.CallAsync("sync", new { revs }))!;

    /// <summary>The <c>RoomSync</c> of a room in an answer of <c>sync</c>, or null.</summary>
    public static JsonNode? RoomIn(JsonNode sync, string room) => sync["rooms"]!.AsArray().SingleOrDefault(one => (string)one!["room"]!["id"]! == room);

    public static async Task<JsonNode[]> HistoryAsync(this HubProbe hub, string room, int? limit = null) =>
        Messages((await hub.CallAsync("history", new { room, limit }))!);

    public static JsonNode[] Messages(JsonNode page) => [.. page["messages"]!.AsArray().Select(message => message!)];

    public static string[] Bodies(JsonNode page) => [.. Messages(page).Where(message => (string)message["kind"]! != "system").Select(message => (string)message["body"]!)];

    /// <summary>The next live event of a room that fits, out of an <c>events</c> call.</summary>
    public static async Task<JsonNode> NextChangeAsync(this HubProbe hub, string room, Func<JsonNode, bool> fits)
    {
        JsonNode? found = null;
        await hub.NextAsync("events", call => (string)call["room"]! == room && (found = call["events"]!.AsArray().FirstOrDefault(one => fits(one!))) is not null);
        return found!;
    }

    /// <summary>Waits for the message with this text as a live event.</summary>
    public static Task<JsonNode> NextPostAsync(this HubProbe hub, string room, string body) =>
        hub.NextChangeAsync(room, change => (string)change["kind"]! == "posted" && (string)change["message"]!["body"]! == body);

    /// <summary>A call is refused with this code.</summary>
    public static async Task RefusesAsync(this HubProbe hub, string code, string method, object request) =>
        Assert.Equal(code, (await hub.FailAsync(method, request)).Code);

    /// <summary>The object has exactly these properties, in this order; those with a question mark may be absent.</summary>
    public static void HasShape(JsonNode? node, string properties)
    {
        var names = node!.AsObject().Select(property => property.Key).ToArray();
        var expected = properties.Split(' ').Where(name => !name.EndsWith('?') || names.Contains(name[..^1])).Select(name => name.TrimEnd('?'));
        Assert.Equal(expected, names);
        Assert.All(node.AsObject(), property => Assert.NotNull(property.Value));
    }

    /// <summary>What came so far holds no trace of any of these texts.</summary>
    public static void HeardNothingOf(this HubProbe hub, params string[] secrets)
    {
        foreach (var heard in hub.Untaken())
        {
            var text = heard.Argument.ToJsonString();
            Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        }
    }
}
