using System.Text.Json.Nodes;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Tests.Peers;

/// <summary>A worker that was so far behind that it gets the registry whole does by it what the entries between would have had it do.</summary>
public sealed class ReplacedRegistryTests
{
    [Fact]
    public async Task A_room_that_is_hosted_there_tells_its_news()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(1, ann, ben);
        await ben.Hub.SubscribeAsync(room);
        await MissAsync(cluster, async () => await ann.Hub.CallAsync("updateRoom", new { room, topic = "calm down" }));
        await ben.Hub.NextChangeAsync(room, change => ((string?)change["message"]?["body"])?.Contains("calm down", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task Users_are_told_what_became_of_their_rooms()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var (changed, silent, deleted, listed, joined) = (
            await cluster.MakeRoomAsync(1, ann, ben), await cluster.MakeRoomAsync(0, ann, ben), await cluster.MakeRoomAsync(1, ann, ben),
            await cluster.MakeRoomAsync(0, ann, ben), await cluster.MakeRoomAsync(0, ann));
        var (invited, declined) = (await ann.Hub.MakeRoomAsync(), await ann.Hub.MakeRoomAsync());
        await ann.Hub.CallAsync("invite", new { room = declined, user = ben.Name });
        await ben.Hub.NextAsync("roomChanged", told => (string)told["room"]!["id"]! == declined);
        await ben.Hub.SyncAsync();
        foreach (var room in new[] { silent, listed })
        {
            await ben.Hub.CallAsync("unsubscribe", new { room });
        }

        var host = cluster.Workers[1].Server.Services.GetRequiredService<RoomHost>();
        Assert.NotNull(host.NewestSeq(deleted));
        await using var elsewhere = await HubProbe.ConnectAsync(cluster.Workers[0].Server.Client, ben.Token);
        await MissAsync(cluster, async () =>
        {
            await ann.Hub.CallAsync("updateRoom", new { room = changed, topic = "calm down" });
            await ann.Hub.CallAsync("setRole", new { room = silent, user = ben.Name, role = "moderator" });
            await ann.Hub.CallAsync("deleteRoom", new { room = deleted });
            await ann.Hub.CallAsync("deleteRoom", new { room = listed });
            await ann.Hub.CallAsync("deleteRoom", new { room = declined });
            await ann.Hub.CallAsync("invite", new { room = invited, user = ben.Name });
            await elsewhere.CallAsync("joinRoom", new { room = joined });
        });
        Assert.Null(host.NewestSeq(deleted));
        Assert.Equal("calm down", (string)(await ToldAsync(ben, changed))["topic"]!);
        Assert.Equal("moderator", (string)(await ToldAsync(ben, silent))["role"]!);
        Assert.Equal("invited", (string)(await ToldAsync(ben, invited))["role"]!);
        Assert.Equal("member", (string)(await ToldAsync(ben, joined))["role"]!);
        foreach (var room in new[] { deleted, listed, declined })
        {
            Assert.Equal("deleted", (string)(await ben.Hub.NextAsync("roomRemoved", told => (string)told["room"]! == room))["reason"]!);
        }

        Assert.DoesNotContain(ben.Hub.Untaken(), heard => heard.Name is "roomRemoved" or "roomChanged");

        // Whoever does not follow a room goes on so.
        await ann.Hub.SendAsync(silent, "not for ben");
        await ann.Hub.SendAsync(changed, "for ben");
        await ben.Hub.NextPostAsync(changed, "for ben");
        Assert.DoesNotContain(ben.Hub.Untaken(), heard => heard.Name == "events" && (string)heard.Argument["room"]! == silent);
    }

    /// <summary>Worker 1 hears nothing of what is done, and then takes the state that the registry has come to.</summary>
    private static async Task MissAsync(PeerCluster cluster, Func<Task> act)
    {
        var (late, current) = (cluster.Workers[1], cluster.Workers[0]);
        late.Registry.Hold();
        current.Proxy.Hold(); // Nor is it asked for what the other misses.
        var index = late.Replica.Index;
        await act();
        Assert.Equal(index, late.Replica.Index);
        late.Replica.Replace(current.Replica.State);
        late.Registry.Release();
        current.Proxy.Release();
    }

    private static async Task<JsonNode> ToldAsync(Person person, string room) =>
        (await person.Hub.NextAsync("roomChanged", told => (string)told["room"]!["id"]! == room))["room"]!;
}
