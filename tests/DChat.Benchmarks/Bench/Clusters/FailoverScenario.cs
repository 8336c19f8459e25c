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

    public static async Task<IReadOnlyList<Row>> KillAsync(BenchOptions options)
    {
        var times = await RunAsync(options, "failover", options.Kills, host => host.KillAsync(), host => host.RestartAsync());
        return
        [
            Row.AtMost("failover", "kill -9 → next answer, p50 ms", Percentile(times, 0.5), 700),
            Row.Untargeted("failover", "p95 ms", Percentile(times, 0.95)),
            Row.AtMost("failover", "p99 ms", Percentile(times, 0.99), 2_000),
            Row.Untargeted("failover", Named("max ms of {0}", times), new Series([times.Max()])),
        ];
    }

    public static async Task<IReadOnlyList<Row>> SilenceAsync(BenchOptions options)
    {
        var times = await RunAsync(
            options,
            "silent",
            options.Silences,
            host =>
            {
                host.Freeze();
                return Task.CompletedTask;
            },
            host =>
            {
                host.Thaw();
                return Task.CompletedTask;
            });
        return
        [
            Row.Untargeted("silent", "frozen → next answer, p50 ms", Percentile(times, 0.5)),
            Row.AtMost("silent", Named("max ms of {0}", times), new Series([times.Max()]), 5_000),
        ];
    }

    private static async Task<IReadOnlyList<double>> RunAsync(BenchOptions options, string name, int faults, Func<ServerProcess, Task> fail, Func<ServerProcess, Task> heal)
    {
        await using var cluster = await MeasuredCluster.StartAsync(Workers);
        using (var http = cluster.Workers[0].CreateHttpClient())
        {
            await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 40, rooms: QuietRooms, membersPerRoom: 10, prefix: "quiet");
        }

        await using var load = await ClusterLoad.StartAsync(cluster, Users, rooms: 1, SendsPerSecond, arePinned: true);
        var times = new List<double>();
        var askedAt = cluster.Workers[0];
        for (var fault = 1; fault <= faults; fault++)
        {
            await cluster.SettleAsync();
            await load.AllAreUpAsync();
            await Task.Delay(options.BetweenFaults);
            var host = await cluster.HostOfAsync(load.Rooms[0], askedAt);
            askedAt = cluster.Workers.First(worker => worker != host);
            var groups = load.Clients.Select(client => GroupOf(client.Index, host)).ToList();
            var before = Stopwatch.GetTimestamp();
            var failing = fail(host); // The signal is sent when this returns: what is sent from now on, the host cannot answer.
            var next = load.Seen.Watch(groups);
            await failing;
            var answered = (await next.AllAsync(AnswerLimit)).Select(at => Sightings.Milliseconds(at - before)).ToList();
            await heal(host);
            times.Add(answered.Max());
            options.Tell(string.Create(CultureInfo.InvariantCulture, $"{name} {fault}: {answered.Max():0} ms (the other workers' clients: {string.Join(", ", answered.Order().Select(each => $"{each:0}"))})"));
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
