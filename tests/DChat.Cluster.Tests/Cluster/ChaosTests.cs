using System.Globalization;
using DChat.Cluster.Tests.Durability;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Cluster;

/// <summary>
/// Under load, workers are killed, frozen and drained, the coordinator is killed, PostgreSQL is restarted, at random moments of a printed
/// seed; the checker of <c>dchat load</c> finds nothing lost, doubled, reordered or unseen.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private static readonly TimeSpan LoadLimit = TimeSpan.FromMinutes(5);

    private static readonly int Minutes = int.Parse(Environment.GetEnvironmentVariable("DCHAT_CHAOS_MINUTES") ?? "0", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Whatever_fails_nothing_is_lost_doubled_reordered_or_unseen()
    {
        var seed = Seed.Print(output);
        var random = new Random(seed);
        await using var cluster = await ClusterUnderTest.StartAsync(workers: Minutes > 0 ? 4 : 3);
        foreach (var server in cluster.Workers.Append(cluster.Coordinator))
        {
            server.Log.ExpectErrors(".*"); // A store that goes away is an error there; what counts is the checker's verdict.
        }

        var seconds = Minutes > 0 ? Minutes * 60 : 45;
        using var load = LoadGenerator.Start(
            cluster.Workers.Select(worker => worker.Client),
            ClusterUnderTest.AdminPassword,
            "--reconnect",
            "--users", "40",
            "--rooms", "12",
            "--members", "12",
            "--rate", "100",
            "--duration", seconds.ToString(CultureInfo.InvariantCulture),
            "--warmup", "0",
            "--drain", "90",
            "--seed", random.Next().ToString(CultureInfo.InvariantCulture));
        var faults = 0;
        await Eventually.Holds(async () => load.HasEnded || await SendsAsync(cluster) > 0, LoadLimit);
        while (!load.HasEnded && faults < (Minutes > 0 ? int.MaxValue : 6))
        {
            var before = await SendsAsync(cluster);
            var wanted = random.Next(100, 600);
            await Eventually.Holds(async () => load.HasEnded || await SendsAsync(cluster) is var now && (now >= before + wanted || now < before), LoadLimit);
            if (!load.HasEnded)
            {
                output.WriteLine($"{++faults}: {await FaultAsync(cluster, random)}");
            }
        }

        var report = await load.FinishAsync(TimeSpan.FromSeconds(seconds) + LoadLimit);
        output.WriteLine($"{faults} faults, {report["acknowledged"]} acknowledged, {report["reconnects"]} reconnects, {report["resyncs"]} resyncs");
        Assert.True(faults > 0, "nothing was done to the cluster");
    }

    private static async Task<double> SendsAsync(ClusterUnderTest cluster)
    {
        var sum = 0.0;
        foreach (var worker in cluster.Workers)
        {
            sum += await Metrics.ReadAsync(worker, "dchat_sends_total");
        }

        return sum;
    }

    private static async Task<string> FaultAsync(ClusterUnderTest cluster, Random random)
    {
        var worker = cluster.Workers[random.Next(cluster.Workers.Count)];
        switch (random.Next(6))
        {
            case 0 or 1:
                await worker.KillAsync();
                await worker.RestartAsync();
                return "worker killed";
            case 2:
                await cluster.Coordinator.KillAsync();
                await cluster.Coordinator.RestartAsync();
                return "coordinator killed";
            case 3:
                worker.Freeze();
                await Task.Delay(random.Next(500, 6_000)); // The fault itself: how long a machine hangs.
                worker.Thaw();
                return "worker frozen";
            case 4:
                await worker.TerminateAsync();
                await worker.RestartAsync();
                return "worker drained";
            default:
                await cluster.Postgres!.StopImmediatelyAsync();
                await cluster.Postgres.StartAgainAsync();
                return "PostgreSQL killed";
        }
    }
}
