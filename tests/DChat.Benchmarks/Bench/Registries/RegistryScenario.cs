using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Registries;

/// <summary>A coordinator and a worker with a registry as large as one cluster's may be: their start, their memory, joins, a snapshot.</summary>
internal static partial class RegistryScenario
{
    private const string Name = "registry";
    private const double Mebi = 1024 * 1024;
    private const double MemoryTarget = 1024;
    private const double SecondsTarget = 10;
    private const double JoinTarget = 50;

    /// <summary>As many as the generated log has after its snapshot, and those of the quiet time.</summary>
    private const string SnapshotEntries = "13000";
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan QuietFor = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan AfterSnapshot = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SnapshotLimit = TimeSpan.FromSeconds(120);

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        using var generated = new TemporaryFolder();
        var data = options.RegistryData ?? generated["data"];
        if (!Directory.Exists(data))
        {
            await GeneratedRegistry.WriteAsync(options.Registry, data, options.Tell);
        }

        var runs = new List<Run>();
        for (var repeat = 0; repeat < options.Repeats; repeat++)
        {
            runs.Add(await MeasureAsync(options.Registry, data));
            options.Tell(runs[^1].ToString());
        }

        return
        [
            Row.AtMost(Name, "coordinator: start until ready, s", Series.Of(runs, run => run.CoordinatorStart), SecondsTarget),
            Row.AtMost(Name, "worker: start until active with the whole registry, s", Series.Of(runs, run => run.WorkerStart), SecondsTarget),
            Row.AtMost(Name, "snapshot written and read back, s", Series.Of(runs, run => run.Snapshot), SecondsTarget),
            Row.AtMost(Name, "join p99 ms", Series.Of(runs, run => run.Quiet.P99), JoinTarget),
            Row.AtMost(Name, "join p99 ms while a snapshot is written", Series.Of(runs, run => run.Beside.P99), JoinTarget),
            Row.Untargeted(Name, "join p50 ms", Series.Of(runs, run => run.Quiet.P50)),
            Row.Untargeted(Name, "join p50 ms while a snapshot is written", Series.Of(runs, run => run.Beside.P50)),
            Row.AtMost(Name, "coordinator: resident MiB at the end", Series.Of(runs, run => run.Coordinator.ResidentBytes / Mebi), MemoryTarget),
            Row.AtMost(Name, "coordinator: most that was ever resident, MiB", Series.Of(runs, run => run.Coordinator.PeakBytes / Mebi), MemoryTarget),
            Row.AtMost(Name, "worker: resident MiB at the end", Series.Of(runs, run => run.Worker.ResidentBytes / Mebi), MemoryTarget),
            Row.AtMost(Name, "worker: most that was ever resident, MiB", Series.Of(runs, run => run.Worker.PeakBytes / Mebi), MemoryTarget),
        ];
    }

    private static async Task<Run> MeasureAsync(RegistrySize size, string generated)
    {
        await using var cluster = await ClusterUnderTest.StartAsync(0, ["--snapshot-entries", SnapshotEntries], postgres: false, fill: folder => Copy(generated, folder));
        var worker = await cluster.AddWorkerAsync(hosts: true);
        await using var crowd = await JoiningCrowd.ConnectAsync(worker, size.Rooms);

        // First without a snapshot, then until one was written, which is due soon. What the first joins of two new processes take is no measure.
        var started = Stopwatch.GetTimestamp();
        await crowd.RunAsync(() => Stopwatch.GetElapsedTime(started) >= WarmUp);
        crowd.Forget();
        started = Stopwatch.GetTimestamp();
        await crowd.RunAsync(() => Stopwatch.GetElapsedTime(started) >= QuietFor);
        long seen = 0;
        started = Stopwatch.GetTimestamp();
        await crowd.RunAsync(() =>
        {
            seen = seen == 0 && SnapshotSeconds(cluster) is not null ? Stopwatch.GetTimestamp() : seen;
            return seen != 0
                ? Stopwatch.GetElapsedTime(seen) >= AfterSnapshot
                : Stopwatch.GetElapsedTime(started) < SnapshotLimit ? false : throw new TimeoutException("no snapshot was written:\n" + cluster.Coordinator.Log);
        });
        var snapshot = SnapshotSeconds(cluster)!.Value;
        var from = seen - (long)(snapshot * Stopwatch.Frequency);
        var beside = crowd.Joins.ToLookup(join => join.Ended >= from && join.Began <= seen);
        return new Run(
            cluster.Coordinator.StartTime.TotalSeconds,
            worker.StartTime.TotalSeconds,
            snapshot,
            Latency.Of(beside[false]),
            Latency.Of(beside[true]),
            ProcessMemory.Of(cluster.Coordinator.ProcessId),
            ProcessMemory.Of(worker.ProcessId));
    }

    private static double? SnapshotSeconds(ClusterUnderTest cluster) => cluster.Coordinator.Log.Lines
        .Select(line => WrittenLine().Match(line))
        .Where(match => match.Success)
        .Select(match => (double?)double.Parse(match.Groups["ms"].Value, CultureInfo.InvariantCulture) / 1_000)
        .FirstOrDefault();

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    [GeneratedRegex(@"was written and read back in (?<ms>\d+) ms", RegexOptions.CultureInvariant)]
    private static partial Regex WrittenLine();

    private sealed record Run(double CoordinatorStart, double WorkerStart, double Snapshot, Latency Quiet, Latency Beside, ProcessMemory Coordinator, ProcessMemory Worker)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"  coordinator ready after {CoordinatorStart:0.0} s, worker after {WorkerStart:0.0} s, snapshot {Snapshot:0.0} s; joins {Quiet}, beside the snapshot {Beside}; MiB resident (most): coordinator {Coordinator.ResidentBytes / Mebi:0} ({Coordinator.PeakBytes / Mebi:0}), worker {Worker.ResidentBytes / Mebi:0} ({Worker.PeakBytes / Mebi:0})");
    }

    private sealed record Latency(int Count, double P50, double P99, double Max)
    {
        public static Latency Of(IEnumerable<Join> joins)
        {
            var sorted = joins.Select(join => join.Milliseconds).Order().ToArray();
            return sorted.Length == 0 ? new Latency(0, 0, 0, 0) : new Latency(sorted.Length, At(0.50), At(0.99), sorted[^1]);

            double At(double part) => sorted[Math.Min(sorted.Length - 1, (int)(part * sorted.Length))];
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Count}: p50 {P50:0.0} p99 {P99:0.0} max {Max:0.0} ms");
    }
}
