using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Registries;

/// <summary>Clients of one worker that join public rooms, one join after the other at a rate.</summary>
internal sealed class JoiningCrowd : IAsyncDisposable
{
    private const int Clients = 50;
    private const int JoinsPerSecond = 100;
    private const int Seed = 2;
    private static readonly TimeSpan RoomsLimit = TimeSpan.FromSeconds(60);

    private readonly List<HubProbe> _clients = [];
    private readonly List<Join> _joins = [];
    private readonly Random _random = new(Seed);
    private readonly int _rooms;

    private JoiningCrowd(int rooms) => _rooms = rooms;

    /// <summary>All joins so far.</summary>
    public IReadOnlyList<Join> Joins => _joins;

    public void Forget()
    {
        lock (_joins)
        {
            _joins.Clear();
        }
    }

    public static async Task<JoiningCrowd> ConnectAsync(ServerProcess worker, int rooms)
    {
        using var http = worker.CreateHttpClient();
        var admin = await PostAsync<TokenAnswer>(http, "/api/login", new LoginRequest("admin", ClusterUnderTest.AdminPassword));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", admin.AccessToken);
        await Eventually.Holds(
            async () => (await http.GetFromJsonAsync<ClusterStatus>("/api/admin/status"))!.Workers.Sum(each => each.Rooms) == rooms, RoomsLimit, "every room has a host");
        var made = await PostAsync<BulkUsersAnswer>(http, "/api/admin/users/bulk", new BulkUsersRequest("joins-", Clients));
        var crowd = new JoiningCrowd(rooms);
        foreach (var user in made.Users)
        {
            var client = await HubProbe.ConnectAsync(worker.Client, user.AccessToken);
            crowd._clients.Add(client);
            await client.CallAsync(HubMethods.Sync, new { });
        }

        return crowd;
    }

    /// <summary>Joins a room that the client is not in, at every tick, until told; each client one at a time.</summary>
    public async Task RunAsync(Func<bool> enough)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / JoinsPerSecond));
        var open = new Task[_clients.Count];
        Array.Fill(open, Task.CompletedTask);
        for (var turn = 0; !enough() && await timer.WaitForNextTickAsync(); turn++)
        {
            var client = turn % _clients.Count;
            if (open[client].IsCompleted)
            {
                await open[client];
                open[client] = JoinAsync(_clients[client]);
            }
        }

        await Task.WhenAll(open);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }
    }

    private static async Task<T> PostAsync<T>(HttpClient http, string path, object request)
    {
        using var answer = await http.PostAsJsonAsync(path, request);
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<T>())!;
    }

    private async Task JoinAsync(HubProbe client)
    {
        var room = RegistryGenerator.RoomIdOf(_random.Next(_rooms));
        var began = Stopwatch.GetTimestamp();
        await client.CallAsync(HubMethods.JoinRoom, new { room });
        lock (_joins)
        {
            _joins.Add(new Join(began, Stopwatch.GetTimestamp()));
        }
    }
}

/// <summary>In ticks of <see cref="Stopwatch"/>.</summary>
internal readonly record struct Join(long Began, long Ended)
{
    public double Milliseconds => Stopwatch.GetElapsedTime(Began, Ended).TotalMilliseconds;
}
