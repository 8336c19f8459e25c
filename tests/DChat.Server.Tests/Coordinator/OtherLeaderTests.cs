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
            var index = node.Keeper.Index;
            await node.MakeAccountsAsync($"grow-{index}-", node.Options.SnapshotEntries);
            await Eventually.Holds(() => node.Keeper.Index > index);
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

    private CoordinatorNode Node(FaultyControlLog log) => new(
        log,
        FileBlobStore.OpenFolder(_folder["blobs"]),
        ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: true),
        new CoordinatorOptions
        {
            ScratchFolder = _folder["scratch"],
            AdminPasswordPath = _folder["initial-admin-password"],
            SnapshotEntries = 10,
            SnapshotInterval = TimeSpan.Zero,
            CommandTimeout = Eventually.DefaultLimit,
        },
        _book);
}
