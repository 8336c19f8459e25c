using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

using static ClusterCalls;

/// <summary>A coordinator and workers as processes, as operators run them.</summary>
public sealed class ClusterTests
{
    [Fact]
    public async Task Anybody_chats_with_anybody_whatever_worker_each_is_connected_to()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 3);
        using var http = cluster.Workers[0].CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 3);
        var probes = new List<HubProbe>();
        try
        {
            for (var i = 0; i < cluster.Workers.Count; i++)
            {
                probes.Add(await HubProbe.ConnectAsync(cluster.Workers[i].Client, crowd.Token(i)));
                await probes[i].CallAsync("subscribe", new { room = crowd.Room });
            }

            for (var i = 0; i < probes.Count; i++)
            {
                var sent = await probes[i].CallAsync("send", new { room = crowd.Room, clientId = $"c{i}", body = $"from worker {i}" });
                foreach (var probe in probes)
                {
                    await probe.NextAsync("events", e => e["events"]!.AsArray().Any(change => (long)change!["message"]!["seq"]! == (long)sent!["seq"]!));
                }
            }
        }
        finally
        {
            foreach (var probe in probes)
            {
                await probe.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_killed_worker_costs_a_pause_and_a_restarted_coordinator_not_even_that()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2);
        var (gateway, host) = (cluster.Workers[0], cluster.Workers[1]);
        using var http = gateway.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 1);
        await MoveAsync(http, crowd.Room, await IdOfAsync(host));
        await using var probe = await HubProbe.ConnectAsync(gateway.Client, crowd.Token(0));
        Assert.Equal(1, await SendAsync(probe, crowd.Room, "1", "before"));

        await cluster.Coordinator.KillAsync();
        Assert.Equal(2, await SendAsync(probe, crowd.Room, "2", "without a coordinator"));
        await cluster.Coordinator.RestartAsync();
        Assert.Equal(3, await SendAsync(probe, crowd.Room, "3", "with one again"));
        await Eventually.Holds(async () => (await StatusAsync(http))?["workers"]!.AsArray().All(worker => (string)worker!["state"]! == "active" && worker["lag"] is not null) is true);

        await host.KillAsync();
        cluster.Workers.Remove(host);
        Assert.Equal(4, await SendAsync(probe, crowd.Room, "4", "after its host died"));
        Assert.Equal(4, await SendAsync(probe, crowd.Room, "4", "after its host died"));
    }

    [Fact]
    public async Task A_frozen_host_that_wakes_when_its_rooms_have_moved_serves_nobody_wrongly()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2, ["--worker-silence-ms", "2500"]);
        var (gateway, host) = (cluster.Workers[0], cluster.Workers[1]);
        using var http = gateway.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 2);
        await MoveAsync(http, crowd.Room, await IdOfAsync(host));
        await using var here = await HubProbe.ConnectAsync(gateway.Client, crowd.Token(0));
        await using var there = await HubProbe.ConnectAsync(host.Client, crowd.Token(1));
        Assert.Equal(1, await SendAsync(there, crowd.Room, "1", "one"));

        host.Freeze();
        Assert.Equal(2, await SendAsync(here, crowd.Room, "2", "while it is frozen"));
        host.Thaw();

        // Whether its connection outlived the freeze or not: what it answers is the next in the one order.
        await using var again = await HubProbe.ConnectAsync(host.Client, crowd.Token(1));
        var third = await SendAsync(again, crowd.Room, "3", "awake");
        Assert.Equal(3, third);
        var history = (await here.CallAsync("history", new { room = crowd.Room }))!["messages"]!.AsArray();
        Assert.Equal(["1", "2", "3"], history.Select(message => (string)message!["clientId"]!));
    }

    [Fact]
    public async Task A_drained_worker_gives_its_rooms_away_and_exits_with_0_while_sends_go_on()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2);
        var (gateway, host) = (cluster.Workers[0], cluster.Workers[1]);
        using var http = gateway.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 1);
        await MoveAsync(http, crowd.Room, await IdOfAsync(host));
        await using var probe = await HubProbe.ConnectAsync(gateway.Client, crowd.Token(0));
        var sent = 0;
        var stopped = host.TerminateAsync();
        while (!stopped.IsCompleted || sent < 20)
        {
            sent++;
            Assert.Equal(sent, (long)(await probe.CallAsync("send", new { room = crowd.Room, clientId = $"c{sent}", body = "meanwhile" }))!["seq"]!);
        }

        Assert.Equal(0, await stopped);
        cluster.Workers.Remove(host);
    }

    [Fact]
    public async Task Who_stops_while_no_coordinator_is_there_says_that_it_gave_nothing_away()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2);
        var host = cluster.Workers[1];
        using var http = cluster.Workers[0].CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 1);
        await MoveAsync(http, crowd.Room, await IdOfAsync(host));
        await cluster.Coordinator.KillAsync();
        Assert.Equal(0, await host.TerminateAsync());
        Assert.Contains(host.Log.Lines, line => line.Contains("gave no room away, as no coordinator took the request", StringComparison.Ordinal)
            && line.Contains("rooms stay here", StringComparison.Ordinal) && line.Contains("warn", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Log.Lines, line => line.Contains("gave its rooms away", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_does_not_belong_to_the_cluster_is_refused_and_told_why()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 1);
        using var folder = new TemporaryFolder();
        var wrong = folder["secret"];
        DChat.Storage.Files.PrivateFile.Create(wrong, System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(new byte[32])));
        string[] flags = ["--mode", "worker", "--coordinators", cluster.Coordinators, "--store", cluster.Store!, "--blobs", $"file:{folder["blobs"]}", "--port", "0"];

        // Both bear it for a while.
        var strange = ServerProcess.RunAsync([.. flags, "--data", folder["a"], "--node-port", $"{FreePort.Next()}", "--cluster-secret-file", wrong]);
        var (code, _, said) = await ServerProcess.RunAsync(
            [.. flags, "--data", folder["b"], "--node-port", $"{FreePort.Next()}", "--cluster-secret-file", cluster.SecretFile, "--advertise", $"127.0.0.1:{cluster.Workers[0].Node.Port}"]);
        Assert.Equal(1, code);
        Assert.Contains("has the address", said);
        (code, _, said) = await strange;
        Assert.Equal(1, code);
        Assert.Contains("the cluster secrets differ", said);
        await Eventually.Holds(() => cluster.Coordinator.Log.Lines.Any(line => line.Contains("the cluster secrets differ", StringComparison.Ordinal)));

        // And no user's token opens the nodes' door, nor does the nodes' door know the users' API.
        using var node = new HttpClient { BaseAddress = cluster.Workers[0].Node };
        Assert.Equal(HttpStatusCode.NotFound, (await node.GetAsync("api/info")).StatusCode);
        using var client = cluster.Workers[0].CreateHttpClient();
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("node")).StatusCode);
    }

    [Fact]
    public async Task A_new_worker_waits_for_approval_where_that_is_asked_for()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 1);
        await cluster.Coordinator.TerminateAsync();
        await cluster.Coordinator.RestartAsync(["--admission", "approve"]);
        using var http = cluster.Workers[0].CreateHttpClient();
        await SignInAsync(http);
        var starting = cluster.AddWorkerAsync();
        string? pending = null;
        await Eventually.Holds(async () => (pending = (string?)(await StatusAsync(http))?["workers"]!.AsArray().FirstOrDefault(worker => (string)worker!["state"]! == "pending")?["id"]) is not null);
        Assert.False(starting.IsCompleted);
        (await http.PostAsync($"api/admin/workers/{pending}/approve", null)).EnsureSuccessStatusCode();
        await starting.Within();
    }
}
