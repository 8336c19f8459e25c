using System.Globalization;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>
/// Whether cost grows with the work or with the cluster: the same load on one, two and four workers, in rooms of 20 and of 100. Rooms have
/// members at every worker, so with N workers each message crosses to N - 1 gateways, and (N - 1)/N of the sends cross to the room's host.
/// What these hops cost is measured by itself, with all clients at one and at two workers that host nothing, and taken off. Each cluster is under
/// load before anything counts, for so long that each of its workers has had as much to do as the one that is alone.
/// </summary>
internal static class WorkersScenario
{
    private const string Name = "workers";
    private const double Tolerance = 1.15;
    private const int RepeatsMin = 5;
    private const int Users = 2_000;
    private static readonly int[] RoomSizes = [20, 100];

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        await using var one = await LoadedCluster.StartAsync("1 worker", hosts: 1);
        await using var apart = await LoadedCluster.StartAsync("1 host, clients at 1 gateway", hosts: 1, gateways: 1);
        await using var apartTwice = await LoadedCluster.StartAsync("1 host, clients at 2 gateways", hosts: 1, gateways: 2);
        await using var two = await LoadedCluster.StartAsync("2 workers", hosts: 2);
        await using var four = await LoadedCluster.StartAsync("4 workers", hosts: 4);
        var clusters = new Clusters(one, apart, apartTwice, two, four);
        foreach (var cluster in clusters.All)
        {
            options.Tell($"warming up: {cluster.Name}");
            await cluster.WarmUpAsync([.. Load(RoomSizes[0]), "--duration", Seconds(WarmUp(options) * cluster.Workers)]);
        }

        var rows = new List<Row>();
        foreach (var members in RoomSizes)
        {
            rows.AddRange(await RunAsync(options, clusters, members));
        }

        return rows;
    }

    private static string[] Load(int members) =>
        ["--prefix", $"bench{members}-", "--users", $"{Users}", "--rooms", $"{Users / members}", "--deliveries", "10000", "--no-read-back", "--warmup", "2"];

    private static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options, Clusters clusters, int members)
    {
        var rooms = $"rooms of {members}";
        options.Tell(rooms);
        var (one, apart, apartTwice, two, four) = clusters;
        foreach (var cluster in clusters.All)
        {
            cluster.Runs.Clear();
            await cluster.WarmUpAsync([.. Load(members), "--duration", RunSeconds(options)]); // Rooms are opened.
        }

        for (var repeat = 0; repeat < Repeats(options); repeat++)
        {
            foreach (var cluster in clusters.All)
            {
                await cluster.RunAsync(options.Tell, [.. Load(members), "--duration", RunSeconds(options)]);
            }
        }

        var copy = apartTwice.WorkersPerMillion.Median - apart.WorkersPerMillion.Median;
        var send = apart.WorkersPerMillion.Median - one.WorkersPerMillion.Median - copy;
        return
        [
            Row.Untargeted(Name, $"{rooms}: 1 worker: CPU s a million deliveries", one.WorkersPerMillion),
            Row.Untargeted(Name, $"{rooms}: a copy of each message to one more gateway, the same", new Series([copy])),
            Row.Untargeted(Name, $"{rooms}: sends that cross to the room's host, the same", new Series([send])),
            Row.Untargeted(Name, $"{rooms}: 2 workers, with the hops", two.WorkersPerMillion, one.WorkersPerMillion),
            Row.Untargeted(Name, $"{rooms}: 4 workers, with the hops", four.WorkersPerMillion, one.WorkersPerMillion),
            Row.AtMost(Name, $"{rooms}: 2 workers, beyond the hops", WithoutHops(two, 2), one.WorkersPerMillion, Tolerance),
            Row.AtMost(Name, $"{rooms}: 4 workers, beyond the hops", WithoutHops(four, 4), one.WorkersPerMillion, Tolerance),
            Row.Untargeted(Name, $"{rooms}: coordinator of 4 workers", four.CoordinatorPerMillion, one.CoordinatorPerMillion),
            Row.Untargeted(Name, $"{rooms}: PostgreSQL of 4 workers", four.PostgresPerMillion, one.PostgresPerMillion),
        ];

        Series WithoutHops(LoadedCluster cluster, double workers) =>
            Series.Of(cluster.WorkersPerMillion.Values, figure => figure - ((workers - 1) * copy) - ((workers - 1) / workers * send));
    }

    /// <summary>Short, so that all ends within a quarter of an hour.</summary>
    internal static string RunSeconds(BenchOptions options) => Seconds(Math.Min(6, options.Duration.TotalSeconds));

    /// <summary>What one worker needs until its code is optimized; several that share the load need so much each.</summary>
    internal static double WarmUp(BenchOptions options) => Math.Min(20, 2 * options.Duration.TotalSeconds);

    internal static string Seconds(double seconds) => seconds.ToString(CultureInfo.InvariantCulture);

    /// <summary>A quick look is one run; else medians of at least five, as the figures are compared by a few per cent.</summary>
    internal static int Repeats(BenchOptions options) => options.Repeats == 1 ? 1 : Math.Max(RepeatsMin, options.Repeats);

    private sealed record Clusters(LoadedCluster One, LoadedCluster Apart, LoadedCluster ApartTwice, LoadedCluster Two, LoadedCluster Four)
    {
        public IEnumerable<LoadedCluster> All => [One, Apart, ApartTwice, Two, Four];
    }
}
