using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Upgrade;

/// <summary>People use a room that a worker of one version hosts, over that worker and over one of another version: all that crosses a link between them.</summary>
internal sealed class MixedRooms(HttpClient admin, ClusterStatus status)
{
    private const int Alice = 0;
    private const int Bob = 1;

    /// <summary>Every second room moves to a worker.</summary>
    public async Task ShareAsync(ServerProcess with)
    {
        var rooms = (await admin.GetFromJsonAsync<AdminRooms>("api/admin/rooms?limit=200"))!.Rooms.Where((_, number) => number % 2 == 0).ToList();
        foreach (var room in rooms)
        {
            await MoveAsync(room.Id, with);
        }

        await Eventually.Holds(async () => (await Task.WhenAll(rooms.Select(room => LookAsync(room.Id)))).All(room => room.Worker == Of(with).Id));
    }

    /// <param name="prefix">Of the users, who are made for it.</param>
    public async Task UseAsync(ServerProcess host, ServerProcess gateway, string prefix)
    {
        Assert.NotEqual(Of(host).Version, Of(gateway).Version);
        var crowd = await Crowd.MakeAsync(admin, ClusterUnderTest.AdminPassword, users: 2, prefix: prefix);
        await MoveAsync(crowd.Room, host);
        AdminRoom? before = null;
        await Eventually.Holds(async () => (before = await LookAsync(crowd.Room)).Worker == Of(host).Id);

        await using var far = await HubProbe.ConnectAsync(gateway.Client, crowd.Token(Alice));
        await using var near = await HubProbe.ConnectAsync(host.Client, crowd.Token(Bob));
        await using var other = await HubProbe.ConnectAsync(gateway.Client, crowd.Token(Bob));
        await Task.WhenAll(far.CallAsync("sync", new { }), near.CallAsync("sync", new { }), other.CallAsync("sync", new { }));
        await ChatAsync(crowd.Room, far, near, other);
        await LookBackAsync(crowd, gateway, far, near);
        await other.CallAsync("leaveRoom", new { room = crowd.Room });
        await near.NextAsync("roomRemoved", e => (string)e["room"]! == crowd.Room);

        // All of that was between two versions: the room has not moved.
        Assert.Equal((before!.Worker, before.Epoch), (await LookAsync(crowd.Room) is var after ? after.Worker : null, after.Epoch));
    }

    private static async Task ChatAsync(string room, HubProbe far, HubProbe near, HubProbe other)
    {
        HubProbe[] all = [far, near, other];
        foreach (var probe in all)
        {
            var sent = await probe.CallAsync("send", new { room, clientId = $"c{Array.IndexOf(all, probe)}", body = "can you read the other version's letters?" });
            await SeenAsync(all, "posted", (long)sent!["seq"]!);
        }

        await far.CallAsync("edit", new { room, clientId = "e", seq = 1, body = "changed letters" });
        await SeenAsync(all, "edited", 1);
        await near.CallAsync("react", new { room, clientId = "r", seq = 1, emoji = "👍", on = true });
        await SeenAsync(all, "reacted", 1);
        await other.CallAsync("delete", new { room, clientId = "d", seq = 3 });
        await SeenAsync(all, "deleted", 3);
        await Eventually.Holds(async () =>
        {
            await far.CallAsync("typing", new { room }); // It may be dropped.
            return near.Untaken().Any(seen => seen.Name == "typing" && seen.Argument["users"]!.AsArray().Count > 0);
        });
        await near.CallAsync("markRead", new { room, seq = 2 });
        await other.NextAsync("read", e => (long)e["seq"]! == 2);
        await other.CallAsync("markRead", new { room, seq = 3 });
        await near.NextAsync("read", e => (long)e["seq"]! == 3);

        // What was answered over one version is answered the same over the other.
        var again = await far.CallAsync("send", new { room, clientId = "c0", body = "again" });
        Assert.Equal(1, (long)again!["seq"]!);
    }

    private static async Task LookBackAsync(Crowd crowd, ServerProcess gateway, HubProbe far, HubProbe near)
    {
        var room = crowd.Room;
        var (there, here) = (await far.CallAsync("history", new { room }), await near.CallAsync("history", new { room }));
        Assert.Equal(Seqs(here!), Seqs(there!));
        Assert.Equal([1, 2, 3], Seqs(there!));
        await Eventually.Holds(async () => (await far.CallAsync("search", new { query = "letters", room }))!["hits"]!.AsArray().Count == 2);
        await Eventually.Holds(async () => (await far.CallAsync("members", new { room }))!["members"]!.AsArray().Count(member => (bool)member!["online"]!) == crowd.Users.Count);

        await using var later = await HubProbe.ConnectAsync(gateway.Client, crowd.Token(Bob));
        var resumed = await later.CallAsync("subscribe", new { room, afterRev = 3 });
        Assert.False((bool?)resumed!["reset"] ?? false);
        Assert.Equal([1, 3], Seqs(resumed).Order());
        Assert.Equal(6, (long)resumed["rev"]!);
    }

    private static IEnumerable<long> Seqs(JsonNode page) => page["messages"]!.AsArray().Select(message => (long)message!["seq"]!);

    private static async Task SeenAsync(IEnumerable<HubProbe> probes, string kind, long seq)
    {
        foreach (var probe in probes)
        {
            await probe.NextAsync("events", e => e["events"]!.AsArray().Any(change => (string)change!["kind"]! == kind && (long)change["message"]!["seq"]! == seq));
        }
    }

    private WorkerStatus Of(ServerProcess worker) => status.Workers.Single(each => each.Address == worker.Node.Authority && each.State == "active");

    private async Task MoveAsync(string room, ServerProcess to) =>
        (await admin.PostAsJsonAsync($"api/admin/rooms/{room}/move", new MoveRoomRequest(Of(to).Id))).EnsureSuccessStatusCode();

    private async Task<AdminRoom> LookAsync(string room) => (await admin.GetFromJsonAsync<AdminRoom>($"api/admin/rooms/{room}"))!;
}
