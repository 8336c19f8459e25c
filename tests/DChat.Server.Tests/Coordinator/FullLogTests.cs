using System.Globalization;
using DChat.Core.ControlLog;
using DChat.Server.Coordinator;
using DChat.Storage.Etcd;
using DChat.Storage.Files;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A blob store that is away until the control log's etcd is full.</summary>
public sealed class FullLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _book = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task When_the_blob_store_is_back_the_registry_changes_again()
    {
        await using var etcd = await EtcdCluster.StartAsync(1, _ => ["--quota-backend-bytes", "700000"]);
        await using var node = await Node(etcd, Blobs()).StartAsync();
        await FillAsync(node);

        ((FaultyBlobStore)node.Blobs).IsAway = false;
        await ChangesAgainAsync(node);
    }

    [Fact]
    public async Task Nor_is_it_lost_where_nobody_led_by_then_and_no_snapshot_was_ever_written()
    {
        await using var etcd = await EtcdCluster.StartAsync(1, _ => ["--quota-backend-bytes", "700000"]);
        await using (var led = await Node(etcd, Blobs()).StartAsync())
        {
            await FillAsync(led);
        }

        Assert.Empty(Directory.GetFiles(_folder["blobs"], "*.snap", SearchOption.AllDirectories));
        await using var node = await Node(etcd, Blobs()).StartAsync(); // A lease is more than the full etcd takes.
        await ChangesAgainAsync(node);
        Assert.Contains(_book.Lines, line => line.Contains("this standby wrote snapshots/", StringComparison.Ordinal));
        var written = await node.Snapshots.ListAsync(CancellationToken.None);
        Assert.NotEmpty(written);
        Assert.DoesNotContain(written, snapshot => snapshot.Name.IsRestored);
    }

    private static async Task FillAsync(CoordinatorNode node)
    {
        await node.MakeAccountsAsync("before", 5);
        ((FaultyBlobStore)node.Blobs).IsAway = true;
        var made = 0;
        while (!node.Log.IsFull)
        {
            await Task.WhenAny(Task.WhenAll(Enumerable.Range(0, 50).Select(_ => node.Service.SubmitAsync(RegistryBench.Account($"more{made++}"), CancellationToken.None))), Full(node));
        }
    }

    private async Task ChangesAgainAsync(CoordinatorNode node)
    {
        var tries = 0; // Another name each time: what was answered as unavailable may be carried out all the same, and is then taken.
        await Eventually.Holds(async () => (await node.SubmitAsync(RegistryBench.Account(string.Create(CultureInfo.InvariantCulture, $"after{tries++}")))).Outcome.IsOk);
        Assert.NotNull(node.Replica.State.FindAccount("before4"));
        Assert.True((await node.Log.ReadBoundsAsync(CancellationToken.None)).First > 1, _book.ToString());
    }

    private static Task Full(CoordinatorNode node) => Eventually.Holds(() => node.Log.IsFull);

    private FaultyBlobStore Blobs() => new(FileBlobStore.OpenFolder(_folder["blobs"]));

    private CoordinatorNode Node(EtcdCluster etcd, FaultyBlobStore blobs) => new(
        new EtcdControlLog(EtcdUrl.Parse(etcd.Url()), TimeProvider.System, NullLogger<EtcdControlLog>.Instance),
        blobs,
        ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: true),
        new CoordinatorOptions
        {
            ScratchFolder = _folder["scratch"],
            AdminPasswordPath = _folder["admin"],
            SnapshotEntries = 100_000,
            SnapshotInterval = TimeSpan.Zero,
            SnapshotDays = 0,
            SnapshotRetry = TimeSpan.FromMilliseconds(200),
            CommandTimeout = TimeSpan.FromSeconds(2),
        },
        _book);
}
