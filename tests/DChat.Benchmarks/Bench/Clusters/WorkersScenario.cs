using System.Globalization;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>
/// Whether cost grows with the work or with the cluster: the same load on one, two and four workers, in rooms of 20 and of 100. Rooms have
/// members at every worker, so with N workers each message crosses to N - 1 gateways, and (N - 1)/N of the sends cross to the room's host.
/// What these hops cost is measured by itself, with all clients at one and at two workers that host nothing, and taken off.
/// </summary>
internal static class WorkersScenario
{
    private const string Name = "workers";
    private const double Tolerance = 1.15;
    private const int RepeatsMin = 5;

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options) => [.. await RunAsync(options, members: 20), .. await RunAsync(options, members: 100)];

    private static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options, int members)
    {
        var rooms = $"rooms of {members}";
        options.Tell(rooms);
        string[] load = ["--users", "2000", "--rooms", $"{2_000 / members}", "--deliveries", "10000", "--no-read-back", "--warmup", "2"];
        await using var one = await LoadedCluster.StartAsync("1 worker", hosts: 1);
        await using var apart = await LoadedCluster.StartAsync("1 host, clients at 1 gateway", hosts: 1, gateways: 1);
        await using var apartTwice = await LoadedCluster.StartAsync("1 host, clients at 2 gateways", hosts: 1, gateways: 2);
        await using var two = await LoadedCluster.StartAsync("2 workers", hosts: 2);
        await using var four = await LoadedCluster.StartAsync("4 workers", hosts: 4);
        LoadedCluster[] clusters = [one, apart, apartTwice, two, four];
        foreach (var cluster in clusters)
        {
            await cluster.WarmUpAsync([.. load, "--duration", WarmUpSeconds(options)]);
        }

        for (var repeat = 0; repeat < Repeats(options); repeat++)
        {
            foreach (var cluster in clusters)
            {
                await cluster.RunAsync(options.Tell, [.. load, "--duration", Seconds(options)]);
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
    internal static string Seconds(BenchOptions options) => Math.Min(6, options.Duration.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    internal static string WarmUpSeconds(BenchOptions options) => Math.Min(20, 2 * options.Duration.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    /// <summary>A quick look is one run; else medians of at least five, as the figures are compared by a few per cent.</summary>
    internal static int Repeats(BenchOptions options) => options.Repeats == 1 ? 1 : Math.Max(RepeatsMin, options.Repeats);
}
