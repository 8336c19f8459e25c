using System.Globalization;
using DChat.Terminal.Load;
using DChat.TestKit;
using Storm = DChat.Terminal.Load.Scenarios.StormScenario;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>A worker with thousands of clients is killed: they come back to the other workers, whose own clients go on sending.</summary>
internal static class StormScenario
{
    private const int Workers = 4;
    private const int MembersPerRoom = 51;

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        var runs = new List<LoadReport>();
        var rooms = options.Resumers / (MembersPerRoom - 1);
        for (var repeat = 0; repeat < options.Repeats; repeat++)
        {
            await using var cluster = await MeasuredCluster.StartAsync(Workers);
            await cluster.SettleAsync();
            Task? killed = null;
            runs.Add(await LoadProcess.RunAsync(
                string.Join(',', cluster.Workers.Select(worker => worker.Client)),
                ClusterUnderTest.AdminPassword,
                [
                    "--scenario", "storm",
                    "--users", Text(options.Resumers + rooms), "--rooms", Text(rooms), "--members", Text(MembersPerRoom), "--rate", Text(rooms),
                    "--warmup", Text(options.Warmup.TotalSeconds),
                ],
                line =>
                {
                    if (line.Contains(Storm.Ready, StringComparison.Ordinal))
                    {
                        killed ??= cluster.Workers[0].KillAsync();
                    }
                }));
            options.Tell(string.Create(
                CultureInfo.InvariantCulture,
                $"storm: {runs[^1].ResumeSeconds:0.00} s; the others' send → answer in rooms that stay p50 {runs[^1].SendToAckElsewhere!.P50:0} ms, p99 {runs[^1].SendToAckElsewhere!.P99:0} ms of {runs[^1].SendToAckElsewhere!.Count}, in all p99 {runs[^1].SendToAck!.P99:0} ms, max {runs[^1].SendToAck!.Max:0} ms of {runs[^1].SendToAck!.Count}; {runs[^1].HeldBack} calls held back{(runs[^1].FirstHeldBack is { } why ? $", the first: {why}" : "")}"));
        }

        return
        [
            Row.AtMost("storm", string.Create(CultureInfo.InvariantCulture, $"ms until all {options.Resumers:N0} are gap-free"), Series.Of(runs, run => run.ResumeSeconds is { } seconds ? seconds * 1_000 : double.PositiveInfinity), 10_000),
            Row.AtMost("storm", "the others' send → answer, rooms that stay, p99 ms", Series.Of(runs, run => run.SendToAckElsewhere!.P99), 500),
            Row.Untargeted("storm", "the others' send → answer, rooms that move too, p99 ms", Series.Of(runs, run => run.SendToAck!.P99)),
        ];
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
