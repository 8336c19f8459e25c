using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary>What may happen to a cluster without a single call of anybody failing: the bare answers are looked at, nothing is repeated.</summary>
public sealed class UninterruptedTests
{
    private const int Users = 4;

    [Fact]
    public async Task No_send_fails_while_the_coordinator_is_killed_and_comes_back()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2);
        using var http = cluster.Workers[0].CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, Users, rooms: Users);
        await SignInAsync(http);
        await using var chat = await Chat.StartAsync(crowd, user => cluster.Workers[user % cluster.Workers.Count]);
        await chat.GoesOnAsync();
        await cluster.Coordinator.KillAsync();
        await chat.GoesOnAsync();
        await cluster.Coordinator.RestartAsync();
        await Eventually.Holds(async () => await ActiveWorkersAsync(http) == cluster.Workers.Count);
        await chat.GoesOnAsync();
        await chat.EndAsync();
    }

    [Theory]
    [InlineData("signal")]
    [InlineData("administrator")]
    public async Task No_call_fails_when_a_worker_is_drained_neither_of_its_clients_nor_of_others(string by)
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2);
        var (stays, leaves) = (cluster.Workers[0], cluster.Workers[1]);
        using var http = stays.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, Users, rooms: Users);
        await SignInAsync(http);
        var id = (string)(await http.GetFromJsonAsync<JsonNode>(new Uri(leaves.Client, "api/info")))!["worker"]!;
        await using var chat = await Chat.StartAsync(crowd, user => cluster.Workers[user % cluster.Workers.Count]);
        await chat.GoesOnAsync();
        if (by == "administrator")
        {
            (await http.PostAsync($"api/admin/workers/{id}/drain", null)).EnsureSuccessStatusCode();
        }

        Assert.Equal(0, await (by == "signal" ? leaves.TerminateAsync() : leaves.WaitForExitAsync()));
        cluster.Workers.Remove(leaves);
        await chat.GoesOnAsync();
        await chat.EndAsync();
    }

    private static async Task SignInAsync(HttpClient http)
    {
        var login = await http.PostAsJsonAsync("api/login", new { user = "admin", password = ClusterUnderTest.AdminPassword });
        http.DefaultRequestHeaders.Authorization = new("Bearer", (string)(await login.Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!);
    }

    private static async Task<int> ActiveWorkersAsync(HttpClient http)
    {
        using var answer = await http.GetAsync("api/admin/status");
        return answer.IsSuccessStatusCode
            ? (await answer.Content.ReadFromJsonAsync<JsonNode>())!["workers"]!.AsArray().Count(worker => (string)worker!["state"]! == "active" && worker["lag"] is not null)
            : 0;
    }

    /// <summary>Each user sends to each room in turn, one message after the other's answer, and goes on for as long as a worker that goes away asks for.</summary>
    private sealed class Chat : IAsyncDisposable
    {
        private readonly List<HubProbe> _probes = [];
        private readonly List<Task> _sending = [];
        private readonly Crowd _crowd;
        private readonly int[] _sent = new int[Users];
        private volatile bool _isOver;

        private Chat(Crowd crowd) => _crowd = crowd;

        public static async Task<Chat> StartAsync(Crowd crowd, Func<int, ServerProcess> workerOf)
        {
            var chat = new Chat(crowd);
            for (var user = 0; user < Users; user++)
            {
                var probe = await HubProbe.ConnectAsync(workerOf(user).Client, crowd.Token(user));
                chat._probes.Add(probe);
                await probe.CallAsync("sync", new { });
                chat._sending.Add(chat.SendAsync(user, probe));
            }

            return chat;
        }

        /// <summary>Waits until everybody who has not left was answered several times more; whose call failed makes this fail.</summary>
        public Task GoesOnAsync()
        {
            var wanted = _sent.Select(sent => sent + (2 * Users)).ToArray();
            return Eventually.Holds(async () =>
            {
                foreach (var failed in _sending.Where(sending => sending.IsFaulted))
                {
                    await failed;
                }

                return Enumerable.Range(0, Users).All(user => _sending[user].IsCompleted || Volatile.Read(ref _sent[user]) >= wanted[user]);
            });
        }

        public async Task EndAsync()
        {
            _isOver = true;
            await Task.WhenAll(_sending).Within();
        }

        public async ValueTask DisposeAsync()
        {
            _isOver = true;
            await Task.WhenAll(_sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var probe in _probes)
            {
                await probe.DisposeAsync();
            }
        }

        private async Task SendAsync(int user, HubProbe probe)
        {
            long? leavesAt = null;
            while (!_isOver)
            {
                if (probe.Untaken().FirstOrDefault(seen => seen.Name == "reconnect") is { } asked)
                {
                    leavesAt ??= Environment.TickCount64 + (long)asked.Argument["afterMs"]!;
                }

                if (Environment.TickCount64 >= leavesAt)
                {
                    await probe.DisposeAsync(); // All that it called is answered.
                    return;
                }

                var room = _crowd.Rooms[_sent[user] % _crowd.Rooms.Count].Room;
                await probe.CallAsync("send", new { room, clientId = $"c{_sent[user]}", body = "meanwhile" });
                Interlocked.Increment(ref _sent[user]);
            }
        }
    }
}
