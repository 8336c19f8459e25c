using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using DChat.Server.Nodes;
using DChat.Server.Tests.Contract;
using DChat.Server.Tests.Nodes;
using DChat.Server.Tests.Worker;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Peers;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Peers;

/// <summary>Whoever says a thousand times how he stands costs the host of his rooms hardly anything, and what he said last is what is known.</summary>
public sealed class PresenceStormTests
{
    private const int Rooms = 10;
    private const int Calls = 1_000;
    private const int Users = 100;
    private const int NameBytes = 1_000;

    [Fact]
    public async Task A_storm_of_states_costs_the_link_little_and_the_last_one_is_told()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var rooms = new List<string>();
        for (var i = 0; i < Rooms; i++)
        {
            rooms.Add(await cluster.MakeRoomAsync(0, ann, ben));
        }

        await using var second = await HubProbe.ConnectAsync(cluster.Workers[1].Server.Client, ben.Token);
        await ann.Hub.SyncAsync();
        await ben.Hub.SyncAsync();
        await second.SyncAsync();
        foreach (var room in rooms)
        {
            await Eventually.Holds(async () => (int)(await ann.Hub.SubscribeAsync(room))["onlineCount"]! == 2);
        }

        // Online with the one connection whatever the other says: nothing changes. Then both say the same.
        await StormAsync(ben.Hub);
        await StormAsync(ben.Hub, second);
        await ben.Hub.CallAsync("setPresence", new { state = "online" });
        await second.CallAsync("setPresence", new { state = "away" });
        await ben.Hub.CallAsync("setPresence", new { state = "away" });
        var known = new Dictionary<string, string>();
        await Eventually.Holds(() =>
        {
            foreach (var told in ann.Hub.Untaken().Where(heard => heard.Name == "presence"))
            {
                foreach (var user in told.Argument["users"]!.AsArray().Where(user => (string)user!["user"]! == ben.Name))
                {
                    known[(string)told.Argument["room"]!] = (string)user!["state"]!;
                }
            }

            return rooms.TrueForAll(room => known.GetValueOrDefault(room) == "away");
        });

        async Task StormAsync(params HubProbe[] hubs)
        {
            var before = cluster.Workers[0].Proxy.Sent;
            for (var i = 0; i < Calls; i++)
            {
                await Task.WhenAll(hubs.Select(hub => hub.CallAsync("setPresence", new { state = i % 2 == 0 ? "away" : "online" })));
            }

            // A post has twenty bytes and more: there is not one in five calls for a room.
            Assert.InRange(cluster.Workers[0].Proxy.Sent - before, 0, 4 * Calls * Rooms);
        }
    }

    [Fact]
    public async Task A_connection_that_comes_makes_a_user_online_whose_others_are_away()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(0, ann, ben);
        await ann.Hub.SyncAsync();
        await ben.Hub.SyncAsync();
        await ben.Hub.CallAsync("setPresence", new { state = "away" });
        await ann.Hub.NextAsync("presence", told => Is(told, "away"));
        await using var second = await HubProbe.ConnectAsync(cluster.Workers[1].Server.Client, ben.Token);
        await second.CallAsync("setPresence", new { state = "online" });
        await ann.Hub.NextAsync("presence", told => Is(told, "online"));

        bool Is(JsonNode told, string state) =>
            told["users"]!.AsArray().Any(user => (string)user!["user"]! == ben.Name && (string)user["state"]! == state);
    }

    [Fact]
    public async Task A_link_that_is_behind_is_told_the_last_state_of_each_user_alone_and_stays()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1);
        await using var pair = await LinkPair.ConnectAsync();
        var channel = new PeerChannel(cluster.Workers[0].Replica, cluster.Workers[0].Server.Services.GetRequiredService<MissedEntries>());
        var slow = new SlowHost();
        await using var host = new NodeLink(LinkPair.Hello("g"), pair.RightStream, slow, TimeProvider.System);
        await using var link = new NodeLink(LinkPair.Hello("h"), pair.LeftStream, channel, TimeProvider.System);
        channel.Open(link);
        var sink = new DeafSink();
        Assert.Equal(1, await channel.SubscribeAsync("room", 1, sink, null).Within());

        // Far more than a link lets wait, would each of them be told.
        var random = new Random(1);
        var last = new Dictionary<string, PresenceState>();
        var users = Enumerable.Range(0, Users).Select(i => new string('u', NameBytes) + i).ToArray();
        var rounds = 4 * (NodeLink.PendingMax / (Users * NameBytes));
        for (var round = 0; round < rounds; round++)
        {
            foreach (var user in users)
            {
                channel.Announce(sink, [new UserPresence(user, last[user] = (PresenceState)random.Next(3))]);
            }
        }

        Assert.True(link.IsUp);
        slow.Released.SetResult();
        await Eventually.Holds(() => last.All(user => slow.Known.TryGetValue(user.Key, out var state) && state == user.Value));
        Assert.InRange(slow.Frames, Users, rounds * Users / 10);

        // And from then on each is told at once again.
        channel.Announce(sink, [new UserPresence("late", PresenceState.Away)]);
        await Eventually.Holds(() => slow.Known.GetValueOrDefault("late") == PresenceState.Away);
    }

    private sealed class SlowHost : INodeService
    {
        private int _frames;

        public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ConcurrentDictionary<string, PresenceState> Known { get; } = new();

        public int Frames => Volatile.Read(ref _frames);

        public async ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
        {
            if (message.Method == PeerMethods.Subscribe)
            {
                var answer = new PayloadWriter();
                ChangeCodec.WriteOptional(answer, 1);
                link.Reply(message, answer.Written);
                return;
            }

            await Released.Task;
            Interlocked.Increment(ref _frames);
            Read(new PayloadReader(message.Payload));
        }

        public void Ended(NodeLink link, string why) => Released.TrySetResult();

        private void Read(PayloadReader payload)
        {
            payload.Number();
            payload.Number();
            for (var left = payload.Count(PeerLimits.Users); left > 0; left--)
            {
                Known[payload.Text()] = (PresenceState)payload.Number();
            }
        }
    }
}
