using System.Globalization;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Durability;

/// <summary>G1, G3, G4, G5: the server dies at any moment, starts again, and nobody finds anything lost, doubled or out of order.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private static readonly TimeSpan LoadLimit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task G1_G3_G4_G5_kill_9_under_load_loses_doubles_and_reorders_nothing()
    {
        var random = new Random(Seed.Print(output));
        var rounds = LongTests.Pick(6, 200);
        await using var server = await ServerProcess.StartAsync(ServerProcess.WithoutRateLimits);
        var (killed, acknowledged) = (0, 0L);
        while (killed < rounds)
        {
            using var load = LoadGenerator.Start(
                server,
                "--reconnect",
                "--users", "24",
                "--rooms", "6",
                "--members", "12",
                "--duration", LongTests.Pick("8", "60"),
                "--warmup", "0",
                "--drain", "60",
                "--size", random.Next(1, 400).ToString(CultureInfo.InvariantCulture),
                "--seed", random.Next().ToString(CultureInfo.InvariantCulture));
            while (killed < rounds && await load.SendsAsync(server, random.Next(1, LongTests.Pick(1_500, 4_000)), LoadLimit)) // Of this load: it is past making its accounts.
            {
                await server.KillAsync();
                killed++;
                await server.RestartAsync();
            }

            var report = await load.FinishAsync(LoadLimit);
            acknowledged += (long)report["acknowledged"]!;
            output.WriteLine($"{killed} kills, {report["reconnects"]} reconnects, {report["resyncs"]} resyncs, {report["heldBack"]} held back, {acknowledged} acknowledged");
        }

        Assert.Equal(0, await server.TerminateAsync());
        Assert.InRange(StoredMessages.Check(server.Data), acknowledged, long.MaxValue);
    }
}
