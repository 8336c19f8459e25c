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
        await using var blobs = new FaultyBlobStore(FileBlobStore.OpenFolder(_folder["blobs"]));
        await using var first = await Node(etcd, blobs).StartAsync();
        await first.MakeAccountsAsync("before", 5);
        blobs.IsAway = true;
        var made = 0;
        while (!first.Log.IsFull)
        {
            await Task.WhenAny(Task.WhenAll(Enumerable.Range(0, 50).Select(_ => first.Service.SubmitAsync(RegistryBench.Account($"more{made++}"), CancellationToken.None))), Full(first));
        }

        blobs.IsAway = false;
        var tries = 0; // Another name each time: what was answered as unavailable may be carried out all the same, and is then taken.
        await Eventually.Holds(async () => (await first.SubmitAsync(RegistryBench.Account(string.Create(CultureInfo.InvariantCulture, $"after{tries++}")))).Outcome.IsOk);
        Assert.NotNull(first.Replica.State.FindAccount("before4"));
        Assert.True((await first.Log.ReadBoundsAsync(CancellationToken.None)).First > 1, _book.ToString());
    }

    private static Task Full(CoordinatorNode node) => Eventually.Holds(() => node.Log.IsFull);

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
