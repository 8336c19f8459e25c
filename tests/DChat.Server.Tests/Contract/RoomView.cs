using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>What a client makes of a room: it takes pages and live events, and fails where they leave a hole or repeat one.</summary>
internal sealed class RoomView(string room)
{
    private readonly SortedDictionary<long, JsonNode> _messages = [];

    public string Room { get; } = room;

    /// <summary>Everything up to here was seen.</summary>
    public long Rev { get; private set; }

    /// <summary>By seq, each in its latest state.</summary>
    public IReadOnlyDictionary<long, JsonNode> Messages => _messages;

    /// <summary>Pretends to know nothing after a revision, as a client does that lost what it had not stored.</summary>
    public void Rewind(long rev) => Rev = rev;

    /// <summary>
    /// Subscribes from the last revision, page by page, and fetches the older messages after a reset. Events of this subscription that
    /// overtook the answers stay in the probe.
    /// </summary>
    public async Task<JsonNode> CatchUpAsync(HubProbe hub, long? afterRev)
    {
        var first = await hub.SubscribeAsync(Room, afterRev);
        var page = first;
        while (true)
        {
            var messages = Chat.Messages(page);
            if ((bool)page["reset"]!)
            {
                _messages.Clear();
                Assert.Equal(messages.Select(message => (long)message["seq"]!).Order(), messages.Select(message => (long)message["seq"]!));
            }
            else
            {
                Assert.Equal(messages.Select(message => (long)message["rev"]!).Order(), messages.Select(message => (long)message["rev"]!));
                Assert.All(messages, message => Assert.True((long)message["rev"]! > afterRev));
            }

            Assert.All(messages, message => Assert.True((long)message["rev"]! <= (long)page["rev"]!));
            Merge(messages);
            if ((bool)page["reset"]! || !(bool)page["more"]!)
            {
                break;
            }

            afterRev = messages.Max(message => (long)message["rev"]!);
            page = await hub.SubscribeAsync(Room, afterRev);
        }

        if ((bool)page["reset"]!)
        {
            await ReadBackAsync(hub, (bool)page["more"]!);
        }

        Rev = (long)first["rev"]!;
        return first;
    }

    /// <summary>Takes the next call of live events, which must follow without a hole.</summary>
    public async Task FollowAsync(HubProbe hub) => Take(await hub.NextAsync("events", call => (string)call["room"]! == Room));

    /// <summary>Follows the live events up to a revision.</summary>
    public async Task FollowAsync(HubProbe hub, long rev)
    {
        while (Rev < rev)
        {
            await FollowAsync(hub);
        }
    }

    public void Take(JsonNode events)
    {
        foreach (var change in events["events"]!.AsArray())
        {
            Assert.Equal(Rev + 1, (long)change!["rev"]!);
            Rev++;
            Merge([change["message"]!]);
        }
    }

    /// <summary>The messages as text, without what differs between readers.</summary>
    public static string Text(IEnumerable<JsonNode> messages) => string.Join('\n', messages.Select(message =>
    {
        var copy = message.DeepClone();
        copy.AsObject().Remove("mine");
        return copy.ToJsonString();
    }));

    public override string ToString() => Text(_messages.Values);

    private async Task ReadBackAsync(HubProbe hub, bool more)
    {
        while (more && _messages.Count > 0)
        {
            var older = (await hub.CallAsync("history", new { room = Room, beforeSeq = _messages.Keys.First(), limit = 200 }))!;
            Merge(Chat.Messages(older));
            more = (bool)older["more"]!;
        }
    }

    private void Merge(IEnumerable<JsonNode> messages)
    {
        foreach (var message in messages)
        {
            var seq = (long)message["seq"]!;
            if (!_messages.TryGetValue(seq, out var known) || (long)known["rev"]! <= (long)message["rev"]!)
            {
                _messages[seq] = message;
            }
        }
    }
}
