using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>Coordinators, workers and a PostgreSQL that waits for its disk, as processes, with what an administrator does to them.</summary>
internal sealed class MeasuredCluster : IAsyncDisposable
{
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(30);

    /// <summary>Below the life of an access token.</summary>
    private static readonly TimeSpan SignInEvery = TimeSpan.FromMinutes(3);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly Dictionary<ServerProcess, string> _ids = [];
    private DateTime _signedInAt;

    private MeasuredCluster(ClusterUnderTest cluster) => Cluster = cluster;

    public ClusterUnderTest Cluster { get; }

    public IReadOnlyList<ServerProcess> Workers => Cluster.Workers;

    public static async Task<MeasuredCluster> StartAsync(int workers, int coordinators = 1, bool ownMembers = false, bool ownHosts = false)
    {
        var cluster = await ClusterUnderTest.StartAsync(workers, durable: true, coordinators: coordinators, ownMembers: ownMembers, ownHosts: ownHosts);
        var measured = new MeasuredCluster(cluster);
        foreach (var server in cluster.Workers.Concat(cluster.CoordinatorNodes))
        {
            server.Log.ExpectErrors(".*"); // What dies is missed loudly; what counts is what clients see.
        }

        foreach (var worker in cluster.Workers)
        {
            var info = await measured._http.GetFromJsonAsync<JsonNode>(new Uri(worker.Client, "api/info"));
            measured._ids[worker] = (string)info!["worker"]!;
        }

        return measured;
    }

    /// <summary>Where processes have hosts of their own: the addresses of all the others, and of the clients.</summary>
    public IEnumerable<string> EverybodyBut(ServerProcess worker) => [Cluster.Network!.Address, .. Cluster.Network.Hosts.Where(host => host != worker.Host).Select(host => host.Address)];

    public async Task<ServerProcess> HostOfAsync(string room, ServerProcess askedAt)
    {
        var id = (string?)(await AskAsync(askedAt, HttpMethod.Get, $"api/admin/rooms/{room}"))?["worker"];
        return Workers.First(worker => _ids[worker] == id);
    }

    /// <summary>Gives rooms to a worker, and waits until it has them.</summary>
    public async Task MoveAsync(IEnumerable<string> rooms, ServerProcess worker)
    {
        foreach (var room in rooms)
        {
            await AskAsync(worker, HttpMethod.Post, $"api/admin/rooms/{room}/move", new { worker = _ids[worker] });
            await Eventually.Holds(async () => await HostOfAsync(room, worker) == worker, SettleLimit);
        }
    }

    public Task DrainAsync(ServerProcess worker) => AskAsync(worker, HttpMethod.Post, $"api/admin/workers/{_ids[worker]}/drain");

    /// <summary>The coordinator that leads, as the workers see it.</summary>
    public async Task<ServerProcess> LeaderAsync()
    {
        var leader = (string)(await AskAsync(Workers[0], HttpMethod.Get, "api/admin/status"))!["leader"]!;
        return Cluster.CoordinatorNodes.First(node => node.Node.Authority == leader);
    }

    /// <summary>Waits until every worker takes part and knows the whole registry, and every coordinator leads or stands by.</summary>
    public Task SettleAsync() => Eventually.Holds(
        async () =>
        {
            try
            {
                var status = await AskAsync(Workers[0], HttpMethod.Get, "api/admin/status");
                return status!["coordinators"]!.AsArray().Count == Cluster.CoordinatorNodes.Count
                    && status["workers"]!.AsArray().Count(worker => (string)worker!["state"]! == "active" && (long?)worker["lag"] < 10) == Workers.Count;
            }
            catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
            {
                return false; // The coordinator, or the worker that is asked, is only coming.
            }
        },
        SettleLimit);

    /// <returns>The administrator's access token.</returns>
    public async Task<string> SignInAsync(ServerProcess worker)
    {
        if (DateTime.UtcNow - _signedInAt > SignInEvery)
        {
            using var login = await _http.PostAsJsonAsync(new Uri(worker.Client, "api/login"), new { user = "admin", password = ClusterUnderTest.AdminPassword });
            var token = (string)(await login.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!;
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            _signedInAt = DateTime.UtcNow;
        }

        return _http.DefaultRequestHeaders.Authorization!.Parameter!;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Cluster.DisposeAsync();
    }

    private async Task<JsonNode?> AskAsync(ServerProcess worker, HttpMethod method, string path, object? body = null)
    {
        await SignInAsync(worker);
        using var request = new HttpRequestMessage(method, new Uri(worker.Client, path)) { Content = body is null ? null : JsonContent.Create(body) };
        using var answer = await _http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return answer.StatusCode == System.Net.HttpStatusCode.NoContent ? null : await answer.Content.ReadFromJsonAsync<JsonNode>();
    }
}
