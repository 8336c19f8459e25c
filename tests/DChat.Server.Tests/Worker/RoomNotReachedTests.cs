using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

/// <summary>A room that cannot be served now keeps nobody from the user's others.</summary>
public sealed class RoomNotReachedTests(RoomNotReachedTests.FaultyServer server) : IClassFixture<RoomNotReachedTests.FaultyServer>
{
    [Fact]
    public async Task G5_sync_answers_the_others_and_has_the_client_subscribe_to_that_one()
    {
        var store = (FaultyMessageStore)server.Server.Services.GetRequiredService<IMessageStore>();
        await using var ann = await server.PersonAsync();
        await using var bob = await server.PersonAsync();
        var here = await ann.MakeRoomAsync();
        await ann.Hub.SendAsync(here, "hello");
        store.OpenFault = () => new MessageStoreUnavailableException("this one cannot be opened");
        var away = await ann.MakeRoomAsync();
        await bob.MakeRoomAsync();

        await using var resuming = await ann.ConnectAsync();
        var fresh = ann.Hub.SyncAsync();
        var resumed = resuming.SyncAsync(new Dictionary<string, long> { [here] = 0, [away] = 7 });
        var nothing = bob.Hub.RefusesAsync(ErrorCodes.Unavailable, "sync", new { });
        Assert.Equal((0, true, true), StandOf(Chat.RoomIn(await fresh, away)!));
        Assert.Equal(["hello"], Chat.Bodies(Chat.RoomIn(await fresh, here)!));
        Assert.Equal((7, false, true), StandOf(Chat.RoomIn(await resumed, away)!));
        Assert.Equal(["hello"], Chat.Bodies(Chat.RoomIn(await resumed, here)!));
        await nothing;

        // A room that bob comes into meanwhile: he is told which it is, and then to subscribe.
        await bob.Hub.CallAsync("openDirect", new { user = ann.Name });
        var direct = (await ann.Hub.NextAsync("roomChanged", told => (string)told["room"]!["kind"]! == "direct"))!;
        Assert.Null(direct["rev"]);
        Assert.Equal(0, (long)(await ann.Hub.NextAsync("resync", told => (string)told["room"]! == (string)direct["room"]!["id"]!))["rev"]!);
        Assert.Equal(0, (long)(await ann.Hub.NextAsync("resync", told => (string)told["room"]! == away))["rev"]!);
        Assert.Equal(7, (long)(await resuming.NextAsync("resync", told => (string)told["room"]! == away))["rev"]!);

        store.OpenFault = null;
        await ann.Hub.SubscribeAsync(away);
        Assert.True((bool)(await resuming.SubscribeAsync(away, 7))["reset"]!);
        await ann.Hub.SendAsync(away, "there again");
        await resuming.NextPostAsync(away, "there again");
        await ann.Hub.NextPostAsync(away, "there again");

        static (long Rev, bool Reset, bool More) StandOf(System.Text.Json.Nodes.JsonNode room)
        {
            Assert.Empty(Chat.Messages(room));
            return ((long)room["rev"]!, (bool)room["reset"]!, (bool)room["more"]!);
        }
    }

    public sealed class FaultyServer : ContractServer
    {
        protected override void Adjust(WebApplicationBuilder builder) => FaultyMessageStore.Wrap(builder);
    }
}
