using System.Diagnostics;
using System.Globalization;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>
/// The leader of three coordinators, each with the etcd that it runs, is killed while rooms run: how soon is the next command acknowledged, and does
/// anybody who chats notice? All timings are those that are shipped.
/// </summary>
internal static class LeaderScenario
{
    private const int Coordinators = 3;
    private const int Workers = 3;
    private const int Users = 24;
    private const int Rooms = 3;
    private const int SdkClientCount = 6;
    private const double SendsPerSecond = 150;

    /// <summary>Kills fall anywhere between two renewals of the lease and two reports.</summary>
    private static readonly TimeSpan AnyMoment = TimeSpan.FromSeconds(1);

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        var random = new Random(1);
        await using var cluster = await MeasuredCluster.StartAsync(Workers, Coordinators, ownMembers: true);
        await using var load = await ClusterLoad.StartAsync(cluster, Users, Rooms, SendsPerSecond, arePinned: true);
        await using var people = await SdkClients.StartAsync(cluster, SdkClientCount);
        var makers = new List<HubProbe>();
        foreach (var worker in cluster.Workers)
        {
            makers.Add(await HubProbe.ConnectAsync(worker.Client, await cluster.SignInAsync(worker)));
        }

        await cluster.SettleAsync();
        await Task.Delay(options.BetweenFaults);
        load.Seen.Forget();
        var (waits, unavailable) = (new List<double>(), 0);
        for (var i = 1; i <= options.LeaderKills; i++)
        {
            var leader = await cluster.LeaderAsync();
            await Task.Delay(AnyMoment * random.NextDouble());
            var started = Stopwatch.GetTimestamp();
            await leader.KillAsync();
            unavailable += await MakeRoomAsync(makers[i % makers.Count], string.Create(CultureInfo.InvariantCulture, $"after-{i}"));
            waits.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            await leader.RestartAsync();
            await cluster.SettleAsync();
            await Task.Delay(options.BetweenFaults);
            options.Tell(string.Create(CultureInfo.InvariantCulture, $"leader {i}: the next command took {waits[^1]:0} ms; longest wait so far {load.Seen.LongestWait(_ => true):0} ms, pause {load.Seen.LongestPause(_ => true):0} ms; {people.Failures} of {people.Calls} SDK calls failed"));
        }

        var (wait, pause) = (load.Seen.LongestWait(_ => true), load.Seen.LongestPause(_ => true));
        var report = await load.FinishAsync();
        ClusterLoad.TellTroubles(options, "leader", report, people);
        foreach (var maker in makers)
        {
            await maker.DisposeAsync();
        }

        waits.Sort();
        return
        [
            Row.AtMost("leader", "kill → next command acknowledged, p50, ms", new Series(waits), 1_500),
            Row.AtMost("leader", "kill → next command acknowledged, p99, ms", new Series([waits[(int)Math.Ceiling(0.99 * waits.Count) - 1]]), 3_000),
            Row.Untargeted("leader", "answers unavailable before it", new Series([unavailable])),
            Row.AtMost("leader", "SDK calls that failed", new Series([people.Failures]), 0),
            Row.AtMost("leader", "bare sends refused, held back or cut off", new Series([report.Refused + report.HeldBack + report.Repeated]), 0),
            Row.Untargeted("leader", string.Create(CultureInfo.InvariantCulture, $"longest send → answer, ms, of {report.Acknowledged:N0}"), new Series([wait])),
            Row.Untargeted("leader", "longest delivery gap, ms", new Series([Math.Max(pause, people.LongestPause)])),
        ];
    }

    /// <summary>As a client does it: one that is answered <c>unavailable</c> repeats its command with its id.</summary>
    /// <returns>How often it was.</returns>
    private static async Task<int> MakeRoomAsync(HubProbe maker, string name)
    {
        for (var unavailable = 0; ; unavailable++)
        {
            try
            {
                await maker.CallAsync(HubMethods.CreateRoom, new { name, visibility = "public", commandId = name });
                return unavailable;
            }
            catch (HubCallFailedException refused) when (refused.Error?.Code == ErrorCodes.Unavailable)
            {
                // Again.
            }
        }
    }
}
