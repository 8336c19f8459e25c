using DChat.Cluster.Tests.Chaos;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary>Workers of two zones (<c>--label zone=…</c>), one of which fails.</summary>
public sealed class ZoneTests
{
    private const int Rooms = 8;

    [Fact]
    public async Task Where_most_workers_of_a_zone_die_their_rooms_go_to_another_one_as_long_as_there_is_any()
    {
        await using var cluster = await StartAsync();
        var (a, b) = (Zone(cluster, "a"), Zone(cluster, "b"));
        using var view = new ClusterView(cluster);
        using var http = a[2].CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 1, rooms: Rooms);
        await using var client = await HubProbe.ConnectAsync(a[2].Client, crowd.Token(0));

        // Nobody has fewer than the third of zone a, which has none: by load alone it would be given the next.
        await SpreadAsync(http, crowd, [a[0], a[1], b[0], b[1]]);
        await a[0].KillAsync();
        await LeftAsync(view, a[0]);
        var (before, second) = (await HostsAsync(view), a[1].Node.Authority);
        await a[1].KillAsync();
        await LeftAsync(view, a[1]);
        var after = await HostsAsync(view);
        var others = b.Select(worker => worker.Node.Authority).ToHashSet();
        var moved = before.Where(host => host.Value == second).Select(host => host.Key).ToList();
        Assert.NotEmpty(moved);
        Assert.All(moved, room => Assert.Contains(after[room], others));

        foreach (var worker in b)
        {
            await worker.KillAsync();
            await LeftAsync(view, worker);
        }

        Assert.All((await HostsAsync(view)).Values, host => Assert.Equal(a[2].Node.Authority, host));
        await SendAsync(client, crowd, seq: 1);
    }

    /// <summary>
    /// Three workers in zone a, two in zone b. Rooms stay where they are, but for deaths: nothing is evened out. Those that a full machine holds up are not taken
    /// for missing, as rooms would then go to whoever is heard.
    /// </summary>
    private static async Task<ClusterUnderTest> StartAsync()
    {
        var cluster = await ClusterUnderTest.StartAsync(workers: 0, coordinator: ["--moves-per-second", "0", "--worker-silence-ms", "60000"]);
        try
        {
            foreach (var zone in (string[])["a", "a", "a", "b", "b"])
            {
                await cluster.AddWorkerAsync(flags: ["--label", $"zone={zone}"]);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static ServerProcess[] Zone(ClusterUnderTest cluster, string zone) => zone == "a" ? [.. cluster.Workers[..3]] : [.. cluster.Workers[3..]];

    /// <summary>Each worker gets as many rooms as the others.</summary>
    private static async Task SpreadAsync(HttpClient http, Crowd crowd, ServerProcess[] workers)
    {
        for (var i = 0; i < crowd.Rooms.Count; i++)
        {
            await ClusterCalls.MoveAsync(http, crowd.Rooms[i].Room, await ClusterCalls.IdOfAsync(workers[i % workers.Length]));
        }
    }

    private static Task LeftAsync(ClusterView view, ServerProcess worker) =>
        Eventually.Holds(async () => await view.HostsAsync() is { } hosts && hosts.Values.All(host => host.Length > 0 && host != worker.Node.Authority));

    private static async Task<IReadOnlyDictionary<string, string>> HostsAsync(ClusterView view)
    {
        IReadOnlyDictionary<string, string>? hosts = null;
        await Eventually.Holds(async () => (hosts = await view.HostsAsync()) is not null);
        return hosts!;
    }

    private static async Task SendAsync(HubProbe client, Crowd crowd, long seq)
    {
        foreach (var room in crowd.Rooms)
        {
            Assert.Equal(seq, await ClusterCalls.SendAsync(client, room.Room, $"c{seq}", "still here"));
        }
    }
}
