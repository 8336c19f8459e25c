using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary><c>worker remove</c>, as operators have it.</summary>
public sealed class WorkerRemovalTests
{
    private static readonly Dictionary<string, string> Environment = new() { ["DCHAT_ADMIN_PASSWORD"] = ClusterUnderTest.AdminPassword };

    [Fact]
    public async Task One_that_lives_is_kept_and_one_that_died_is_forgotten_and_asks_anew_when_it_comes_back()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 3);
        var (asked, dies) = (cluster.Workers[0], cluster.Workers[2]);
        using var http = asked.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 1, rooms: 3);
        await using var client = await HubProbe.ConnectAsync(asked.Client, crowd.Token(0));
        var id = await ClusterCalls.IdOfAsync(dies);
        foreach (var room in crowd.Rooms)
        {
            await DoAsync(asked, "room", "move", room.Room, id);
        }

        var (code, _, error) = await RunAsync(asked, "worker", "remove", id);
        Assert.Equal(1, code);
        Assert.Contains($"The worker {id} is active: stop it first, or drain it.", error, StringComparison.Ordinal);
        await SendAsync(client, crowd, "is still its host");
        Assert.Equal(id, (string?)(await ShowAsync(asked, "room", "show", crowd.Room))["worker"]);

        await dies.KillAsync();
        await Eventually.Holds(async () => await FindAsync(asked, id) is { } worker && (string)worker["state"]! == "gone" && (int)worker["rooms"]! == 0);
        Assert.Contains($"{id} removed", await DoAsync(asked, "worker", "remove", id), StringComparison.Ordinal);
        Assert.DoesNotContain(id, await DoAsync(asked, "worker", "list"), StringComparison.Ordinal);
        Assert.DoesNotContain(id, await DoAsync(asked, "status"), StringComparison.Ordinal);
        string[] left = [await ClusterCalls.IdOfAsync(asked), await ClusterCalls.IdOfAsync(cluster.Workers[1])];
        Assert.All((await ShowAsync(asked, "room", "list"))["rooms"]!.AsArray(), room => Assert.Contains((string?)room!["worker"], left));
        await SendAsync(client, crowd, "has another host");
        Assert.Contains((await ShowAsync(asked, "audit"))["entries"]!.AsArray(), entry => (string)entry!["action"]! == "removeWorker" && (string)entry["actor"]! == "admin" && (string)entry["subject"]! == id);
        (code, _, error) = await RunAsync(asked, "worker", "remove", id);
        Assert.Equal(1, code);
        Assert.Contains($"There is no worker {id}", error, StringComparison.Ordinal);

        await cluster.Coordinator.TerminateAsync();
        await cluster.Coordinator.RestartAsync("--admission", "approve");
        var returning = dies.RestartAsync();
        await Eventually.Holds(async () => await FindAsync(asked, id) is { } worker && (string)worker["state"]! == "pending");
        await dies.SaysAsync("waiting for an administrator's approval", id);
        Assert.False(returning.IsCompleted);
        await DoAsync(asked, "worker", "approve", id);
        await returning.Within();
        await DoAsync(asked, "room", "move", crowd.Room, id);
        await SendAsync(client, crowd, "is its host again");
        Assert.Equal(id, (string?)(await ShowAsync(asked, "room", "show", crowd.Room))["worker"]);
    }

    private static Task<(int Code, string Output, string Error)> RunAsync(ServerProcess worker, params string[] verb) =>
        ServerProcess.RunAsync([.. verb, "--server", worker.Client.ToString()], Environment);

    /// <summary>A verb that succeeds, and what it prints.</summary>
    private static async Task<string> DoAsync(ServerProcess worker, params string[] verb)
    {
        var (code, output, error) = await RunAsync(worker, verb);
        Assert.True(code == 0, $"{string.Join(' ', verb)} ended with {code}: {error}");
        return output;
    }

    private static async Task<JsonNode> ShowAsync(ServerProcess worker, params string[] verb) => JsonNode.Parse(await DoAsync(worker, [.. verb, "--json"]))!;

    /// <summary>A worker as <c>status</c> shows it; null where it does not, or no coordinator can be asked at the moment.</summary>
    private static async Task<JsonNode?> FindAsync(ServerProcess worker, string id)
    {
        var (code, output, _) = await RunAsync(worker, "status", "--json");
        return code == 0 ? JsonNode.Parse(output)!["workers"]!.AsArray().FirstOrDefault(other => (string)other!["id"]! == id) : null;
    }

    /// <summary>Sends into each room. While it moves it may be unavailable, as everywhere: then again.</summary>
    private static async Task SendAsync(HubProbe client, Crowd crowd, string body)
    {
        foreach (var room in crowd.Rooms)
        {
            await ClusterCalls.SendAsync(client, room.Room, body, body);
        }
    }
}
