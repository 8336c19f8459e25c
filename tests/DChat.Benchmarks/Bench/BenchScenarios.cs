using System.Globalization;
using DChat.Benchmarks.Bench.Clusters;
using DChat.Benchmarks.Bench.Registries;
using DChat.Benchmarks.Bench.Screens;
using DChat.Benchmarks.Yardsticks;
using DChat.Terminal.Load;

namespace DChat.Benchmarks.Bench;

/// <summary>A load scenario with its targets.</summary>
internal sealed record BenchScenario(string Name, string About, Func<BenchOptions, Task<IReadOnlyList<Row>>> RunAsync);

/// <summary>What is measured, against what, and what is to be reached.</summary>
internal static class BenchScenarios
{
    private const string DeliveriesPerSecond = "deliveries/s";
    private const string CpuPerMillion = "server CPU s a million deliveries";
    private const double Kibi = 1024;

    public static IReadOnlyList<BenchScenario> All { get; } =
    [
        new("fanout", "one room of 200, as fast as it goes", FanoutAsync),
        new("room", "one room of 200 at 10,000 deliveries/s", options => SteadyAsync(options, "room", users: 200, rooms: 1)),
        new("rooms", "100 rooms of 20 at 10,000 deliveries/s", options => SteadyAsync(options, "rooms", users: 2_000, rooms: 100)),
        new("durable", "200 connections in flight, rooms of one, against a bare batched insert", DurableAsync),
        new("durable-postgres", "the same with the messages in PostgreSQL, and the store alone", PostgresScenario.RunAsync),
        new("idle", "idle connections in rooms of 50", IdleAsync),
        new("history", "the last 100 of 10,000 and of 1,000,000 messages, and search in the latter", HistoryAsync),
        new("resume", "5,000 clients come back at once, 100 missed messages each", ResumeAsync),
        new("failover", "the worker that hosts a busy room is killed", FailoverScenario.KillAsync),
        new("silent", "the worker that hosts a busy room falls silent: frozen, or cut off (as root)", FailoverScenario.SilenceAsync),
        new("coordinator", "the coordinator is killed and started again while rooms run", CoordinatorScenario.RunAsync),
        new("leader", "the leader of three coordinators is killed while rooms run", LeaderScenario.RunAsync),
        new("joins", "joins by three coordinators on an etcd of three members", JoinsScenario.RunAsync),
        new("drain", "workers leave one after the other", DrainScenario.RunAsync),
        new("storm", "5,000 clients of a killed worker come back to the others", StormScenario.RunAsync),
        new("workers", "the same load on 1, 2 and 4 workers with a PostgreSQL", WorkersScenario.RunAsync),
        new("many-rooms", "the same deliveries in 100 and in 20,000 rooms; memory of a room and a connection", ManyRoomsScenario.RunAsync),
        new("registry", "a million accounts, 100,000 rooms, 5 million memberships: start, snapshot, joins, memory", RegistryScenario.RunAsync),
        new("screen", "the terminal client: its start, typing at 1,000 messages/s, 50 rooms", ScreenScenario.RunAsync),
    ];

    private static async Task<IReadOnlyList<Row>> FanoutAsync(BenchOptions options)
    {
        var (dchat, bare) = await InTurnAsync(options, [.. Common(options), "--users", "200", "--rooms", "1", "--no-read-back"]);
        return
        [
            Row.AtLeast("fanout", DeliveriesPerSecond, Series.Of(dchat, run => run.DeliveriesPerSecond), Series.Of(bare, run => run.DeliveriesPerSecond), 1.0),
            Row.Untargeted("fanout", CpuPerMillion, Series.Of(dchat, run => run.ServerCpuSecondsPerMillionDeliveries), Series.Of(bare, run => run.ServerCpuSecondsPerMillionDeliveries)),
            Row.Untargeted("fanout", "load generator's share of the machine", Series.Of(dchat, run => run.OwnCpuShare), Series.Of(bare, run => run.OwnCpuShare)),
        ];
    }

    private static async Task<IReadOnlyList<Row>> SteadyAsync(BenchOptions options, string name, int users, int rooms)
    {
        var (dchat, bare) = await InTurnAsync(options, [.. Common(options), "--users", Text(users), "--rooms", Text(rooms), "--deliveries", "10000"]);
        return
        [
            Row.AtMost(name, CpuPerMillion, Series.Of(dchat, run => run.ServerCpuSecondsPerMillionDeliveries), Series.Of(bare, run => run.ServerCpuSecondsPerMillionDeliveries), 1.15),
            Row.AtMost(name, "send→delivery p99 ms", Series.Of(dchat, run => run.SendToDelivery!.P99), Series.Of(bare, run => run.SendToDelivery!.P99), 1.5),
            Row.Untargeted(name, "send→ack p99 ms", Series.Of(dchat, run => run.SendToAck!.P99), Series.Of(bare, run => run.SendToAck!.P99)),
        ];
    }

    private static async Task<IReadOnlyList<Row>> DurableAsync(BenchOptions options)
    {
        var (sends, inserts) = (new List<LoadReport>(), new List<double>());
        for (var repeat = 0; repeat < options.Repeats; repeat++)
        {
            inserts.Add(await Task.Run(() => BareInsert.RowsPerSecond(options.Duration)));
            await using var dchat = await Subject.StartDChatAsync();
            sends.Add(await LoadProcess.RunAsync(dchat, [.. Common(options), "--scenario", "rooms-of-one", "--users", "200", "--in-flight", "1"]));
            options.Tell($"durable: {sends[^1].AcksPerSecond:N0} acks/s, bare insert {inserts[^1]:N0} rows/s");
        }

        return
        [
            Row.AtLeast("durable", "acks/s against rows/s", Series.Of(sends, run => run.AcksPerSecond), new Series(inserts), 0.6),
            Row.Untargeted("durable", "send→ack p99 ms", Series.Of(sends, run => run.SendToAck!.P99)),
        ];
    }

    private static async Task<IReadOnlyList<Row>> IdleAsync(BenchOptions options)
    {
        var (dchat, bare) = await InTurnAsync(
            options,
            ["--scenario", "idle", "--users", Text(options.Connections), "--rooms", Text(options.Connections / 50), "--members", "50", "--duration", "15"]);
        return
        [
            Row.AtMost("idle", "KiB a connection", Series.Of(dchat, run => run.BytesPerConnection / Kibi), Series.Of(bare, run => run.BytesPerConnection / Kibi), 1.0),
            Row.AtLeast("idle", "connects/s with a token", Series.Of(dchat, run => run.Connecting!.PerSecond), 1_000),
            Row.Untargeted("idle", "connects/s", Series.Of(dchat, run => run.Connecting!.PerSecond), Series.Of(bare, run => run.Connecting!.PerSecond)),
        ];
    }

    private static async Task<IReadOnlyList<Row>> HistoryAsync(BenchOptions options)
    {
        string[] ask = ["--users", "10", "--rooms", "1", .. Common(options)];
        await using var dchat = await Subject.StartDChatAsync();
        var small = new List<LoadReport>();
        var large = new List<LoadReport>();
        var search = new List<LoadReport>();
        for (var repeat = 0; repeat < options.Repeats; repeat++)
        {
            small.Add(await LoadProcess.RunAsync(dchat, [.. ask, "--scenario", "history", "--rate", "200", "--prefix", "small", "--fill", repeat == 0 ? "10000" : "0"]));
            large.Add(await LoadProcess.RunAsync(dchat, [.. ask, "--scenario", "history", "--rate", "200", "--prefix", "large", "--fill", repeat == 0 ? Text(options.LargeRoom) : "0"]));
            search.Add(await LoadProcess.RunAsync(dchat, [.. ask, "--scenario", "search", "--prefix", "large", "--fill", "0", "--rate", "20"]));
            options.Tell($"history p99 {small[^1].Queries!.P99:0.0} ms of 10,000, {large[^1].Queries!.P99:0.0} ms of {options.LargeRoom:N0}; search p99 {search[^1].Queries!.P99:0.0} ms");
        }

        return
        [
            Row.AtMost("history", "last 100 of 10,000, p99 ms", Series.Of(small, run => run.Queries!.P99), 5),
            Row.AtMost("history", Named(options, "last 100 of {0}, p99 ms"), Series.Of(large, run => run.Queries!.P99), 5),
            Row.AtMost("history", "the large room's against the small one's", Series.Of(large, run => run.Queries!.P99), Series.Of(small, run => run.Queries!.P99), 1.5),
            Row.AtMost("search", Named(options, "in {0}, p99 ms"), Series.Of(search, run => run.Queries!.P99), 50),
        ];
    }

    private static async Task<IReadOnlyList<Row>> ResumeAsync(BenchOptions options)
    {
        var runs = new List<LoadReport>();
        var rooms = options.Resumers / 50;
        for (var repeat = 0; repeat < options.Repeats; repeat++)
        {
            // One member of each room stays and writes.
            await using var dchat = await Subject.StartDChatAsync();
            runs.Add(await LoadProcess.RunAsync(
                dchat,
                ["--scenario", "resume", "--users", Text(options.Resumers + rooms), "--rooms", Text(rooms), "--members", "51", "--fill", "100"]));
            options.Tell($"resume: {runs[^1].ResumeSeconds:0.00} s");
        }

        return [Row.AtMost("resume", Named(options, "seconds until all are gap-free"), Series.Of(runs, run => run.ResumeSeconds!.Value), 5)];
    }

    private static async Task<(IReadOnlyList<LoadReport> DChat, IReadOnlyList<LoadReport> Bare)> InTurnAsync(BenchOptions options, string[] arguments)
    {
        var (dchats, bares) = (new List<LoadReport>(), new List<LoadReport>());
        for (var repeat = 0; repeat < options.Repeats; repeat++)
        {
            await using (var bare = await Subject.StartYardstickAsync("bare-hub"))
            {
                bares.Add(await LoadProcess.RunAsync(bare, arguments));
                options.Tell(Summary("bare hub", bares[^1]));
            }

            await using (var dchat = await Subject.StartDChatAsync())
            {
                dchats.Add(await LoadProcess.RunAsync(dchat, arguments));
                options.Tell(Summary("D-Chat", dchats[^1]));
            }
        }

        return (dchats, bares);
    }

    private static string Summary(string who, LoadReport run) => string.Create(
        CultureInfo.InvariantCulture,
        $"  {who}: {run.DeliveriesPerSecond:N0} deliveries/s, {run.ServerCpuSecondsPerMillionDeliveries:0.00} CPU s a million, delivery p99 {run.SendToDelivery?.P99 ?? 0:0.0} ms, {run.BytesPerConnection / Kibi:0.0} KiB a connection, {run.Connecting?.PerSecond ?? 0:N0} connects/s, load generator {run.OwnCpuShare:P0}");

    private static string[] Common(BenchOptions options) => ["--duration", Text(options.Duration.TotalSeconds), "--warmup", Text(options.Warmup.TotalSeconds)];

    private static string Named(BenchOptions options, string format) => string.Format(CultureInfo.InvariantCulture, format, options.LargeRoom.ToString("N0", CultureInfo.InvariantCulture));

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
