using System.Net;
using System.Net.Http.Json;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>The cluster as its administrator sees it, by whichever worker answers.</summary>
internal sealed class ClusterView(ClusterUnderTest cluster) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly HttpClient _http = new() { Timeout = Patience };
    private string? _token;

    /// <summary>Each room's host, by its node address; null where no worker that was asked could tell.</summary>
    public async Task<IReadOnlyDictionary<string, string>?> HostsAsync() =>
        await GetAsync<AdminRooms>("api/admin/rooms?limit=200") is { } rooms && await StatusAsync() is { } status
            ? rooms.Rooms.ToDictionary(room => room.Id, room => status.Workers.FirstOrDefault(worker => worker.Id == room.Worker)?.Address ?? "", StringComparer.Ordinal)
            : null;

    /// <summary>Null where no worker that was asked could tell.</summary>
    public Task<ClusterStatus?> StatusAsync() => GetAsync<ClusterStatus>("api/admin/status");

    /// <summary>What is not as it is in a healthy cluster; null: nothing.</summary>
    public async Task<string?> ComplaintAsync()
    {
        if (await StatusAsync() is not { } status || await GetAsync<AdminRooms>("api/admin/rooms?limit=200") is not { } rooms)
        {
            return "nobody can tell how the cluster is";
        }

        var own = cluster.Workers.Select(worker => worker.Node.Authority).ToHashSet(StringComparer.Ordinal); // There may be gateways of tests beside them.
        var active = status.Workers.Where(worker => worker.State == "active" && own.Contains(worker.Address)).ToList();
        var homeless = rooms.Rooms.Where(room => active.All(worker => worker.Id != room.Worker)).ToList();
        return active.Count != cluster.Workers.Count ? $"{active.Count} of {cluster.Workers.Count} workers are active"
            : status.Coordinators is { } coordinators && coordinators.Count != cluster.CoordinatorNodes.Count ? $"{coordinators.Count} of {cluster.CoordinatorNodes.Count} coordinators take part"
            : homeless.Count > 0 ? $"room {homeless[0].Id} is on {homeless[0].Worker ?? "no worker"}, which is not active"
            : active.Find(worker => worker.StoreError is not null || worker.Unreachable is not null || worker.Lag is not 0) is { } ill ? $"{ill}"
            : null;
    }

    public void Dispose() => _http.Dispose();

    private async Task<T?> GetAsync<T>(string path)
        where T : class
    {
        foreach (var worker in cluster.Workers.Where(worker => worker.IsRunning).OrderBy(_ => Random.Shared.Next()))
        {
            try
            {
                if (_token is null)
                {
                    using var login = await _http.PostAsJsonAsync(new Uri(worker.Client, "api/login"), new LoginRequest("admin", ClusterUnderTest.AdminPassword));
                    _token = login.IsSuccessStatusCode ? (await login.Content.ReadFromJsonAsync<TokenAnswer>())!.AccessToken : null;
                }

                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(worker.Client, path)) { Headers = { Authorization = new("Bearer", _token) } };
                using var answer = await _http.SendAsync(request);
                if (answer.IsSuccessStatusCode)
                {
                    return await answer.Content.ReadFromJsonAsync<T>();
                }

                _token = answer.StatusCode == HttpStatusCode.Unauthorized ? null : _token;
            }
            catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
            {
                // The next one.
            }
        }

        return null;
    }
}
