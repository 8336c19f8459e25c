using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.TestKit;

namespace DChat.Server.Tests.Peers;

/// <summary>G6 across workers: whoever is told that a user is removed may rely on it, however late other workers hear of it.</summary>
public sealed class RemovalTests
{
    /// <summary>Calls that are answered while an answer is looked out for that must not come.</summary>
    private const int Others = 20;

    [Theory]
    [InlineData("kick")]
    [InlineData("ban")]
    public async Task G6_a_removal_is_answered_when_the_host_of_the_room_knows_of_it(string how)
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2, gateways: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(2);
        await using var cat = await cluster.PersonAsync(2);
        await using var catElsewhere = await HubProbe.ConnectAsync(cluster.Workers[3].Server.Client, cat.Token);
        await using var benElsewhere = await HubProbe.ConnectAsync(cluster.Workers[3].Server.Client, ben.Token);
        var room = await cluster.MakeRoomAsync(1, ann, ben, cat);
        await ben.Hub.SyncAsync();
        var stays = new FollowingClient(cat.Hub, room);
        await stays.StartAsync();
        var shown = await LastShownAsync(ann, room, ben);

        var (host, gateway, other) = (cluster.Workers[1], cluster.Workers[2], cluster.Workers[3]);
        foreach (var late in new[] { host, gateway, other })
        {
            late.Registry.Hold();
        }

        cluster.Workers[0].Proxy.Hold(); // Nor is it asked for what they miss.

        var removal = await BeginAsync(cluster, ann, how, room, ben);
        host.Registry.Release();
        await removal.Within();
        var later = await catElsewhere.SendAsync(room, "later"); // From a worker that has not heard of it, by the host, to another that has not.
        await benElsewhere.RefusesAsync(how == "ban" ? "banned" : "not_member", "send", new { room, clientId = Chat.NewId(), body = "still here" });
        gateway.Registry.Release();
        await stays.FollowAsync((long)later["rev"]!);
        await ben.Hub.NextAsync("roomRemoved");
        Assert.DoesNotContain(ben.Hub.Untaken(), heard => IsLaterThan(shown, heard.Name, heard.Argument));
    }

    [Fact]
    public async Task G6_a_removal_is_answered_when_no_host_before_can_write_the_room()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 3);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        await using var cat = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(1, ann, ben, cat);
        await ben.Hub.SyncAsync();
        await cat.Hub.SyncAsync();
        var shown = await LastShownAsync(cat, room, ben, cat);

        // The room is given to another host, which does not come to open it; the one before has not heard of that.
        var (before, host) = (cluster.Workers[1], cluster.Workers[2]);
        before.Registry.Hold();
        cluster.Workers[0].Proxy.Hold(); // Nor is it asked for what the one before misses.
        host.Store!.Hold();
        var moved = await cluster.AssignAsync(room, 2);
        Assert.True(await cluster.Workers[0].Replica.WaitForAsync(moved, Eventually.DefaultLimit, CancellationToken.None));
        var removal = await BeginAsync(cluster, ann, "kick", room, ben);
        host.Store.Release();
        await removal.Within();
        var later = cat.Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = "later" });
        before.Registry.Release();
        await later.Within();
        await ben.Hub.NextAsync("roomRemoved");
        Assert.DoesNotContain(ben.Hub.Untaken(), heard => IsLaterThan(shown, heard.Name, heard.Argument));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    public async Task A_removal_is_answered_when_what_the_host_let_pass_before_is_committed(int hosts, int at)
    {
        await using var cluster = await PeerCluster.StartAsync(hosts);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(at);
        var room = await cluster.MakeRoomAsync(at, ann, ben);
        await ann.Hub.SendAsync(room, "before");
        var store = cluster.Workers[at].Store!;
        await Eventually.Holds(() => store.Writing == 0);
        store.Hold();
        var said = ben.Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = "last words" });
        await Eventually.Holds(() => store.Writing == 1);
        var removal = await BeginAsync(cluster, ann, "kick", room, ben);
        store.Release();
        await removal.Within();
        Assert.Contains(await ann.Hub.HistoryAsync(room), message => (string)message["body"]! == "last words");
        await said.Within();
    }

    [Fact]
    public async Task A_removal_is_answered_by_the_next_host_where_the_one_before_is_gone()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 3);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(0);
        var room = await cluster.MakeRoomAsync(1, ann, ben);
        cluster.Workers[1].Proxy.Cut();
        var removal = await BeginAsync(cluster, ann, "kick", room, ben);
        await cluster.MoveAsync(room, 2);
        await removal.Within();
    }

    /// <summary>The revision up to which all of them were shown the room.</summary>
    private static async Task<long> LastShownAsync(Person sender, string room, params Person[] readers)
    {
        var sent = await sender.Hub.SendAsync(room, "before");
        foreach (var reader in readers)
        {
            await reader.Hub.NextPostAsync(room, "before");
        }

        return (long)sent["rev"]!;
    }

    /// <summary>Begins a removal that the remover's own worker hears of, and sees that it is not answered yet though other calls are.</summary>
    private static async Task<Task<JsonNode?>> BeginAsync(PeerCluster cluster, Person remover, string how, string room, Person removed)
    {
        var removal = remover.Hub.BeginCall(how, new { room, user = removed.Name });
        await Eventually.Holds(() => cluster.Workers[0].Replica.State.FindMembership(room, removed.Name) is null);
        for (var i = 0; i < Others; i++)
        {
            await remover.Hub.CallAsync("listRooms", new { });
        }

        Assert.False(removal.IsCompleted, "it is answered already");
        return removal;
    }

    private static bool IsLaterThan(long rev, string name, JsonNode told) => name == HubEvents.Events && told["events"]!.AsArray().Any(change => (long)change!["rev"]! > rev);
}
