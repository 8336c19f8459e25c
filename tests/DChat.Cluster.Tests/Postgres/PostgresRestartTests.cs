using System.Globalization;
using DChat.Cluster.Tests.Durability;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Postgres;

/// <summary>
/// G1, G3, G4, G5 with the messages in PostgreSQL, which restarts and crashes at any moment under load: sends are answered late, or
/// <c>unavailable</c> and repeated; nobody finds anything lost, doubled or out of order.
/// </summary>
public sealed class PostgresRestartTests(ITestOutputHelper output)
{
    private static readonly TimeSpan LoadLimit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task G1_G3_G4_G5_restarts_of_PostgreSQL_under_load_lose_double_and_reorder_nothing()
    {
        var random = new Random(Seed.Print(output));
        var rounds = LongTests.Pick(4, 60);
        await using var postgres = await PostgresServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using var server = await ServerProcess.StartAsync(
            [.. ServerProcess.WithoutRateLimits, "--store", $"postgres://{PostgresServer.User}@127.0.0.1:{postgres.Port}/{database}"],
            environment: new Dictionary<string, string> { ["PGPASSWORD"] = PostgresServer.Password });
        server.Log.Forbid(PostgresServer.Password);

        var (restarts, acknowledged) = (0, 0L);
        while (restarts < rounds)
        {
            // Another one where it ended before all the restarts: a slow machine sends less in its time.
            using var load = LoadGenerator.Start(
                server,
                "--reconnect",
                "--users", "24",
                "--rooms", "6",
                "--members", "12",
                "--duration", LongTests.Pick("15", "300"),
                "--warmup", "0",
                "--drain", "60",
                "--seed", random.Next().ToString(CultureInfo.InvariantCulture));
            while (restarts < rounds && await load.SendsAsync(server, random.Next(500, 4_000), LoadLimit))
            {
                await (random.Next(2) == 0 ? postgres.StopAsync() : postgres.StopImmediatelyAsync());
                await Task.Delay(random.Next(0, 500));
                await postgres.StartAgainAsync();
                restarts++;
            }

            var report = await load.FinishAsync(LoadLimit);
            acknowledged += (long)report["acknowledged"]!;
            output.WriteLine($"{restarts} restarts, {report["acknowledged"]} acknowledged, {report["resyncs"]} resyncs, {report["heldBack"]} held back");
        }

        Assert.Contains("is unknown; opening the rooms again", server.Log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("   at ", StringComparison.Ordinal)); // Causes, and no stack traces.
        Assert.Equal(0, await server.TerminateAsync());
        Assert.InRange(await StoredInPostgres.CheckAsync(postgres, database), acknowledged, long.MaxValue);
    }
}
