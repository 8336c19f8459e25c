using System.Collections.Concurrent;
using System.Text;
using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>Members that are killed, frozen and come back: what was answered stands once, in order, and nobody is told otherwise.</summary>
public sealed class EtcdFaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Appends_go_on_and_followers_miss_nothing_while_members_come_and_go()
    {
        var random = new Random(Seed.Print(output));
        var rounds = LongTests.Pick(4, 40);
        await using var etcd = await EtcdCluster.StartAsync();
        await using var leader = Open(etcd, "?lease=60"); // Elections are another test's matter.
        await using var standby = Open(etcd, "?lease=60");
        using var limit = new CancellationTokenSource(Limit * rounds);
        await using var leadership = await leader.CampaignAsync("a:1", limit.Token);
        var last = 0L;
        var seen = new List<LogEntry>();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var following = FollowAsync(standby, seen, done.Token);
        for (var round = 0; round < rounds; round++)
        {
            var member = etcd.Members[random.Next(3)];
            var kills = random.Next(2) == 0;
            output.WriteLine($"after entry {last}: {member.Name} is {(kills ? "killed" : "frozen")}");
            if (kills)
            {
                await member.KillAsync();
            }
            else
            {
                member.Freeze();
            }

            last = await AppendAsync(leader, leadership.Term, last, 30, limit.Token);
            if (kills)
            {
                await member.StartAgainAsync();
            }
            else
            {
                member.Thaw();
            }

            last = await AppendAsync(leader, leadership.Term, last, 10, limit.Token);
        }

        await Eventually.Holds(() => Volatile.Read(ref seen).Count >= last || following.IsFaulted, Limit);
        await done.CancelAsync();
        await following;
        Assert.Equal(Enumerable.Range(1, (int)last).Select(index => ((long)index, Text(index))), seen.Select(entry => (entry.Index, Encoding.UTF8.GetString(entry.Payload.Span))));
        Assert.Equal(new LogBounds(1, last), await standby.ReadBoundsAsync(limit.Token));
    }

    [Fact]
    public async Task Without_a_majority_nothing_is_committed_and_callers_are_told_in_time()
    {
        await using var etcd = await EtcdCluster.StartAsync();
        await using var log = Open(etcd, "?lease=60");
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).WaitAsync(Limit);
        Assert.Equal(1, await AppendAsync(log, leadership.Term, 0, 1, CancellationToken.None));
        await etcd.Members[0].KillAsync();
        await etcd.Members[1].KillAsync();

        await Assert.ThrowsAsync<ControlLogUnavailableException>(() => log.AppendAsync(leadership.Term, 2, Encoding.UTF8.GetBytes(Text(2)), CancellationToken.None)).WaitAsync(Limit);
        await Assert.ThrowsAsync<ControlLogUnavailableException>(() => log.ReadBoundsAsync(CancellationToken.None)).WaitAsync(Limit);

        await Task.WhenAll(etcd.Members[0].StartAgainAsync(), etcd.Members[1].StartAgainAsync());
        Assert.Equal(3, await AppendAsync(log, leadership.Term, 1, 2, CancellationToken.None));
        Assert.Equal(new LogBounds(1, 3), await log.ReadBoundsAsync(CancellationToken.None).WaitAsync(Limit));
    }

    private static EtcdControlLog Open(EtcdCluster etcd, string parameters) =>
        new(EtcdUrl.Parse(etcd.Url("faults", parameters)), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);

    private static string Text(long index) => $"entry {index}";

    /// <summary>As a leader does it: the identical append, until it is answered.</summary>
    private static async Task<long> AppendAsync(EtcdControlLog log, long term, long last, int count, CancellationToken cancellation)
    {
        for (var index = last + 1; index <= last + count; index++)
        {
            while (true)
            {
                try
                {
                    Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(term, index, Encoding.UTF8.GetBytes(Text(index)), cancellation));
                    break;
                }
                catch (ControlLogUnavailableException)
                {
                    cancellation.ThrowIfCancellationRequested();
                }
            }
        }

        return last + count;
    }

    [Fact]
    public async Task A_lease_that_etcd_makes_longer_is_said_and_held_for_as_long()
    {
        await using var etcd = await EtcdCluster.StartAsync(1, _ => ["--election-timeout", "3000"]);
        var said = new Said();
        await using var log = new EtcdControlLog(EtcdUrl.Parse(etcd.Url(parameters: "?lease=1")), TimeProvider.System, said);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        Assert.Contains(said.Lines, line => line.Contains("from 1 s to 5 s", StringComparison.Ordinal));
    }

    private sealed class Said : ILogger<EtcdControlLog>
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue(formatter(state, exception));
    }

    private static async Task FollowAsync(EtcdControlLog log, List<LogEntry> seen, CancellationToken done)
    {
        try
        {
            while (true)
            {
                try
                {
                    await foreach (var entry in log.FollowAsync(seen.Count + 1, done))
                    {
                        seen.Add(entry);
                    }
                }
                catch (ControlLogUnavailableException)
                {
                    done.ThrowIfCancellationRequested(); // As a coordinator does: it follows again from where it stands.
                }
            }
        }
        catch (OperationCanceledException) when (done.IsCancellationRequested)
        {
            // All was seen.
        }
    }
}
