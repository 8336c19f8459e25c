using System.Globalization;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>The coordinator is killed and started again while rooms run: nobody who chats may notice.</summary>
internal static class CoordinatorScenario
{
    private const int Workers = 3;
    private const int Users = 24;
    private const int Rooms = 3;
    private const int SdkClientCount = 6;
    private const double SendsPerSecond = 150;

    /// <summary>The longest time without a coordinator: beyond what any node waits for.</summary>
    private static readonly TimeSpan AwayMax = TimeSpan.FromSeconds(6);

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        var random = new Random(1);
        await using var cluster = await MeasuredCluster.StartAsync(Workers);
        await using var load = await ClusterLoad.StartAsync(cluster, Users, Rooms, SendsPerSecond, arePinned: true);
        await using var people = await SdkClients.StartAsync(cluster, SdkClientCount);
        await cluster.SettleAsync();
        await Task.Delay(options.BetweenFaults);
        load.Seen.Forget();
        for (var i = 1; i <= options.CoordinatorKills; i++)
        {
            await cluster.Cluster.Coordinator.KillAsync();
            var away = AwayMax * random.NextDouble();
            await Task.Delay(away);
            await cluster.Cluster.Coordinator.RestartAsync();
            await cluster.SettleAsync();
            await Task.Delay(options.BetweenFaults);
            options.Tell(string.Create(CultureInfo.InvariantCulture, $"coordinator {i}: away for {away.TotalSeconds:0.0} s; longest wait so far {load.Seen.LongestWait(_ => true):0} ms, pause {load.Seen.LongestPause(_ => true):0} ms; {people.Failures} of {people.Calls} SDK calls failed"));
        }

        var (wait, pause) = (load.Seen.LongestWait(_ => true), load.Seen.LongestPause(_ => true));
        var report = await load.FinishAsync();
        ClusterLoad.TellTroubles(options, "coordinator", report, people);
        return
        [
            Row.AtMost("coordinator", "SDK calls that failed", new Series([people.Failures]), 0),
            Row.AtMost("coordinator", "bare sends refused, held back or cut off", new Series([report.Refused + report.HeldBack + report.Repeated]), 0),
            Row.Untargeted("coordinator", string.Create(CultureInfo.InvariantCulture, $"longest send → answer, ms, of {report.Acknowledged:N0}"), new Series([wait])),
            Row.Untargeted("coordinator", "longest delivery gap, ms", new Series([Math.Max(pause, people.LongestPause)])),
        ];
    }
}
