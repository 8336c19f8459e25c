using System.Diagnostics;
using System.Globalization;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>
/// The worker that hosts a busy room dies, or falls silent: how long until clients on other workers are answered a message there that they sent
/// afterwards. The figure of each fault is that of the worker whose clients waited longest.
/// </summary>
internal static class FailoverScenario
{
    private const int Workers = 4;
    private const int Users = 24;
    private const double SendsPerSecond = 200;

    /// <summary>They move too, and cost the fail-over of the busy one what rooms that nobody uses cost.</summary>
    private const int QuietRooms = 1_000;

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);

    /// <summary>What happens to the worker that hosts the busy room.</summary>
    /// <param name="BeginAsync">Ends when the worker cannot answer any more what is sent from then on.</param>
    /// <param name="EndAsync">Undoes it.</param>
    private sealed record Fault(string Kind, Func<MeasuredCluster, ServerProcess, Task> BeginAsync, Func<ServerProcess, Task> EndAsync);

    public static async Task<IReadOnlyList<Row>> KillAsync(BenchOptions options)
    {
        var times = await RunAsync(options, "failover", options.Kills, [Killed()], ownHosts: false);
        var killed = times[0];
        return
        [
            Row.AtMost("failover", "kill -9 → next answer, p50 ms", Percentile(killed, 0.5), 700),
            Row.Untargeted("failover", "p95 ms", Percentile(killed, 0.95)),
            Row.AtMost("failover", "p99 ms", Percentile(killed, 0.99), 2_000),
            Row.Untargeted("failover", Named("max ms of {0}", killed), new Series([killed.Max()])),
        ];
    }

    /// <summary>Each process has a host of its own, so that one can be cut off from all others.</summary>
    public static async Task<IReadOnlyList<Row>> SilenceAsync(BenchOptions options)
    {
        Fault[] faults = [Frozen, CutOff];
        var times = await RunAsync(options, "silent", options.Silences, faults, ownHosts: true);
        return
        [
            .. faults.Zip(times, (fault, each) => (Row[])
            [
                Row.Untargeted("silent", $"{fault.Kind} → next answer, p50 ms", Percentile(each, 0.5)),
                Row.AtMost("silent", Named(fault.Kind + ", max ms of {0}", each), new Series([each.Max()]), 5_000),
            ]).SelectMany(rows => rows),
        ];
    }

    private static Fault Killed()
    {
        var dying = Task.CompletedTask;
        return new Fault(
            "killed",
            (_, host) =>
            {
                dying = host.KillAsync(); // The signal is sent when this returns; its end takes a little longer.
                return Task.CompletedTask;
            },
            async host =>
            {
                await dying;
                await host.RestartAsync();
            });
    }

    private static Fault Frozen { get; } = new(
        "frozen",
        (_, host) =>
        {
            host.Freeze();
            return Task.CompletedTask;
        },
        host =>
        {
            host.Thaw();
            return Task.CompletedTask;
        });

    /// <summary>From the coordinator, PostgreSQL, the other workers and all clients, and nobody is told.</summary>
    private static Fault CutOff { get; } = new(
        "cut off",
        (cluster, host) => host.Host!.CutAsync(cluster.EverybodyBut(host)),
        host => host.Host!.HealAsync());

    /// <param name="faults">They come in turn.</param>
    /// <returns>The times of each of them.</returns>
    private static async Task<IReadOnlyList<IReadOnlyList<double>>> RunAsync(BenchOptions options, string name, int count, Fault[] faults, bool ownHosts)
    {
        await using var cluster = await MeasuredCluster.StartAsync(Workers, ownHosts: ownHosts);
        using (var http = cluster.Workers[0].CreateHttpClient())
        {
            await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 40, rooms: QuietRooms, membersPerRoom: 10, prefix: "quiet");
        }

        await using var load = await ClusterLoad.StartAsync(cluster, Users, rooms: 1, SendsPerSecond, arePinned: true);
        var times = Array.ConvertAll(faults, _ => new List<double>());
        var askedAt = cluster.Workers[0];
        for (var number = 0; number < count; number++)
        {
            var fault = faults[number % faults.Length];
            await cluster.SettleAsync();
            await load.AllAreUpAsync();
            await Task.Delay(options.BetweenFaults);
            var host = await cluster.HostOfAsync(load.Rooms[0], askedAt);
            askedAt = cluster.Workers.First(worker => worker != host);
            var groups = load.Clients.Select(client => GroupOf(client.Index, host)).ToList();
            var before = Stopwatch.GetTimestamp();
            await fault.BeginAsync(cluster, host);
            var next = load.Seen.Watch(groups);
            var answered = (await next.AllAsync(AnswerLimit)).Select(at => Sightings.Milliseconds(at - before)).ToList();
            await fault.EndAsync(host);
            times[number % faults.Length].Add(answered.Max());
            options.Tell(string.Create(CultureInfo.InvariantCulture, $"{name} {number + 1} ({fault.Kind}): {answered.Max():0} ms (the other workers' clients: {string.Join(", ", answered.Order().Select(each => $"{each:0}"))})"));
        }

        await load.AllAreUpAsync();
        var report = await load.FinishAsync();
        options.Tell(string.Create(CultureInfo.InvariantCulture, $"{name}: {report.Acknowledged:N0} acknowledged, {report.HeldBack} held back, {report.Refused} refused; checker clean"));
        return times;

        // Clients are dealt out to the workers in turn.
        int GroupOf(int client, ServerProcess host)
        {
            var others = cluster.Workers.Where(worker => worker != host).ToList();
            return others.IndexOf(cluster.Workers[client % Workers]);
        }
    }

    private static Series Percentile(IReadOnlyList<double> times, double share) =>
        new([times.Order().ElementAt(Math.Min(times.Count - 1, (int)Math.Ceiling(times.Count * share) - 1))]);

    private static string Named(string format, IReadOnlyList<double> times) => string.Format(CultureInfo.InvariantCulture, format, times.Count);
}
