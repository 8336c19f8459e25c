using System.Net;
using System.Text.Json.Nodes;
using DChat.Core.Messages;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.Server.Tests.Http;
using DChat.Server.Tests.Peers;
using DChat.Server.Worker;
using DChat.Server.Worker.Peers;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Tests.Worker;

/// <summary>A deleted room's row in the message store is closed: nothing can be said in it any more, and what was said is removed.</summary>
public sealed class DeletedRoomsTests
{
    private const long Closed = long.MaxValue;

    public enum Way
    {
        Hub,
        Administration,
    }

    [Theory]
    [InlineData(Way.Hub, 0)]
    [InlineData(Way.Hub, 2)]
    [InlineData(Way.Administration, 0)]
    [InlineData(Way.Administration, 2)]
    public async Task It_is_closed_when_the_deletion_is_answered_though_its_host_has_not_heard_of_it(Way way, int worker)
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2, gateways: 1); // Worker 2 has no store.
        await using var ann = await cluster.PersonAsync(worker);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(1, ann, ben);
        await ben.Hub.SendAsync(room, "said");

        cluster.Workers[1].Registry.Hold();
        await (way == Way.Hub ? ann.Hub.CallAsync("deleteRoom", new { room }) : cluster.DeleteAsAdminAsync(worker, room));
        Assert.Equal(Closed, await EpochAsync(cluster.Store, room));
        cluster.Workers[1].Registry.Release();
    }

    [Fact]
    public async Task Nothing_is_remembered_of_it()
    {
        await using var server = await InProcessServer.StartAsync();
        using var api = new ApiClient(server);
        await using var ann = await HubProbe.ConnectAsync(server.Client, (await api.RegisterAsync("ann")).AccessToken);
        var room = await MakeRoomAsync(ann);
        await ann.SendAsync(room, "said");
        await ann.CallAsync("deleteRoom", new { room });
        Assert.Equal((0, 0L), server.Services.GetRequiredService<RoomActivities>().Of(room));
    }

    [Theory]
    [InlineData(Way.Hub)]
    [InlineData(Way.Administration)]
    public async Task Where_the_store_is_away_the_repeat_does_what_is_left(Way way)
    {
        await using var server = await InProcessServer.StartAsync(adjust: FaultyMessageStore.Wrap);
        using var api = new ApiClient(server);
        var admin = await api.LoginAsync("admin", server.AdminPassword);
        await using var ann = await HubProbe.ConnectAsync(server.Client, (await api.RegisterAsync("ann")).AccessToken);
        var room = await MakeRoomAsync(ann);
        var store = StoreOf(server);
        store.CloseFault = () => new MessageStoreUnavailableException("the test says so");
        for (var i = 0; i < 2; i++)
        {
            await DeleteAsync(ErrorCodes.Unavailable, HttpStatusCode.ServiceUnavailable);
        }

        Assert.NotEqual(Closed, await EpochAsync(store, room));
        store.CloseFault = null;
        await DeleteAsync(ErrorCodes.NotFound, HttpStatusCode.NotFound);
        Assert.Equal(Closed, await EpochAsync(store, room));

        async Task DeleteAsync(string code, HttpStatusCode status)
        {
            if (way == Way.Hub)
            {
                await ann.RefusesAsync(code, "deleteRoom", new { room });
                return;
            }

            await ApiClient.RefusedAsync(await api.SendAsync(HttpMethod.Delete, $"/api/admin/rooms/{room}", token: admin.AccessToken), status, code);
        }
    }

    [Fact]
    public async Task What_nobody_repeats_is_closed_and_removed_later_and_what_was_never_deleted_is_kept()
    {
        await using var server = await InProcessServer.StartAsync(adjust: FaultyMessageStore.Wrap);
        using var api = new ApiClient(server);
        await using var ann = await HubProbe.ConnectAsync(server.Client, (await api.RegisterAsync("ann")).AccessToken);
        var store = StoreOf(server);
        var housekeeping = server.Services.GetServices<IHostedService>().OfType<Housekeeping>().Single();
        var (room, kept) = (await MakeRoomAsync(ann), await MakeRoomAsync(ann));

        // As a restore from an earlier snapshot leaves it, for another from a later one.
        const string Unknown = "unknown to the registry";
        await store.OpenAsync([new RoomAtEpoch(Unknown, 1)], default);
        await store.WriteAsync([new RoomWrite(Unknown, 1, 0, [new PostMessage("ann", "c", 1, MessageKind.Text, "said", null, [], [])])], default);

        store.CloseFault = () => new MessageStoreUnavailableException("the test says so");
        await ann.RefusesAsync(ErrorCodes.Unavailable, "deleteRoom", new { room });
        await housekeeping.CleanAsync(CancellationToken.None);
        Assert.NotEqual(Closed, await EpochAsync(store, room));

        store.CloseFault = null;
        await housekeeping.CleanAsync(CancellationToken.None);
        Assert.Equal(Closed, await EpochAsync(store, room));
        foreach (var there in new[] { kept, Unknown })
        {
            Assert.NotEqual(Closed, await EpochAsync(store, there));
            Assert.Single((await store.ReadBeforeAsync(there, null, 10, null, default)).Messages);
        }
    }

    private static async Task<string> MakeRoomAsync(HubProbe owner)
    {
        var room = await owner.MakeRoomAsync();
        await owner.SendAsync(room, "said");
        return room;
    }

    private static FaultyMessageStore StoreOf(InProcessServer server) => (FaultyMessageStore)server.Services.GetRequiredService<IMessageStore>();

    private static async Task<long> EpochAsync(IMessageStore store, string room) => (await store.ReadEpochsAsync([room], default))[0];
}
