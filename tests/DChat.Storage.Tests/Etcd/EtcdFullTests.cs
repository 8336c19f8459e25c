using System.Text;
using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>A real etcd whose database reaches its quota.</summary>
public sealed class EtcdFullTests
{
    /// <summary>Some entries of <see cref="EntryBytes"/> fill it.</summary>
    private const string QuotaBytes = "700000";

    private const int EntryBytes = 32 * 1024;

    [Fact]
    public async Task A_full_etcd_is_called_so_with_a_remedy_in_the_log_at_the_start_and_by_who_campaigns()
    {
        await using var etcd = await StartAsync();
        await using var log = Open(etcd);
        await using (var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within())
        {
            AssertSays((await FillAsync(log, leadership.Term)).Why);
        }

        AssertSays((await EtcdProbe.LookAsync(EtcdUrl.Parse(etcd.Url()), TimeProvider.System, _ => Assert.Fail("it is waited for")).Within()).ToString()!);

        var said = new SaidOnce();
        await using var other = new EtcdControlLog(EtcdUrl.Parse(etcd.Url()), TimeProvider.System, said);
        using var giveUp = new CancellationTokenSource();
        var campaign = other.CampaignAsync("b:1", giveUp.Token);
        AssertSays(await said.Error.Within());
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => campaign.Within());
    }

    /// <param name="asksForUsers">And the coordinator's has no more rights than the documentation asks for: etcd lets only root defragment.</param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_larger_quota_is_enough_the_alarm_is_ended(bool asksForUsers)
    {
        string[] flags = ["--quota-backend-bytes", QuotaBytes];
        await using var etcd = await EtcdCluster.StartAsync(1, _ => flags);
        using var folder = new TemporaryFolder();
        if (asksForUsers)
        {
            await etcd.RequirePasswordsAsync("chat", "of the log", "dchat");
            await File.WriteAllTextAsync(folder["password"], "of the log\n");
            using var client = new EtcdClient(EtcdUrl.Parse(Url()), TimeProvider.System);
            var refused = await Assert.ThrowsAsync<EtcdRefusedException>(() => client.DefragmentAsync(new Uri($"http://{etcd.Members[0].Address}"), Eventually.DefaultLimit, CancellationToken.None).Within());
            Assert.True(refused.IsNotPermitted, refused.Message);
        }

        await using var log = new EtcdControlLog(EtcdUrl.Parse(Url()), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        var last = await FillAsync(log, leadership.Term);

        await etcd.Members[0].KillAsync();
        flags[1] = "7000000";
        await etcd.Members[0].StartAgainAsync();

        await AppendsAgainAsync(log, leadership.Term, last.Index);

        string Url() => asksForUsers ? etcd.Url(parameters: $"?lease=60&passfile={folder["password"]}", user: "chat@") : etcd.Url(parameters: "?lease=60");
    }

    [Fact]
    public async Task What_is_gone_is_given_back_and_the_alarm_is_ended()
    {
        await using var etcd = await StartAsync();
        await using var log = Open(etcd);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        var last = await FillAsync(log, leadership.Term);

        using (var client = new EtcdClient(EtcdUrl.Parse(etcd.Url()), TimeProvider.System))
        {
            var keys = new EtcdKeys("dchat");
            await client.TxnAsync(new EtcdTxn([], [EtcdOperation.Delete(keys.Entry(0), keys.Entry(last.Index - 1))], []), CancellationToken.None).Within();
        }

        await AppendsAgainAsync(log, leadership.Term, last.Index);
    }

    [Fact]
    public async Task The_alarm_of_a_member_that_is_gone_for_good_is_ended_by_those_that_have_space()
    {
        await using var etcd = await EtcdCluster.StartAsync(3, member => member == 0 ? ["--quota-backend-bytes", QuotaBytes] : []);
        long last;
        await using (var log = Open(etcd))
        await using (var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within())
        {
            last = (await FillAsync(log, leadership.Term)).Index;
        }

        await etcd.Members[0].KillAsync();
        var left = EtcdUrl.Parse($"etcd://{etcd.Members[1].Address},{etcd.Members[2].Address}/dchat");
        await using var again = new EtcdControlLog(left, TimeProvider.System, NullLogger<EtcdControlLog>.Instance);
        await Eventually.Holds(() => again.IsFull);
        await using var watch = new EtcdControlLog(left, new QuickTime(), NullLogger<EtcdControlLog>.Instance);
        await using var next = await again.CampaignAsync("b:1", CancellationToken.None).Within();
        await AppendsAgainAsync(again, next.Term, last);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Space_is_made_behind_a_snapshot_by_the_leader_and_where_nobody_leads(bool leads)
    {
        await using var etcd = await StartAsync();
        await using var log = Open(etcd, "?lease=60");
        var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        var last = (await FillAsync(log, leadership.Term)).Index - 1;
        await Eventually.Holds(() => log.IsFull && log.Space is not null);
        Assert.Equal(QuotaBytes, log.Space!.BytesMax.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.InRange(log.Space.Bytes, log.Space.BytesMax / 2, log.Space.BytesMax * 10);
        Assert.False(await log.FreeAsync(leads ? leadership.Term + 1 : 0, last, CancellationToken.None).Within()); // Another leads.
        Assert.Equal(new LogBounds(1, last), await log.ReadBoundsAsync(CancellationToken.None).Within());
        if (!leads)
        {
            await leadership.DisposeAsync();
        }

        Assert.True(await log.FreeAsync(leads ? leadership.Term : 0, last, CancellationToken.None).Within());

        Assert.Equal(new LogBounds(last, last), await log.ReadBoundsAsync(CancellationToken.None).Within());
        var first = log.FollowAsync(1, CancellationToken.None).GetAsyncEnumerator();
        Assert.Equal(last, (await Assert.ThrowsAsync<EntryTruncatedException>(() => first.MoveNextAsync().AsTask().Within())).First);
        await using var next = leads ? leadership : await log.CampaignAsync("a:1", CancellationToken.None).Within();
        await AppendsAgainAsync(log, next.Term, last + 1);
        Assert.Equal(AppendOutcome.WrongIndex, await log.AppendAsync(next.Term, 1, Entry, CancellationToken.None).Within());
        await Assert.ThrowsAsync<InvalidOperationException>(() => log.BeginAfterAsync(next.Term, 1, CancellationToken.None).Within());
        Assert.True(await log.TruncateAsync(next.Term, last, CancellationToken.None).Within());
        Assert.Equal(new LogBounds(last + 1, last + 1), await log.ReadBoundsAsync(CancellationToken.None).Within());
    }

    private static async Task AppendsAgainAsync(EtcdControlLog log, long term, long index)
    {
        await Eventually.Holds(async () =>
        {
            try
            {
                return await log.AppendAsync(term, index, Entry, CancellationToken.None) == AppendOutcome.Committed;
            }
            catch (ControlLogUnavailableException)
            {
                return false;
            }
        });
    }

    private static byte[] Entry => Encoding.ASCII.GetBytes(new string('x', EntryBytes));

    private static Task<EtcdCluster> StartAsync() => EtcdCluster.StartAsync(1, _ => ["--quota-backend-bytes", QuotaBytes]);

    private static EtcdControlLog Open(EtcdCluster etcd, string parameters = "") => new(EtcdUrl.Parse(etcd.Url("dchat", parameters)), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);

    private static void AssertSays(string text)
    {
        Assert.Contains("its database is full", text, StringComparison.Ordinal);
        Assert.Contains("larger quota", text, StringComparison.Ordinal);
    }

    /// <summary>Appends until it is refused because etcd is full.</summary>
    /// <returns>The first entry that is not there, and why.</returns>
    private static async Task<(long Index, string Why)> FillAsync(EtcdControlLog log, long term)
    {
        for (var index = 1L; index < 100; index++)
        {
            try
            {
                Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(term, index, Entry, CancellationToken.None).Within());
            }
            catch (ControlLogUnavailableException unknown)
            {
                // What is not known to be there may be.
                index = (await log.ReadBoundsAsync(CancellationToken.None).Within()).Last;
                if (unknown.Message.Contains("is full", StringComparison.Ordinal))
                {
                    return (index + 1, unknown.Message);
                }
            }
        }

        throw new InvalidOperationException("it is never full");
    }

    /// <summary>What takes a minute is over in a second; timers are the machine's.</summary>
    private sealed class QuickTime : TimeProvider
    {
        public override long GetTimestamp() => System.GetTimestamp() * 60;
    }

    private sealed class SaidOnce : ILogger<EtcdControlLog>
    {
        private readonly TaskCompletionSource<string> _error = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Error => _error.Task;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error)
            {
                _error.SetResult(formatter(state, exception)); // A second one throws.
            }
        }
    }
}
