using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Leaders;

/// <summary>Who leads a cluster of several coordinators, as an administrator sees it over any worker.</summary>
internal sealed class LeaderSight : IDisposable
{
    private readonly ClusterUnderTest _cluster;
    private readonly HttpClient _http;

    private LeaderSight(ClusterUnderTest cluster, HttpClient http) => (_cluster, _http) = (cluster, http);

    public HttpClient Http => _http;

    public static async Task<LeaderSight> OpenAsync(ClusterUnderTest cluster, ServerProcess worker)
    {
        var http = worker.CreateHttpClient();
        var login = await http.PostAsJsonAsync("api/login", new { user = "admin", password = ClusterUnderTest.AdminPassword });
        http.DefaultRequestHeaders.Authorization = new("Bearer", (string)(await login.Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!);
        return new LeaderSight(cluster, http);
    }

    public async Task<JsonNode?> StatusAsync()
    {
        using var answer = await _http.GetAsync("api/admin/status");
        return answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<JsonNode>() : null;
    }

    public async Task<ServerProcess> LeaderAsync()
    {
        ServerProcess? leader = null;
        await Eventually.Holds(async () => (leader = await StatusAsync() is { } status
            ? _cluster.CoordinatorNodes.Find(node => node.Node.Authority == (string)status["leader"]!)
            : null) is not null);
        return leader!;
    }

    /// <summary>Another leads, every worker reports to it, and as many standbys follow as are wanted.</summary>
    public async Task<ServerProcess> NextLeaderAsync(ServerProcess before, int standbys)
    {
        await Eventually.Holds(async () => await LeaderAsync() != before);
        await WholeAsync(standbys);
        return await LeaderAsync();
    }

    /// <summary>Every worker reports to the leader, and as many standbys as are wanted have what was committed when this was asked.</summary>
    public async Task WholeAsync(int standbys)
    {
        var index = 0L;
        await Eventually.Holds(async () => (index = (long?)(await StatusAsync())?["index"] ?? 0) > 0);
        await Eventually.Holds(async () => await StatusAsync() is { } status
            && status["coordinators"]!.AsArray().Count(coordinator => (string)coordinator!["role"]! == "standby" && (long)status["index"]! - (long)coordinator["lag"]! >= index) == standbys
            && status["workers"]!.AsArray().Count(worker => (string)worker!["state"]! == "active" && worker["lag"] is not null) == _cluster.Workers.Count);
    }

    public void Dispose() => _http.Dispose();
}
