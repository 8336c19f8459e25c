using System.Diagnostics;
using System.Globalization;
using DChat.Cluster.Tests.Durability;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Postgres;

/// <summary>
/// G1, G3, G4, G5 with the messages in a PostgreSQL whose standby takes over under load: what was acknowledged is there, sends go on at the new primary by
/// themselves, and nobody finds anything lost, doubled or out of order.
/// </summary>
public sealed class PostgresFailoverTests(ITestOutputHelper output)
{
    private static readonly TimeSpan LoadLimit = TimeSpan.FromMinutes(3);

    /// <summary>From the promotion to the next send that is acknowledged: well below the 10 s for which a send is held before it is refused.</summary>
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(6);

    /// <summary>Whether the primary is killed before; in the long form it also lives on, as where somebody is mistaken.</summary>
    public static TheoryData<bool> Killed => LongTests.Pick<TheoryData<bool>>([true], [true, false]);

    [Theory]
    [MemberData(nameof(Killed))]
    public async Task G1_G3_G4_G5_sends_go_on_at_a_standby_that_is_promoted_under_load(bool isKilledFirst)
    {
        await using var primary = await PostgresServer.StartAsync();
        var database = await primary.CreateDatabaseAsync();
        await using var standby = await primary.StartStandbyAsync();
        await primary.WaitForStandbysAsync();
        await using var server = await ServerProcess.StartAsync(
            [
                .. ServerProcess.WithoutRateLimits,
                "--store", $"postgres://{PostgresServer.User}@127.0.0.1:{primary.Port},127.0.0.1:{standby.Port}/{database}",
            ],
            environment: new Dictionary<string, string> { ["PGPASSWORD"] = PostgresServer.Password });
        using var load = LoadGenerator.Start(
            server,
            "--reconnect",
            "--users", "24",
            "--rooms", "6",
            "--members", "12",
            "--rate", "200",
            "--duration", "0",
            "--until-eof",
            "--warmup", "0",
            "--drain", "60",
            "--seed", Seed.Print(output).ToString(CultureInfo.InvariantCulture));
        Assert.True(await load.SendsAsync(server, 1_000, LoadLimit));
        if (isKilledFirst)
        {
            await primary.StopImmediatelyAsync();
            await Eventually.Holds(() => server.Log.Lines.Any(line => line.Contains("the message store is still away"))); // It asked the standby too.
            await standby.PromoteAsync();
        }
        else
        {
            await standby.PromoteAsync();
            await primary.StopImmediatelyAsync();
        }

        var started = Stopwatch.GetTimestamp();
        Assert.True(await load.SendsAsync(server, 1, LoadLimit));
        var pause = Stopwatch.GetElapsedTime(started);
        Assert.True(await load.SendsAsync(server, 1_000, LoadLimit));
        load.IsEnough();
        var report = await load.FinishAsync(LoadLimit);
        output.WriteLine($"{pause.TotalSeconds:0.00} s after the promotion; {report["acknowledged"]} acknowledged, {report["resyncs"]} resyncs, {report["heldBack"]} held back");
        Assert.Equal(0, await server.TerminateAsync());
        Assert.InRange(await StoredInPostgres.CheckAsync(standby, database), (long)report["acknowledged"]!, long.MaxValue);
        Assert.InRange(pause, TimeSpan.Zero, Prompt);
    }
}
