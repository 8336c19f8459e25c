using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Server.Tests.Contract;
using DChat.Server.Tests.Nodes;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Peers;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Tests.Peers;

/// <summary>What a gateway's link leaves behind at a host: nothing that the gateway ended, or that ended with the link.</summary>
public sealed class PeerSessionTests
{
    private const long Number = 7;

    [Fact]
    public async Task What_a_gateway_gives_up_while_the_room_opens_is_not_told_to_it()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1);
        await using var ann = await cluster.PersonAsync(0);
        await using var at = await HostAsync(cluster, ann);
        cluster.Workers[0].Store!.Hold();
        var opened = at.SubscribeAsync();
        await Eventually.Holds(() => at.Host.Count == 1);
        at.Gateway.Post(PeerMethods.Unsubscribe, at.Head().Number(Number).Written);
        await at.CallAsync(PeerMethods.NewestSeq, at.Head().Text(at.Room)); // In order: what was posted before has been done.
        cluster.Workers[0].Store!.Release();
        await opened;
        Assert.Equal(0, at.Host.CountGateways(at.Room));
    }

    [Fact]
    public async Task A_link_that_ends_while_rooms_open_leaves_nothing_at_the_host()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1);
        await using var ann = await cluster.PersonAsync(0);
        await using var at = await HostAsync(cluster, ann);
        cluster.Workers[0].Store!.Hold();
        var opened = at.SubscribeAsync();
        await Eventually.Holds(() => at.Host.Count == 1);
        at.Link.End("on purpose");
        await at.Link.Completion.Within();
        await Assert.ThrowsAnyAsync<NodeLinkException>(() => opened).Within();
        var mine = ann.Hub.BeginCall("subscribe", new { room = at.Room }); // Waits for the same opening, behind it.
        cluster.Workers[0].Store!.Release();
        await mine.Within();
        await Eventually.Holds(() => at.Host.CountGateways(at.Room) == 1);
    }

    [Fact]
    public async Task A_subscription_that_the_host_ended_is_forgotten()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var at = await HostAsync(cluster, ann);
        await at.SubscribeAsync();
        await cluster.MoveAsync(at.Room, 1);
        Assert.Equal(PeerMethods.Lost, (await at.Told.Received.ReadAsync().AsTask().Within()).Method);
        await at.SubscribeAsync(); // Whoever is subscribed by this number still would be cut off.
        Assert.True(at.Link.IsUp);
    }

    [Fact]
    public async Task A_room_that_is_slow_to_open_keeps_those_that_are_asked_for_with_it_waiting_for_a_moment_only()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1);
        await using var ann = await cluster.PersonAsync(0);
        await using var at = await HostAsync(cluster, ann);
        await at.SubscribeAsync();
        var slow = await cluster.MakeRoomAsync(0, ann);
        cluster.Workers[0].Store!.Hold();
        Assert.Equal([false, true], Standing.AreThere(await at.SubscribeAsync((8, slow), (9, at.Room))));
        cluster.Workers[0].Store!.Release();
        await Eventually.Holds(() => at.Host.CountGateways(at.Room) == 2);
        Assert.Equal([true], Standing.AreThere(await at.SubscribeAsync((10, slow))));
        Assert.Equal(1, at.Host.CountGateways(slow)); // And not once more by the number before.
    }

    [Fact]
    public async Task G3_what_still_comes_over_a_link_that_ended_is_not_made_behind_what_came_over_the_next()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1);
        await using var ann = await cluster.PersonAsync(0);
        await using var before = await HostAsync(cluster, ann);
        await using var since = new Standing(cluster.Workers[0].Server.Services, await LinkPair.ConnectAsync(), cluster.Workers[0].Replica, before.Room);
        Assert.Null((await since.SubmitAsync(ann.Name, "second", attempt: 6)).Error);
        Assert.Equal(ChangeEnd.Moved, (await before.SubmitAsync(ann.Name, "first", attempt: 5)).End);
        Assert.Null((await since.SubmitAsync(ann.Name, "third", attempt: 6)).Error);
        Assert.Equal(["second", "third"], Chat.Bodies((await ann.Hub.CallAsync("history", new { room = before.Room }))!));
    }

    private static async Task<Standing> HostAsync(PeerCluster cluster, Person owner)
    {
        var services = cluster.Workers[0].Server.Services;
        var room = await cluster.MakeRoomAsync(0, owner);
        return new Standing(services, await LinkPair.ConnectAsync(), cluster.Workers[0].Replica, room);
    }

    /// <summary>A gateway's end of a link, by hand, and the host's.</summary>
    private sealed class Standing : IAsyncDisposable
    {
        private readonly LinkPair _pair;
        private readonly RegistryReplica _replica;

        public Standing(IServiceProvider services, LinkPair pair, RegistryReplica replica, string room)
        {
            (_pair, _replica, Room) = (pair, replica, room);
            Host = services.GetRequiredService<RoomHost>();
            Link = new NodeLink(LinkPair.Hello("g"), pair.LeftStream, ActivatorUtilities.CreateInstance<PeerSession>(services), TimeProvider.System);
            Gateway = new NodeLink(LinkPair.Hello("h"), pair.RightStream, Told, TimeProvider.System);
        }

        public RoomHost Host { get; }

        public string Room { get; }

        /// <summary>The host's end.</summary>
        public NodeLink Link { get; }

        public NodeLink Gateway { get; }

        /// <summary>What the host says.</summary>
        public EchoService Told { get; } = new();

        public PayloadWriter Head() => new PayloadWriter().Number(_replica.Index);

        public Task<byte[]> SubscribeAsync() => SubscribeAsync((Number, Room));

        public Task<byte[]> SubscribeAsync(params (long Number, string Room)[] rooms)
        {
            var state = _replica.State;
            var ask = Head().Number(rooms.Length);
            foreach (var (number, room) in rooms)
            {
                ChangeCodec.WriteOptional(ask.Number(number).Text(room).Number(state.HostOf(state.FindRoom(room)!)!.Value.Epoch), null);
            }

            return CallAsync(PeerMethods.Subscribe, ask);
        }

        /// <summary>Of the rooms that were asked for, in order, whether the host serves them.</summary>
        public static List<bool> AreThere(byte[] answer)
        {
            var from = new PayloadReader(answer);
            var there = new List<bool>();
            while (!from.IsAtEnd)
            {
                there.Add(ChangeCodec.ReadOptional(ref from) is not null);
            }

            return there;
        }

        public async Task<ChangeOutcome> SubmitAsync(string author, string body, long attempt)
        {
            var change = Head().Number(1).Text(Room).Number(_replica.State.HostOf(_replica.State.FindRoom(Room)!)!.Value.Epoch).Number(attempt).Number(RoomHost.HoldMs);
            ChangeCodec.Write(change, (HubError?)null);
            ChangeCodec.Write(change, new PostMessage(author, body, 1, MessageKind.Text, body, null, [], []));
            Gateway.Post(PeerMethods.Submit, change.Written);
            return Read(await Told.Received.ReadAsync().AsTask().Within());

            static ChangeOutcome Read(NodeMessage told)
            {
                var from = new PayloadReader(told.Payload);
                Assert.Equal((PeerMethods.Outcome, 1), (told.Method, (from.Number(), from.Number()).Item2));
                return ChangeCodec.ReadOutcome(ref from);
            }
        }

        public Task<byte[]> CallAsync(byte method, PayloadWriter what) => Gateway.CallAsync(method, what.WrittenMemory, Eventually.DefaultLimit, CancellationToken.None);

        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            await Link.DisposeAsync();
            await _pair.DisposeAsync();
        }
    }
}
