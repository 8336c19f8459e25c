using System.Text.Json;
using DChat.Cluster.Tests.Chaos;
using DChat.Cluster.Tests.Leaders;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Upgrade;

/// <summary>The version before this one, and this one, side by side.</summary>
public sealed class RollingUpgradeTests(PreviousServer previous, ITestOutputHelper output) : IClassFixture<PreviousServer>
{
    /// <summary>Snapshots so often that this version starts from some of the one before; and rooms stay where they are but for what the test does.</summary>
    private static readonly string[] CoordinatorFlags = ["--snapshot-entries", "100", "--moves-per-second", "0"];

    /// <summary>Whether each coordinator runs an etcd of its own, which is renewed with it. An etcd that is there and that no upgrade concerns needs the long form.</summary>
    public static TheoryData<bool> OwnMembers => LongTests.Pick<TheoryData<bool>>([true], [true, false]);

    /// <summary>As <c>docs/operations.md</c> says: workers, coordinators that stand by, the leader.</summary>
    [Theory]
    [MemberData(nameof(OwnMembers))]
    public async Task Node_by_node_under_load_a_cluster_of_the_version_before_becomes_one_of_this_version_and_nothing_is_lost(bool ownMembers)
    {
        var seed = Seed.Print(output);
        await using var cluster = await ClusterUnderTest.StartAsync(
            workers: 2, coordinator: CoordinatorFlags, coordinators: 3, leaseSeconds: 60, program: previous.Program, ownMembers: ownMembers);
        using var view = new ClusterView(cluster);
        await WholeAsync(cluster, view);
        await using var load = await UpgradeLoad.StartAsync(cluster, seed);
        var newcomers = new Newcomers(cluster);
        var ledBy = new List<string>();
        await UseAsync();

        await RenewAsync(cluster.Workers[0]);
        await UseMixedRoomsAsync(cluster, view);
        await load.GoesOnAsync();
        await RenewAsync(cluster.Workers[1]);
        await Eventually.Holds(async () => (await view.StatusAsync())?.SnapshotIndex > 0);
        while (cluster.CoordinatorNodes.Exists(IsOld))
        {
            var leader = await WholeAsync(cluster, view);
            var next = cluster.CoordinatorNodes.Find(node => IsOld(node) && node != leader) ?? leader;
            await RenewAsync(next);
            await next.SaysAsync("(from snapshots/");
        }

        Assert.Equal([previous.Version, ConfigVerbs.ProductVersion], ledBy.Distinct());
        Assert.All(VersionsOf(cluster, await PrintedStatusAsync(cluster.Workers[0])), version => Assert.Equal(ConfigVerbs.ProductVersion, version));
        output.WriteLine(await load.EndAsync());

        async Task RenewAsync(ServerProcess node)
        {
            Assert.Equal(0, await node.TerminateAsync());
            await load.GoesOnAsync(); // Without it.
            node.Program = ServerBinary.Path;
            await node.RestartAsync();
            output.WriteLine($"{Path.GetFileName(node.Data)} is renewed");
            await UseAsync();
        }

        async Task UseAsync()
        {
            var leader = await WholeAsync(cluster, view);
            await load.GoesOnAsync();
            await newcomers.ComeAsync();
            ledBy.Add(VersionOf(leader));
            output.WriteLine($"{Path.GetFileName(leader.Data)} of {VersionOf(leader)} leads");
        }
    }

    private static bool IsOld(ServerProcess node) => node.Program != ServerBinary.Path;

    private string VersionOf(ServerProcess node) => IsOld(node) ? previous.Version : ConfigVerbs.ProductVersion;

    /// <summary>Waits until all nodes take part, each with the version of its program; the leader.</summary>
    private async Task<ServerProcess> WholeAsync(ClusterUnderTest cluster, ClusterView view)
    {
        var wanted = cluster.CoordinatorNodes.Concat(cluster.Workers).Select(VersionOf).ToList();
        ServerProcess? leader = null;
        await Eventually.Holds(async () => await view.StatusAsync() is { } status
            && VersionsOf(cluster, status).SequenceEqual(wanted)
            && (leader = cluster.CoordinatorNodes.Find(node => node.Node.Authority == status.Leader)) is not null);
        return leader!;
    }

    /// <summary>Of each node, null where it does not take part.</summary>
    private static IEnumerable<string?> VersionsOf(ClusterUnderTest cluster, ClusterStatus status) =>
    [
        .. cluster.CoordinatorNodes.Select(node => status.Coordinators!.FirstOrDefault(each => each.Address == node.Node.Authority)?.Version),
        .. cluster.Workers.Select(node => status.Workers.FirstOrDefault(each => each.Address == node.Node.Authority && each is { State: "active", Lag: not null })?.Version),
    ];

    private static async Task UseMixedRoomsAsync(ClusterUnderTest cluster, ClusterView view)
    {
        var (renewed, old) = (cluster.Workers[0], cluster.Workers[1]);
        using (var sight = await LeaderSight.OpenAsync(cluster, old))
        {
            await new MixedRooms(sight.Http, (await view.StatusAsync())!).ShareAsync(renewed);
        }

        foreach (var (host, gateway) in new[] { (renewed, old), (old, renewed) })
        {
            using var sight = await LeaderSight.OpenAsync(cluster, gateway);
            await new MixedRooms(sight.Http, (await view.StatusAsync())!).UseAsync(host, gateway, host == old ? "atold" : "atnew");
        }
    }

    private static async Task<ClusterStatus> PrintedStatusAsync(ServerProcess worker)
    {
        var (exitCode, printed, error) = await ServerProcess.RunAsync(
            ["status", "--json", "--server", worker.Client.ToString()], new Dictionary<string, string> { ["DCHAT_ADMIN_PASSWORD"] = ClusterUnderTest.AdminPassword });
        Assert.True(exitCode == 0, error);
        return JsonSerializer.Deserialize(printed, ProtocolJson.Wire.ClusterStatus)!;
    }
}
