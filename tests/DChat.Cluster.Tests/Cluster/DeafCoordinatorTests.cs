using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary>
/// A coordinator that hears no worker for longer than silence is borne, because of itself or its network: workers that live keep their rooms,
/// and those that died lose them all the same.
/// </summary>
public sealed class DeafCoordinatorTests
{
    private const int Workers = 3;

    [Fact]
    public async Task A_coordinator_that_is_cut_off_from_all_workers_buries_none()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(Workers, ownHosts: true);
        var coordinator = cluster.Coordinator;
        await coordinator.Host!.CutAsync(cluster.Workers.Select(worker => worker.Host!.Address));
        await Eventually.Holds(() => Said(coordinator, "none of 3 workers is heard") && cluster.Workers.TrueForAll(HasNoCoordinator));
        await coordinator.Host.HealAsync();
        await AllAreBackAsync(cluster);
    }

    [Fact]
    public async Task A_coordinator_that_was_frozen_buries_none()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(Workers);
        cluster.Coordinator.Freeze();
        await Eventually.Holds(() => cluster.Workers.TrueForAll(HasNoCoordinator));
        cluster.Coordinator.Thaw();
        await AllAreBackAsync(cluster);
        await cluster.Coordinator.SaysAsync("this coordinator was held up for");
    }

    [Fact]
    public async Task The_only_worker_is_buried_when_it_is_killed()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 1);
        await cluster.Workers[0].KillAsync();
        cluster.Workers.Clear();
        await Eventually.Holds(() => Said(cluster.Coordinator, " is gone: its connection closed"));
    }

    [Fact]
    public async Task When_all_workers_are_killed_together_and_one_comes_back_it_serves_the_rooms_of_the_others()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2);
        var (back, dead) = (cluster.Workers[0], cluster.Workers[1]);
        using var http = back.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 1);
        using var other = dead.CreateHttpClient();
        var id = (string)(await other.GetFromJsonAsync<JsonNode>("api/info"))!["worker"]!;
        http.DefaultRequestHeaders.Authorization = new("Bearer", await AdminTokenAsync(http));
        (await http.PostAsJsonAsync($"api/admin/rooms/{crowd.Room}/move", new { worker = id })).EnsureSuccessStatusCode();

        await Task.WhenAll(back.KillAsync(), dead.KillAsync());
        cluster.Workers.Remove(dead);
        await Eventually.Holds(() => Said(cluster.Coordinator, "none of 2 workers is heard") || Said(cluster.Coordinator, " is gone: "));
        await back.RestartAsync();
        await Eventually.Holds(() => Said(cluster.Coordinator, $"worker {id} at 127.0.0.1:{dead.Node.Port} with 1 rooms is gone"));
        await using var probe = await HubProbe.ConnectAsync(back.Client, crowd.Token(0));
        Assert.Equal(1, (long)(await probe.CallAsync("send", new { room = crowd.Room, clientId = "1", body = "all is well" }))!["seq"]!);
    }

    private static async Task<string> AdminTokenAsync(HttpClient http)
    {
        var login = await http.PostAsJsonAsync("api/login", new { user = "admin", password = ClusterUnderTest.AdminPassword });
        return (string)(await login.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!;
    }

    private static async Task AllAreBackAsync(ClusterUnderTest cluster)
    {
        await Eventually.Holds(() => cluster.Coordinator.Log.Lines.Count(line => line.Contains(" takes part with epoch ", StringComparison.Ordinal)) == 2 * Workers);
        Assert.False(Said(cluster.Coordinator, " is gone: "), cluster.Coordinator.Log.ToString());
    }

    private static bool HasNoCoordinator(ServerProcess worker) => Said(worker, "the link to the leader at");

    private static bool Said(ServerProcess process, string what) => process.Log.Lines.Any(line => line.Contains(what, StringComparison.Ordinal));
}
