using System.Net;
using System.Text.Json.Nodes;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Peers;

/// <summary>Clients on any worker use rooms on any other, and do not notice when a room moves.</summary>
public sealed class PeerTests
{
    [Fact]
    public async Task Clients_of_every_worker_share_a_room_hosted_by_one()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2, gateways: 1);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        await using var cat = await cluster.PersonAsync(2);
        var room = await cluster.MakeRoomAsync(1, ann, ben, cat);
        await ann.Hub.SyncAsync();
        await ben.Hub.SyncAsync();
        await cat.Hub.SyncAsync();
        foreach (var sender in new[] { ann, ben, cat })
        {
            var clientId = Chat.NewId();
            var sent = await sender.Hub.SendAsync(room, "from " + sender.Name, clientId);
            foreach (var reader in new[] { ann, ben, cat })
            {
                Assert.Equal((long)sent["rev"]!, (long)(await reader.Hub.NextPostAsync(room, "from " + sender.Name))["rev"]!);
            }

            // Whoever repeats it, wherever, gets the first answer.
            await using var elsewhere = await HubProbe.ConnectAsync(cluster.Workers[0].Server.Client, sender.Token);
            Assert.Equal(sent.ToJsonString(), (await elsewhere.SendAsync(room, "again", clientId)).ToJsonString());
        }

        await Eventually.Holds(async () => (int)(await ann.Hub.SubscribeAsync(room))["onlineCount"]! == 3);
        await Eventually.Holds(async () => (await cat.Hub.CallAsync("members", new { room }))!["members"]!.AsArray().All(member => (bool)member!["online"]!));
        await ann.Hub.CallAsync("typing", new { room });
        Assert.Equal(ann.Name, (string)(await cat.Hub.NextAsync("typing"))["users"]![0]!);
        await cat.Hub.CallAsync("markRead", new { room, seq = 2 });
        await Eventually.Holds(async () => (long)Chat.RoomIn(await cat.Hub.SyncAsync(), room)!["readSeq"]! == 2);
        Assert.Equal(3, Chat.Bodies((await cat.Hub.CallAsync("history", new { room }))!).Length);
        await Eventually.Holds(async () => (await cat.Hub.CallAsync("search", new { query = "from" }))!["hits"]!.AsArray().Count == 3);
        await cat.Hub.RefusesAsync("not_found", "edit", new { room, clientId = Chat.NewId(), seq = 99, body = "no" });
        await cat.Hub.RefusesAsync("invalid_argument", "search", new { query = "from", after = "nonsense" });
    }

    [Fact]
    public async Task Nobody_is_taken_back_behind_what_another_gateway_showed_him()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(1, ann, ben);
        await ann.Hub.SyncAsync();
        await ben.Hub.SyncAsync();
        await ben.Hub.SendAsync(room, "heard by both");
        await ann.Hub.NextPostAsync(room, "heard by both");

        // Ann's gateway is cut off from the host, and she was there meanwhile.
        cluster.Workers[1].Proxy.Cut();
        var seen = (long)(await ben.Hub.SendAsync(room, "heard at the host"))["rev"]!;
        await ann.Hub.RefusesAsync("unavailable", "subscribe", new { room, afterRev = seen });
        await ann.Hub.RefusesAsync("unavailable", "sync", new { revs = new Dictionary<string, long> { [room] = seen } });

        cluster.Workers[1].Proxy.Mend();
        JsonNode? again = null;
        await Eventually.Holds(async () =>
        {
            try
            {
                again = await ann.Hub.SubscribeAsync(room, seen);
                return true;
            }
            catch (HubCallFailedException failure) when (failure.Error is { Code: "unavailable" })
            {
                return false;
            }
        });
        Assert.Equal((false, seen), ((bool)again!["reset"]!, (long)again["rev"]!));
        Assert.Empty(Chat.Messages(again));
    }

    [Fact]
    public async Task G3_what_a_host_refuses_while_the_store_cannot_say_whether_it_is_a_repeat_is_answered_and_not_sent_again()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(0, ann, ben);
        await ann.Hub.CallAsync("updateRoom", new { room, slowModeSeconds = 3_600 });
        await Eventually.Holds(() => cluster.Workers[1].Replica.State.FindRoom(room)!.SlowModeSeconds > 0);
        await ben.Hub.SendAsync(room, "one");
        var lookups = 0;
        cluster.Workers[0].Store!.FindFault = () =>
        {
            Interlocked.Increment(ref lookups);
            return new MessageStoreUnavailableException("it does not answer");
        };
        await ben.Hub.RefusesAsync(ErrorCodes.Unavailable, "send", new { room, clientId = "two", body = "two" });

        // Sent again by itself, it could stand behind what its sender sent after it.
        Assert.Equal(1, lookups);
    }

    [Fact]
    public async Task What_is_refused_in_a_room_elsewhere_goes_there_without_what_does_not_fit_a_link()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        var room = await cluster.MakeRoomAsync(1, ann);
        await ann.Hub.SendAsync(room, "there is a way to it");
        foreach (var method in new[] { "edit", "delete", "react" })
        {
            await ann.Hub.RefusesAsync(ErrorCodes.InvalidArgument, method, new { room, clientId = Chat.NewId(), seq = -1, body = "x", emoji = "👍" });
        }

        await ann.Hub.RefusesAsync(ErrorCodes.InvalidArgument, "send", new { room, clientId = Chat.NewId(), body = "x", replyTo = long.MinValue });
        await ann.Hub.SendAsync(room, "still connected");
        await cluster.MoveAsync(room, 0);
        await ann.Hub.SendAsync(room, "and nothing stands in line");
    }

    [Fact]
    public async Task What_one_has_read_on_one_worker_is_read_on_every_other()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2, gateways: 1);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        await using var annToo = await HubProbe.ConnectAsync(cluster.Workers[2].Server.Client, ann.Token);
        var room = await cluster.MakeRoomAsync(1, ann, ben);
        foreach (var hub in new[] { ann.Hub, annToo, ben.Hub })
        {
            await hub.SyncAsync();
        }

        // A host that has not heard of both her gateways yet tells only the one: so it is said until it is heard, which is later than answered.
        async Task ReadsAsync(HubProbe says, HubProbe hears)
        {
            var first = (long)(await ben.Hub.SendAsync(room, "read this"))["seq"]!;
            await Eventually.Holds(async () =>
            {
                var seq = (long)(await ben.Hub.SendAsync(room, "and this"))["seq"]!;
                await says.CallAsync("markRead", new { room, seq });
                return hears.Untaken().Any(heard => heard.Name == "read" && (string)heard.Argument["room"]! == room && (long)heard.Argument["seq"]! > first);
            });
        }

        await ReadsAsync(ann.Hub, annToo);
        await ReadsAsync(annToo, ann.Hub);
        await cluster.MoveAsync(room, 0);
        await ReadsAsync(annToo, ann.Hub);
        Assert.DoesNotContain(ben.Hub.Untaken(), heard => heard.Name == "read");
    }

    [Fact]
    public async Task A_server_that_is_everything_is_told_what_goes_on_at_its_further_workers()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1, all: true);
        await using var ann = await cluster.PersonAsync(0);
        await using var annHere = await HubProbe.ConnectAsync(cluster.Coordinator.Client, ann.Token);
        var room = await cluster.MakeRoomAsync(0, ann);
        await ann.Hub.SyncAsync();
        var sent = await ann.Hub.SendAsync(room, "hello");
        await Eventually.Holds(async () => (await annHere.CallAsync("listRooms", new { }))!["rooms"]!.AsArray()
            .Any(found => (string)found!["id"]! == room && (int)found["online"]! == 1 && (long)found["lastActivityAt"]! == (long)sent["sentAt"]!));
    }

    [Fact]
    public async Task Who_is_online_elsewhere_is_known_to_a_worker_that_could_not_hear_it_when_it_was_told()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var annThere = await HubProbe.ConnectAsync(cluster.Workers[1].Server.Client, ann.Token);
        await using var ben = await cluster.PersonAsync(0);
        var room = await cluster.MakeRoomAsync(0, ann, ben);
        await ann.Hub.SyncAsync();
        await ShowsAsync(1);

        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Coordinator.Services.GetRequiredService<WorkerWatch>().ActivityTold += rooms =>
        {
            if (rooms.Any(changed => changed.Room == room && changed.Online == 2))
            {
                told.TrySetResult();
            }
        };
        cluster.Workers[1].Registry.Cut();
        await ben.Hub.SyncAsync();
        await told.Task.Within();
        cluster.Workers[1].Registry.Mend();
        await ShowsAsync(2);

        Task ShowsAsync(int online) => Eventually.Holds(async () => (await annThere.CallAsync("listRooms", new { }))!["rooms"]!.AsArray()
            .Any(found => (string)found!["id"]! == room && (int)found["online"]! == online));
    }

    /// <param name="isBusy">Somebody sends at the old host all the time: by that it finds out, and not by looking.</param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_worker_that_reaches_neither_coordinators_nor_workers_sends_its_clients_away_when_the_store_shows_that_others_go_on(bool isBusy)
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(0, ann, ben);
        using var http = cluster.Workers[0].Server.CreateHttpClient();
        await ann.Hub.SendAsync(room, "here");
        cluster.Workers[0].Registry.Cut();
        cluster.Workers[0].Proxy.Cut();
        cluster.Workers[1].Proxy.Cut();
        cluster.Workers[0].Store!.EpochsFault = isBusy ? () => new MessageStoreUnavailableException("nobody is to find out so") : null;
        using var enough = new CancellationTokenSource();
        var sending = isBusy ? SendAsync() : Task.CompletedTask;
        await cluster.AssignAsync(room, 1);
        await Eventually.Holds(async () => await TrySendAsync());
        await Eventually.Holds(async () => await StatusAsync() == HttpStatusCode.ServiceUnavailable);
        await enough.CancelAsync();
        await sending;

        cluster.Workers[0].Registry.Mend();
        cluster.Workers[0].Proxy.Mend();
        cluster.Workers[1].Proxy.Mend();
        await Eventually.Holds(async () => await StatusAsync() == HttpStatusCode.OK);

        async Task<HttpStatusCode> StatusAsync()
        {
            using var answer = await http.GetAsync("/health/ready");
            return answer.StatusCode;
        }

        async Task SendAsync()
        {
            while (!enough.IsCancellationRequested)
            {
                _ = ann.Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = "busy" });
                await Task.Delay(TimeSpan.FromMilliseconds(20));
            }
        }

        async Task<bool> TrySendAsync()
        {
            try
            {
                await ben.Hub.SendAsync(room, "there", "there");
                return true;
            }
            catch (HubCallFailedException)
            {
                return false; // It has not heard of the move yet.
            }
        }
    }

    [Fact]
    public async Task A_gateway_without_a_store_that_reaches_nobody_sends_its_clients_away()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2, gateways: 1, cutOffMs: 500);
        var gateway = cluster.Workers[2];
        using var http = gateway.Server.CreateHttpClient();
        await using var ann = await cluster.PersonAsync(2);
        cluster.Workers[0].Proxy.Cut(); // First: no other worker says that it hears a coordinator.
        cluster.Workers[1].Proxy.Cut();
        gateway.Registry.Cut();
        await ann.Hub.NextAsync(HubEvents.Reconnect);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync());

        gateway.Registry.Mend();
        cluster.Workers[0].Proxy.Mend();
        cluster.Workers[1].Proxy.Mend();
        await Eventually.Holds(async () => await StatusAsync() == HttpStatusCode.OK);

        async Task<HttpStatusCode> StatusAsync()
        {
            using var answer = await http.GetAsync("/health/ready");
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task A_room_moves_and_its_clients_miss_nothing()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 3);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(0, ann, ben);
        FollowingClient[] clients = [new(ann.Hub, room), new(ben.Hub, room)];
        foreach (var client in clients)
        {
            await client.StartAsync();
        }

        var sent = new List<Task<JsonNode?>>();
        for (var round = 0; round < 6; round++)
        {
            for (var i = 0; i < 50; i++)
            {
                sent.Add(ann.Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = $"a{sent.Count}" }));
                sent.Add(ben.Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = $"b{sent.Count}" }));
            }

            await cluster.MoveAsync(room, (round + 1) % 3);
            var last = (await Task.WhenAll(sent).Within()).Max(answer => (long)answer!["rev"]!);
            foreach (var client in clients)
            {
                await client.FollowAsync(last);
            }
        }

        Assert.Equal(clients[0].View.ToString(), clients[1].View.ToString());
        foreach (var writer in "ab")
        {
            var numbers = clients[0].View.Messages.Values.Select(message => (string)message["body"]!).Where(body => body.StartsWith(writer)).Select(body => int.Parse(body[1..]));
            Assert.Equal(Enumerable.Range(0, 600).Where(n => n % 2 == (writer == 'a' ? 0 : 1)), numbers);
        }
    }

    [Fact]
    public async Task A_host_that_was_stopped_and_wakes_changes_nothing()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(0, ann, ben);
        await ann.Hub.SyncAsync();
        await ben.Hub.SyncAsync();
        await ben.Hub.SendAsync(room, "before");
        await ann.Hub.NextPostAsync(room, "before");
        cluster.Workers[0].Store!.Hold();
        var late = ann.Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = "held" });
        var other = ben.Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = "held too" });
        await cluster.MoveAsync(room, 1);
        var answers = await Task.WhenAll(late, other).Within();
        var after = await ben.Hub.SendAsync(room, "after");
        cluster.Workers[0].Store!.Release();
        await ann.Hub.NextPostAsync(room, "after");
        Assert.Equal((long)after["seq"]!, answers.Max(answer => (long)answer!["seq"]!) + 1);
        Assert.Equal(["before", "held", "held too", "after"], (await ann.Hub.HistoryAsync(room)).Where(message => (string)message["kind"]! == "text").Select(message => (string)message["body"]!).OrderBy(body => body == "before" ? 0 : body == "after" ? 3 : 1).ThenBy(body => body, StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_link_that_is_cut_delays_and_loses_nothing()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1, gateways: 1);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(0, ann, ben);
        var view = new RoomView(room);
        await view.CatchUpAsync(ben.Hub, null);
        cluster.Workers[0].Proxy.Cut();
        var held = ben.Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = "held" });
        cluster.Workers[0].Proxy.Mend();
        var answer = (await held.Within())!;
        await view.FollowAsync(ben.Hub, (long)answer["rev"]!);
        Assert.Equal("held", (string)view.Messages.Values.Last()["body"]!);
    }

    [Fact]
    public async Task After_a_move_everybody_who_is_there_is_told()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(0, ann, ben);
        await ann.Hub.SyncAsync();
        await ben.Hub.SyncAsync();
        await Eventually.Holds(async () => (int)(await ann.Hub.SubscribeAsync(room))["onlineCount"]! == 2);
        await cluster.MoveAsync(room, 1);
        var told = await ann.Hub.NextAsync("presence", presence => (bool)presence["full"]!);
        Assert.Equal(2, (int)told["online"]!);
        Assert.Equal(new[] { ann.Name, ben.Name }.Order(), told["users"]!.AsArray().Select(user => (string)user!["user"]!).Order());

        // Online by two gateways: the one that leaves takes nothing away.
        var second = await HubProbe.ConnectAsync(cluster.Workers[1].Server.Client, ann.Token);
        await second.SyncAsync();
        await second.DisposeAsync();
        await ben.Hub.DisposeAsync();
        Assert.Equal(1, (int)(await ann.Hub.NextAsync("presence", presence => presence["users"]!.AsArray().Any(user => (string)user!["state"]! == "offline")))["online"]!);
    }
}
