using System.Globalization;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>Workers leave one after the other, by signal and by an administrator's call, while clients of all of them chat: no call may fail.</summary>
internal static class DrainScenario
{
    private const int Workers = 3;
    private const int Users = 24;
    private const int Rooms = 3;
    private const int SdkClientCount = 6;
    private const double SendsPerSecond = 150;

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        var (left, stayed, waits) = (new List<double>(), new List<double>(), new List<double>());
        await using var cluster = await MeasuredCluster.StartAsync(Workers);
        await using var load = await ClusterLoad.StartAsync(cluster, Users, Rooms, SendsPerSecond, arePinned: false);
        await using var people = await SdkClients.StartAsync(cluster, SdkClientCount);
        for (var i = 0; i < options.Drains; i++)
        {
            var worker = cluster.Workers[i % Workers];
            await cluster.SettleAsync();
            await cluster.MoveAsync(load.Rooms.Take(2), worker);
            await load.AllAreUpAsync();
            await Task.Delay(options.BetweenFaults);
            var here = load.Clients.Where(client => client.Server == worker.Client).Select(client => client.Index).ToHashSet();
            load.Seen.Forget();
            await LeaveAsync(cluster, worker, bySignal: i % 2 == 0);
            await load.AllAreUpAsync();
            if (here.Count > 0)
            {
                left.Add(load.Seen.LongestPause(here.Contains));
            }

            stayed.Add(load.Seen.LongestPause(client => !here.Contains(client)));
            waits.Add(load.Seen.LongestWait(_ => true));
            options.Tell(string.Create(CultureInfo.InvariantCulture, $"drain {i + 1} ({(i % 2 == 0 ? "SIGTERM" : "call")}): {here.Count} clients left; longest gap {(here.Count > 0 ? left[^1] : 0):0} ms for them, {stayed[^1]:0} ms for others, longest wait {waits[^1]:0} ms; {people.Failures} of {people.Calls} SDK calls failed"));
            await worker.RestartAsync();
        }

        await cluster.SettleAsync();
        var report = await load.FinishAsync();
        ClusterLoad.TellTroubles(options, "drain", report, people);
        return
        [
            Row.AtMost("drain", "SDK calls that failed", new Series([people.Failures]), 0),
            Row.AtMost("drain", "bare sends refused, held back or cut off", new Series([report.Refused + report.HeldBack + report.Repeated]), 0),
            Row.AtMost("drain", "longest delivery gap, its clients, ms", new Series([left.Max()]), 1_000),
            Row.AtMost("drain", "longest delivery gap, others, ms", new Series([stayed.Max()]), 1_000),
            Row.AtMost("drain", "longest delivery gap, SDK clients, ms", new Series([people.LongestPause]), 1_000),
            Row.Untargeted("drain", "longest send → answer, ms", new Series([waits.Max()])),
        ];
    }

    private static async Task LeaveAsync(MeasuredCluster cluster, ServerProcess worker, bool bySignal)
    {
        if (!bySignal)
        {
            await cluster.DrainAsync(worker);
        }

        var code = await (bySignal ? worker.TerminateAsync() : worker.WaitForExitAsync());
        if (code != 0)
        {
            throw new InvalidOperationException($"a drained worker exited with {code}");
        }
    }
}
