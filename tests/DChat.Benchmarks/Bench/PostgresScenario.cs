using System.Diagnostics;
using DChat.Benchmarks.Commit;
using DChat.Core.Messages;
using DChat.Storage.Postgres;
using DChat.Terminal.Load;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Benchmarks.Bench;

/// <summary>
/// What a durable message costs with PostgreSQL on the same machine: bare inserts into the store's schema, the store alone, the whole server.
/// Each batch is 200 messages, each in a room of its own, durable before the next.
/// </summary>
internal static class PostgresScenario
{
    private const int BatchSize = 200;
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(1);

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        var (inserts, writes, sends) = (new List<double>(), new List<double>(), new List<LoadReport>());
        await using var postgres = await PostgresServer.StartAsync(durable: true);
        for (var repeat = 0; repeat < options.Repeats; repeat++)
        {
            var database = await postgres.CreateDatabaseAsync();
            await using (var store = PostgresMessageStore.Open(
                new PostgresMessageStoreOptions { Url = PostgresUrl.Parse(postgres.Url(database)) }, TimeProvider.System, NullLogger<PostgresMessageStore>.Instance))
            {
                await using var bare = await BarePostgresInserts.OpenAsync(
                    $"Host=127.0.0.1;Port={postgres.Port};Username={PostgresServer.User};Password={PostgresServer.Password};Database={database};SSL Mode=Disable");
                inserts.Add(await RowsPerSecondAsync(() => bare.InsertAsync(BatchSize, rooms: BatchSize), options.Duration));
                writes.Add(await StoreAsync(store, options.Duration));
            }

            await postgres.DropDatabaseAsync(database);
            database = await postgres.CreateDatabaseAsync();
            await using (var dchat = await Subject.StartDChatAsync("--store", postgres.Url(database)))
            {
                sends.Add(await LoadProcess.RunAsync(
                    dchat,
                    ["--duration", $"{options.Duration.TotalSeconds}", "--warmup", $"{options.Warmup.TotalSeconds}", "--scenario", "rooms-of-one", "--users", $"{BatchSize}", "--in-flight", "1"]));
            }

            await postgres.DropDatabaseAsync(database);
            options.Tell($"durable-postgres: {sends[^1].AcksPerSecond:N0} acks/s, the store alone {writes[^1]:N0} messages/s, bare insert {inserts[^1]:N0} rows/s");
        }

        return
        [
            Row.AtLeast("durable-postgres", "store: messages/s against rows/s", new Series(writes), new Series(inserts), 0.6),
            Row.AtLeast("durable-postgres", "server: acks/s against rows/s", Series.Of(sends, run => run.AcksPerSecond), new Series(inserts), 0.6),
            Row.Untargeted("durable-postgres", "send→ack p99 ms", Series.Of(sends, run => run.SendToAck!.P99)),
        ];
    }

    private static async Task<double> StoreAsync(PostgresMessageStore store, TimeSpan duration)
    {
        string[] rooms = [.. Enumerable.Range(0, BatchSize).Select(i => $"room{i:d20}")];
        await store.OpenAsync([.. rooms.Select(room => new RoomAtEpoch(room, 1))], CancellationToken.None);
        var rev = 0L;
        return await RowsPerSecondAsync(
            async () =>
            {
                var batch = new RoomWrite[BatchSize];
                for (var i = 0; i < batch.Length; i++)
                {
                    var post = new PostMessage($"user{i}", Guid.NewGuid().ToString(), rev, MessageKind.Text, BareInserts.Body, null, [], []);
                    batch[i] = new RoomWrite(rooms[i], 1, rev, [post]);
                }

                rev = (await store.WriteAsync(batch, CancellationToken.None))[0].Rev;
            },
            duration);
    }

    private static async Task<double> RowsPerSecondAsync(Func<Task> insert, TimeSpan duration)
    {
        var rows = 0L;
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < Warmup)
        {
            await insert();
        }

        started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < duration)
        {
            await insert();
            rows += BatchSize;
        }

        return rows / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
