using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.Cluster.Tests.Cluster;
using DChat.Cluster.Tests.Upgrade;
using DChat.Protocol;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Leaders;

/// <summary>All coordinators of a cluster are gone at once, and the etcd that each of them runs with it.</summary>
public sealed class WithoutCoordinatorsTests(ITestOutputHelper output)
{
    private const string Password = "a long and good password";

    /// <summary>How long at least.</summary>
    private static readonly TimeSpan Away = LongTests.Pick(TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(5));

    [Fact]
    public async Task Running_rooms_chat_on_registration_is_unavailable_and_all_heals_by_itself()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2, worker: ["--limits-registrations-per-address", "0"], coordinators: 3, ownMembers: true);
        await WholeAsync(cluster);
        using var chat = ChatLoad.Start(cluster, Seed.Print(output));
        await chat.GoesOnAsync();
        var newcomers = new Newcomers(cluster);
        await newcomers.ComeAsync();

        var (gone, refused) = (Stopwatch.GetTimestamp(), 0);
        await Task.WhenAll(cluster.CoordinatorNodes.Select(node => node.KillAsync()));
        do
        {
            await Task.WhenAll(cluster.Workers.Select((worker, i) => AssertUnavailableAsync(worker, $"late{refused + i}")));
            refused += cluster.Workers.Count;
            await chat.GoesOnAsync();
        }
        while (Stopwatch.GetElapsedTime(gone) < Away);

        await Task.WhenAll(cluster.CoordinatorNodes.Select(node => node.RestartAsync())); // Nothing else is done for the cluster.
        await WholeAsync(cluster);
        await newcomers.ComeAsync();
        await chat.GoesOnAsync();
        var report = await chat.EndAsync();
        output.WriteLine($"gone for {Stopwatch.GetElapsedTime(gone).TotalSeconds:0} s, {refused} registrations were answered unavailable; {report["acknowledged"]} sends acknowledged");
        Assert.Equal((0, 0, 0), ((int)report["heldBack"]!, (int)report["repeated"]!, (int)report["reconnects"]!));
    }

    private static async Task WholeAsync(ClusterUnderTest cluster)
    {
        using var sight = await LeaderSight.OpenAsync(cluster, cluster.Workers[0]);
        await sight.WholeAsync(standbys: 2);
    }

    /// <summary>Who has an account signs in; who has none does not get one now, and is told so.</summary>
    private static async Task AssertUnavailableAsync(ServerProcess worker, string user)
    {
        using var http = worker.CreateHttpClient();
        using var registered = await http.PostAsJsonAsync("api/register", new RegisterRequest(user, Password));
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, ErrorCodes.Unavailable), (registered.StatusCode, (string?)(await registered.Content.ReadFromJsonAsync<JsonNode>())!["code"]));
        using var login = await http.PostAsJsonAsync("api/login", new LoginRequest("admin", ClusterUnderTest.AdminPassword));
        Assert.Equal(HttpStatusCode.OK, login.StatusCode);
    }
}
