using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary>What a worker that was told to stop does until it has: by a signal, as systemd gives it.</summary>
public sealed partial class DrainingTests
{
    [Fact]
    public async Task While_its_rooms_move_a_worker_is_not_ready_and_serves_whoever_comes_all_the_same()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2, worker: ["--drain-seconds", "60"]);
        var (stays, leaves) = (cluster.Workers[0], cluster.Workers[1]);
        var crowd = await CrowdOnAsync(cluster, leaves);
        using var http = leaves.CreateHttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", crowd.Token(0));
        http.DefaultRequestHeaders.ConnectionClose = true; // Each comes anew, as by a balancer.
        await using var before = await HubProbe.ConnectAsync(leaves.Client, crowd.Token(0));

        cluster.Coordinator.Freeze(); // No room moves until it wakes.
        var stopped = leaves.TerminateAsync();
        try
        {
            await Eventually.Holds(async () => await ReadyAsync(http) == HttpStatusCode.ServiceUnavailable);
            await using var after = await HubProbe.ConnectAsync(leaves.Client, crowd.Token(1));
            await SendAsync(after, crowd.Room, "came while it drains");
            await SendAsync(before, crowd.Room, "was there before");
            using var sent = await http.PostAsJsonAsync($"api/rooms/{crowd.Room}/messages", new { body = "by HTTP" });
            Assert.True(sent.IsSuccessStatusCode, await sent.Content.ReadAsStringAsync());
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await ReadyAsync(http));
        }
        finally
        {
            cluster.Coordinator.Thaw();
            cluster.Workers.Remove(leaves);
        }

        Assert.Equal(0, await stopped);
        await using var elsewhere = await HubProbe.ConnectAsync(stays.Client, crowd.Token(0));
        var history = (await elsewhere.CallAsync("history", new { room = crowd.Room }))!["messages"]!.AsArray();
        Assert.Equal(3, history.Count(message => (string)message!["kind"]! == "text"));
    }

    [Fact]
    public async Task A_stop_takes_no_longer_than_it_may_though_no_coordinator_answers_and_a_client_stays()
    {
        const int Seconds = 2;
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2, worker: ["--drain-seconds", $"{Seconds}"]);
        var leaves = cluster.Workers[1];
        var crowd = await CrowdOnAsync(cluster, leaves);
        await using var client = await HubProbe.ConnectAsync(leaves.Client, crowd.Token(0));
        await SendAsync(client, crowd.Room, "here I am, and here I stay");
        await cluster.Coordinator.KillAsync();
        var started = Stopwatch.GetTimestamp();
        Assert.Equal(0, await leaves.TerminateAsync());
        var took = Stopwatch.GetElapsedTime(started);
        cluster.Workers.Remove(leaves);

        // By itself an answer is waited for 5 s, and then for 5 s at least that the client goes. The process has to end, too.
        var waited = Assert.Single(leaves.Log.Lines.Select(line => NotDrained().Match(line)), match => match.Success).Groups["ms"].Value;
        Assert.InRange(int.Parse(waited, CultureInfo.InvariantCulture), 0, Seconds * 1_000);
        Assert.InRange(took.TotalSeconds, 0, Seconds + 5);
        await client.Closed.Within();
        Assert.Contains("\"allowReconnect\":true", client.CloseRecord, StringComparison.Ordinal); // It was not just cut off.
    }

    [Fact]
    public async Task A_stop_takes_no_longer_than_it_may_though_the_store_does_not_answer()
    {
        const int Seconds = 2;
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2, worker: ["--drain-seconds", $"{Seconds}"]);
        var leaves = cluster.Workers[1];
        var crowd = await CrowdOnAsync(cluster, leaves);
        await using var client = await HubProbe.ConnectAsync(leaves.Client, crowd.Token(0));
        await SendAsync(client, crowd.Room, "before");
        cluster.Postgres!.Freeze();
        try
        {
            var sending = SendAsync(client, crowd.Room, "under way");
            Assert.Equal(0, await leaves.TerminateAsync());
            await leaves.SaysAsync("ends though not all of it is closed", $"{Seconds} s");
            await Assert.ThrowsAsync<HubCallFailedException>(() => sending.Within());
        }
        finally
        {
            cluster.Postgres.Thaw();
            cluster.Workers.Remove(leaves);
        }
    }

    /// <summary>Two users, and their room on a worker.</summary>
    private static async Task<Crowd> CrowdOnAsync(ClusterUnderTest cluster, ServerProcess worker)
    {
        using var http = cluster.Workers[0].CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 2);
        var id = (string)(await http.GetFromJsonAsync<JsonNode>(new Uri(worker.Client, "api/info")))!["worker"]!;
        using var login = await http.PostAsJsonAsync("api/login", new { user = "admin", password = ClusterUnderTest.AdminPassword });
        http.DefaultRequestHeaders.Authorization = new("Bearer", (string)(await login.Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!);
        (await http.PostAsJsonAsync($"api/admin/rooms/{crowd.Room}/move", new { worker = id })).EnsureSuccessStatusCode();
        return crowd;
    }

    private static async Task<HttpStatusCode> ReadyAsync(HttpClient http)
    {
        using var answer = await http.GetAsync("health/ready");
        return answer.StatusCode;
    }

    private static Task<JsonNode?> SendAsync(HubProbe probe, string room, string body) => probe.CallAsync("send", new { room, clientId = Guid.NewGuid().ToString("N"), body });

    [GeneratedRegex(@" warn: .*gave no room away, as no coordinator took the request within (?<ms>\d+) ms", RegexOptions.CultureInvariant)]
    private static partial Regex NotDrained();
}
