using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.Storage.Tests.ControlLog;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>Three real members that the tests share; each test has a log of its own in them.</summary>
public sealed class EtcdFixture : IAsyncLifetime
{
    public EtcdCluster Cluster { get; private set; } = null!;

    public async Task InitializeAsync() => Cluster = await EtcdCluster.StartAsync();

    public async Task DisposeAsync() => await Cluster.DisposeAsync();
}

public sealed class EtcdControlLogTests(EtcdFixture etcd) : SharedControlLogSpec, IClassFixture<EtcdFixture>
{
    private readonly string _prefix = $"test-{Guid.NewGuid():n}";

    protected override Task<IControlLog> OpenAsync() => Task.FromResult<IControlLog>(OpenLog());

    protected override async Task DeposeAsync()
    {
        await using var other = OpenLog();
        var leader = await other.ReadLeaderAsync(InTime);
        Assert.True(await other.DeposeAsync(leader!.Term, InTime));
    }

    private EtcdControlLog OpenLog() => new(EtcdUrl.Parse(etcd.Cluster.Url(_prefix)), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);

    [Fact]
    public async Task What_is_truncated_is_compacted_and_a_follower_from_before_is_sent_to_a_snapshot()
    {
        await using var log = OpenLog();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 100);
        Assert.True(await log.TruncateAsync(leadership.Term, 90, InTime));
        await AppendManyAsync(log, leadership.Term, 101, 110);

        await using var late = OpenLog();
        Assert.Equal(91, (await Assert.ThrowsAsync<EntryTruncatedException>(() => ReadAsync(late, 50, 1))).First);
        Assert.Equal(Enumerable.Range(91, 20).Select(i => (long)i), (await ReadAsync(late, 91, 20)).Select(entry => entry.Index));
    }

    [Fact]
    public async Task Large_entries_are_followed_by_watch_in_parts()
    {
        await using var log = OpenLog();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        var seen = ReadAsync(log, 1, 12);
        for (var index = 1; index <= 12; index++)
        {
            var large = new byte[ControlLogLimits.EntryBytesMax];
            Array.Fill(large, (byte)index);
            Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, index, large, InTime));
        }

        Assert.All(await seen, entry => Assert.True(entry.Payload.Span.IndexOfAnyExcept((byte)entry.Index) < 0));
    }
}
