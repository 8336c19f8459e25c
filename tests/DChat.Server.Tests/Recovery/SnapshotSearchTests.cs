using System.IO.Compression;
using System.Security.Cryptography;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Recovery;
using DChat.Server.Tests.Coordinator;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Server.Tests.Recovery;

/// <summary>Which snapshot a restore takes for a moment, also where copying gave all of them another time.</summary>
public sealed class SnapshotSearchTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();
    private readonly FileBlobStore _blobs;
    private readonly ClusterSecret _secret;

    public SnapshotSearchTests()
    {
        _blobs = FileBlobStore.OpenFolder(_folder["blobs"]);
        _secret = ClusterSecret.LoadOrCreate(_folder["secret"], mayCreate: true);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_copy_goes_by_the_time_at_which_it_was_written()
    {
        var names = new List<SnapshotName>();
        for (var hour = 0; hour < 3; hour++)
        {
            names.Add(await Store(Noon.AddHours(hour)).WriteAsync(SnapshotStoreTests.Registry(hour + 1), 1, CancellationToken.None).Within());
            StoredAt(names[^1], Noon.AddDays(30));
        }

        DateTimeOffset?[] written = [Noon, Noon.AddHours(1), Noon.AddHours(2)];
        Assert.Equal(written, await Task.WhenAll(names.Select(name => Store(Noon).VerifyAsync(name, CancellationToken.None))).Within());
        Assert.Equal(names[2].Index, await ChosenAsync("2026-05-10"));
        Assert.Equal(names[2].Index, await ChosenAsync("2026-05-01T14:00Z"));
        Assert.Equal(names[1].Index, await ChosenAsync("2026-05-01T13:59:59Z"));
        Assert.Equal(names[0].Index, await ChosenAsync("2026-05-01T12:00Z"));
        await Assert.ThrowsAsync<RestoreRefusedException>(() => ChosenAsync("2026-05-01T11:59Z"));
    }

    [Fact]
    public async Task One_of_the_format_before_is_read_and_goes_by_the_blob_stores_time()
    {
        var state = SnapshotStoreTests.Registry(5);
        var old = await PutOldAsync(state);
        StoredAt(old, Noon);
        StoredAt(await Store(Noon.AddHours(1)).WriteAsync(SnapshotStoreTests.Registry(6), 1, CancellationToken.None).Within(), Noon);

        Assert.Null(await Store(Noon).VerifyAsync(old, CancellationToken.None).Within());
        RegistryBench.AssertSame(state, await Store(Noon).ReadAsync(old, CancellationToken.None).Within());
        Assert.Equal(old.Index, await ChosenAsync("2026-05-01T12:30Z"));
        await Assert.ThrowsAsync<RestoreRefusedException>(() => ChosenAsync("2026-05-01T11:59Z"));
    }

    /// <summary>As a program of before wrote it.</summary>
    private async Task<SnapshotName> PutOldAsync(RegistryState state)
    {
        var bytes = new MemoryStream();
        await using (var sealing = new SealingStream(bytes, SealKind.Snapshot with { Version = 1 }, _secret, state.Index, 1, Noon))
        await using (var compressed = new BrotliStream(sealing, CompressionLevel.Fastest))
        {
            RegistrySnapshot.Write(state, compressed);
        }

        bytes.Position = 0;
        var name = new SnapshotName(state.Index, 1, SnapshotName.HashOf(SHA256.HashData(bytes.ToArray())));
        await _blobs.PutAsync(name.ToString(), bytes, CancellationToken.None);
        return name;
    }

    private void StoredAt(SnapshotName name, DateTimeOffset time) => File.SetLastWriteTimeUtc(Path.Combine(_folder["blobs"], name.ToString()), time.UtcDateTime);

    private async Task<long> ChosenAsync(string at)
    {
        var store = Store(Noon.AddYears(1));
        var search = new SnapshotSearch(store, _blobs, "there", new SilentProgress());
        return (await search.ChooseAsync(await store.ListAsync(CancellationToken.None), RestoreMoment.Parse(at), CancellationToken.None).Within()).Registry.Index;
    }

    private SnapshotStore Store(DateTimeOffset now) => new(_blobs, _secret, _folder["scratch"], new Calendar(now));

    private sealed class Calendar(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
