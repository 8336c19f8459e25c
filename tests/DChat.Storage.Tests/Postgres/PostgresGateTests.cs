using System.Diagnostics;
using DChat.Core.Messages;
using DChat.Storage.Postgres;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Storage.Tests.Postgres;

/// <summary>A PostgreSQL that lets nobody in is hardly asked, and used again as soon as it does; of several hosts the one that can be written is used.</summary>
[Collection(PostgresTests.Name)]
public sealed class PostgresGateTests(PostgresFixture fixture, ITestOutputHelper output) : IAsyncLifetime
{
    private const int Callers = 40;
    private const int Rounds = 100;
    private string _database = "";

    public async Task InitializeAsync() => _database = await fixture.Server.CreateDatabaseAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task A_server_that_recovers_is_asked_by_one_probe_and_everybody_goes_on_when_it_lets_in()
    {
        await using var door = new PostgresDoor(fixture.Server.Port);
        await using var host = new PostgresHost(PostgresHost.OpenStore(Url(door.Port.ToString())), "room", 1);
        await host.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("before"));

        var refused = 0;
        door.Refuse();
        var (before, started) = (door.Asked, Stopwatch.GetTimestamp());
        var callers = Enumerable.Range(0, Callers).Select(_ => ReadAsync()).ToList();
        var writing = host.WriteAsync(PostgresHost.Post("during"));
        await Eventually.Holds(() => Volatile.Read(ref refused) >= 5 * Callers);
        var (asked, seconds) = (door.Asked - before, Stopwatch.GetElapsedTime(started).TotalSeconds);
        output.WriteLine($"{asked} connections asked for in {seconds:0.0} s, {refused} calls refused");

        // Those who were on their way when it shut, and the probe.
        Assert.InRange(asked, 1, Callers + PostgresUrl.DefaultConnections + (seconds * 1_000 / PostgresGate.KnockMs) + 2);
        Assert.False(writing.IsCompleted);
        Assert.All(callers, caller => Assert.False(caller.IsCompleted));

        door.LetIn();
        await Task.WhenAll(callers).Within();
        await writing.Within();
        Assert.Equal(["before", "during"], (await host.ReadAllAsync()).Select(message => message.ClientId));

        async Task ReadAsync()
        {
            while (true)
            {
                try
                {
                    Assert.Equal(1, (await host.Store.ReadEpochsAsync(["room"], default))[0]);
                    return;
                }
                catch (MessageStoreUnavailableException)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        }
    }

    [Fact]
    public async Task Whoever_waits_is_told_why_within_the_time_that_a_call_may_take()
    {
        await using var door = new PostgresDoor(fixture.Server.Port);
        await using var host = new PostgresHost(PostgresHost.OpenStore(Url(door.Port.ToString())), "room", 1);
        await host.OpenAsync();
        door.Refuse();
        var told = await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => host.Store.CheckAsync(default)).Within();
        Assert.Contains("in recovery (57P03)", told.Message);
        Assert.DoesNotContain(Uri.EscapeDataString(PostgresServer.Password), told.ToString());
        using var impatient = new CancellationTokenSource();
        var asked = host.Store.ReadIdAsync(impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => asked).Within();
    }

    [Fact]
    public async Task A_silent_host_holds_nobody_up_while_another_can_be_written()
    {
        await using var silent = new PostgresDoor(fixture.Server.Port);
        await using var other = new PostgresDoor(fixture.Server.Port);
        await using var host = new PostgresHost(PostgresHost.OpenStore(Url($"{silent.Port},127.0.0.1:{other.Port}")), "room", 1);
        await host.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("before"));
        silent.FallSilent();
        await host.WriteAsync(PostgresHost.Post("after"));

        // Only a probe asks it again, and hardly ever, however often connections to the other one end.
        var asked = silent.Asked;
        for (var i = 0; i < Rounds; i++)
        {
            await fixture.Server.ExecuteAsync("postgres", $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_database}'");
            Assert.Equal(2, (await host.ReadAllAsync()).Count);
        }

        Assert.InRange(silent.Asked - asked, 0, Rounds / 10);
    }

    private string Url(string hostAndPort) => fixture.Server.Url(_database).Replace($":{fixture.Server.Port}/", $":{hostAndPort}/");
}
