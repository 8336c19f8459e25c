using DChat.Core.Registry;
using DChat.Server.Nodes;
using DChat.Server.Tests.Contract;
using DChat.Server.Tests.Nodes;
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

    private static async Task<Standing> HostAsync(PeerCluster cluster, Person owner)
    {
        var services = cluster.Workers[0].Server.Services;
        var room = await cluster.MakeRoomAsync(0, owner);
        return new Standing(services, await LinkPair.ConnectAsync(), cluster.Workers[0].Replica.State, room);
    }

    /// <summary>A gateway's end of a link, by hand, and the host's.</summary>
    private sealed class Standing : IAsyncDisposable
    {
        private readonly LinkPair _pair;
        private readonly RegistryState _state;

        public Standing(IServiceProvider services, LinkPair pair, RegistryState state, string room)
        {
            (_pair, _state, Room) = (pair, state, room);
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

        public PayloadWriter Head() => new PayloadWriter().Number(_state.Index);

        public Task<byte[]> SubscribeAsync()
        {
            var ask = Head().Number(1).Number(Number).Text(Room).Number(_state.HostOf(_state.FindRoom(Room)!)!.Value.Epoch);
            ChangeCodec.WriteOptional(ask, null);
            return CallAsync(PeerMethods.Subscribe, ask);
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
