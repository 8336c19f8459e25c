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
        await using var chat = await OngoingChat.StartAsync(crowd, user => cluster.Workers[user % cluster.Workers.Count]);
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
        await using var chat = await OngoingChat.StartAsync(crowd, user => cluster.Workers[user % cluster.Workers.Count]);
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
}
