using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Storage.Files;
using DChat.Storage.Memory;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A coordinator whose log and snapshots another one may be at work on.</summary>
public sealed class OtherLeaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _book = new();
    private readonly MemoryControlCluster _cluster = new();

    public void Dispose()
    {
        _book.AssertClean();
        _cluster.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Who_may_not_truncate_any_more_removes_no_snapshot()
    {
        await using var node = await Node(new FaultyControlLog(new MemoryControlLog(_cluster)) { RefusesTruncation = true }).StartAsync();
        for (var written = 0; written < node.Options.SnapshotsKept + 3; written++)
        {
            await GrowAsync(node);
        }

        Assert.Equal(node.Options.SnapshotsKept + 3, (await node.Snapshots.ListAsync(CancellationToken.None)).Count);
        Assert.Equal(0, node.Keeper.TruncatedThrough);
        Assert.DoesNotContain(_book.Lines, line => line.Contains("removed", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_start_that_is_overtaken_by_truncation_begins_again(int times)
    {
        RegistryState before;
        await using (var first = await Node(new FaultyControlLog(new MemoryControlLog(_cluster))).StartAsync())
        {
            await first.MakeAccountsAsync("made", 5);
            before = first.Replica.State;
        }

        await using var node = await Node(new FaultyControlLog(new MemoryControlLog(_cluster)) { Overtaken = times }).StartAsync();
        RegistryBench.AssertSame(before, node.Replica.State);
    }

    [Fact]
    public async Task A_log_that_takes_the_first_entries_late_delays_the_start_and_no_more()
    {
        var lost = 3;
        var log = new FaultyControlLog(new MemoryControlLog(_cluster)) { NextFault = () => lost-- > 0 ? AppendFault.LostBefore : AppendFault.None };
        await using var node = await Node(log, TimeSpan.FromMilliseconds(100)).StartAsync(); // The first command is given up meanwhile.

        Assert.Equal(1, node.Replica.State.AccountCount);
        Assert.Single(node.Replica.State.ProtectionKeys);
        Assert.NotNull(node.Service.NewAdminPassword);
    }

    [Fact]
    public async Task A_log_that_ends_before_what_was_applied_ends_the_service()
    {
        var log = new FaultyControlLog(new MemoryControlLog(_cluster));
        await using var node = await Node(log).StartAsync();
        await node.MakeAccountsAsync("made", 5);

        log.Shown = bounds => bounds with { Last = 3 };
        _cluster.Depose();

        var damaged = await Assert.ThrowsAsync<ControlLogDamagedException>(() => node.Service.ExecuteTask!.Within());
        Assert.Contains("has applied entries up to 7", damaged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_standby_writes_no_snapshot_and_whoever_leads_next_begins_where_the_one_before_ended()
    {
        await using var first = await Node(new FaultyControlLog(new MemoryControlLog(_cluster))).StartAsync();
        await using var second = Node(new FaultyControlLog(new MemoryControlLog(_cluster)), isStandby: true);
        await second.StartAsync();
        for (var written = 0; written < first.Options.SnapshotsKept + 3; written++)
        {
            await GrowAsync(first);
            Assert.True(await second.Replica.WaitForAsync(first.Replica.Index, Eventually.DefaultLimit, CancellationToken.None));
        }

        var newest = first.Keeper.Index;
        Assert.Equal(0, second.Keeper.Index);
        Assert.True(first.Keeper.LogEntries > 0);
        Assert.Equal((null, 0L), (second.Keeper.Age, second.Keeper.LogEntries));
        Assert.All(await second.Snapshots.ListAsync(CancellationToken.None), snapshot => Assert.Equal(first.Service.Term, snapshot.Name.Term));

        _cluster.Depose();
        await Eventually.Holds(() => second.Service.IsLeader && second.Keeper.Age is not null);
        Assert.Equal(newest, second.Keeper.Index);
        Assert.Equal((null, 0L), (first.Keeper.Age, first.Keeper.LogEntries));
        Assert.DoesNotContain(await second.Snapshots.ListAsync(CancellationToken.None), snapshot => snapshot.Name.Term == second.Service.Term);

        await GrowAsync(second);
        Assert.Equal(second.Service.Term, (await second.Snapshots.ListAsync(CancellationToken.None))[0].Name.Term);
        Assert.Equal(newest, first.Keeper.Index);
    }

    /// <summary>Makes accounts until the next snapshot is there.</summary>
    private static async Task GrowAsync(CoordinatorNode node)
    {
        var index = node.Keeper.Index;
        await node.MakeAccountsAsync($"grow-{index}-", node.Options.SnapshotEntries);
        await Eventually.Holds(() => node.Keeper.Index > index);
    }

    private CoordinatorNode Node(FaultyControlLog log, TimeSpan? commandTimeout = null, bool isStandby = false) => new(
        log,
        FileBlobStore.OpenFolder(_folder["blobs"]),
        ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: true),
        new CoordinatorOptions
        {
            ScratchFolder = _folder["scratch"],
            AdminPasswordPath = _folder["initial-admin-password"],
            SnapshotEntries = 10,
            SnapshotInterval = TimeSpan.Zero,
            CommandTimeout = commandTimeout ?? Eventually.DefaultLimit,
            StartsAsLeader = !isStandby,
        },
        _book);
}
