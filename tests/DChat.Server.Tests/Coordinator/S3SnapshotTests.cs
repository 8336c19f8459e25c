using Amazon.Runtime;
using DChat.Server.Coordinator;
using DChat.Storage.S3;
using DChat.Storage.Sqlite.ControlLog;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Snapshots of the registry in a real S3 server: written, read back, listed, thinned out, recovered from; the log is truncated behind them.</summary>
public sealed class S3SnapshotTests : IAsyncLifetime
{
    private const string Bucket = "snapshots";

    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _book = new();
    private SwiftServer _swift = null!;

    public async Task InitializeAsync()
    {
        _swift = await SwiftServer.StartAsync();
        await _swift.CreateBucketAsync(Bucket);
    }

    public async Task DisposeAsync()
    {
        _book.AssertClean();
        await _swift.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Snapshots_live_in_S3_and_its_absence_delays_truncation_and_stops_nothing()
    {
        await using (var node = await StartAsync())
        {
            await GrowAsync(node, snapshots: 4);
            Assert.InRange((await node.Snapshots.ListAsync(CancellationToken.None)).Count, 2, node.Options.SnapshotsKept + 1);
            var truncated = node.Keeper.TruncatedThrough;
            Assert.True(truncated > 1);
            Assert.Equal(truncated + 1, (await node.Log.ReadBoundsAsync(CancellationToken.None)).First);

            await _swift.KillAsync();
            await node.MakeAccountsAsync("away", 2 * node.Options.SnapshotEntries);
            var failures = node.Keeper.Failures;
            await Eventually.Holds(() => node.Keeper.Failures > failures);
            Assert.Equal(truncated, node.Keeper.TruncatedThrough);
            Assert.Contains("nobody listens at", node.Keeper.Error, StringComparison.Ordinal);
            Assert.Equal(node.Replica.Index - truncated, node.Keeper.LogEntries);

            await _swift.StartAgainAsync();
            await GrowAsync(node, snapshots: 2);
            Assert.True(node.Keeper.TruncatedThrough > truncated);
            await Eventually.Holds(() => node.Keeper.Error is null);
        }

        await using var again = await StartAsync();
        Assert.NotNull(again.Replica.State.FindAccount("away0"));
        Assert.Contains(_book.Lines, line => line.Contains("The registry stands at entry", StringComparison.Ordinal) && line.Contains(".snap", StringComparison.Ordinal));
    }

    private Task<CoordinatorNode> StartAsync()
    {
        var options = new CoordinatorOptions
        {
            ScratchFolder = _folder["scratch"],
            AdminPasswordPath = _folder["initial-admin-password"],
            SnapshotEntries = 10,
            SnapshotInterval = TimeSpan.Zero,
            SnapshotDays = 0,
            SnapshotRetry = TimeSpan.FromMilliseconds(20),
            CommandTimeout = Eventually.DefaultLimit,
        };
        var blobs = S3BlobStore.Open(
            new S3BlobStoreOptions { Url = S3Url.Parse(_swift.Url(Bucket)), Credentials = new BasicAWSCredentials(SwiftServer.AccessKey, SwiftServer.Secret), Retries = 1 },
            NullLogger<S3BlobStore>.Instance);
        return new CoordinatorNode(
            SqliteControlLog.Open(_folder["control.db"]), blobs, ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: true), options, _book).StartAsync();
    }

    private static async Task GrowAsync(CoordinatorNode node, int snapshots)
    {
        for (var i = 0; i < snapshots; i++)
        {
            var (index, truncated) = (node.Keeper.Index, node.Keeper.TruncatedThrough);
            await node.MakeAccountsAsync($"grow-{index}-", node.Options.SnapshotEntries);
            await Eventually.Holds(() => node.Keeper.Index > index && (node.Keeper.TruncatedThrough > truncated || (truncated == 0 && index == 0)));
        }
    }
}
