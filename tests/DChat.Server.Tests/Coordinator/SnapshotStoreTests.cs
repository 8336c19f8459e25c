using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Tests.Recovery;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

public sealed class SnapshotStoreTests : IDisposable
{
    private static readonly byte[] PasswordHash = Encoding.ASCII.GetBytes("this-is-a-very-recognizable-password-hash");
    private static readonly byte[] SealedKey = Encoding.ASCII.GetBytes("this-is-a-very-recognizable-protection-key");

    private readonly TemporaryFolder _folder = new();
    private readonly FileBlobStore _blobs;
    private readonly SnapshotStore _store;

    public SnapshotStoreTests()
    {
        _blobs = FileBlobStore.OpenFolder(_folder["blobs"]);
        _store = Store("secret");
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A registry whose password hashes and token-protection keys are random, so that compression hides nothing of them: 64 KiB of each.</summary>
    internal static (RegistryState State, byte[] Hashes, byte[] Keys) Secretive()
    {
        const int Bytes = 64 * 1024;
        var (hashes, keys) = (new byte[Bytes], new byte[Bytes]);
        var random = new Random(Seed);
        random.NextBytes(hashes);
        random.NextBytes(keys);
        var state = RegistryState.Empty;
        foreach (var (i, key) in keys.Chunk(RegistryBounds.KeyBytes).Index())
        {
            state = After(state, new AddProtectionKey("", "", 1_000, $"key-{i}", key, 1, 2, 3));
        }

        foreach (var (i, hash) in hashes.Chunk(RegistryBounds.PasswordHashBytes).Index())
        {
            state = After(state, new CreateAccount("", "", 1_000, $"user{i}", null, hash));
        }

        return (state, hashes, keys);
    }

    /// <summary>A registry of some size, in which every kind of thing occurs that must not leak.</summary>
    internal static RegistryState Registry(int accounts, int seed = 1)
    {
        var random = new Random(seed);
        var state = RegistryState.Empty;
        Do(new AddProtectionKey("", "", 1_000, "key-1", SealedKey, 1, 2, 3));
        for (var i = 0; i < accounts; i++)
        {
            Do(new CreateAccount("", "", 1_000, $"user{i}", $"{random.NextInt64():x}{random.NextInt64():x}{random.NextInt64():x}", PasswordHash));
            if (i % 10 == 0)
            {
                Do(new CreateRoom("", $"user{i}", 1_000, $"room-{random.NextInt64():x}", $"Room {i}", null, DChat.Core.Rooms.RoomVisibility.Private, null, ""));
            }
        }

        return state;

        void Do(Command command) => state = After(state, command);
    }

    private static RegistryState After(RegistryState state, Command command)
    {
        var decision = RegistryMachine.Decide(state, command, RegistryLimits.None);
        Assert.True(decision.Outcome.IsOk, decision.Outcome.Text);
        return RegistryMachine.Apply(state, state.Index + 1, decision.Record!);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3_000)]
    public async Task What_is_written_is_found_by_listing_and_read_back(int accounts)
    {
        var state = Registry(accounts);

        var name = await _store.WriteAsync(state, 7, CancellationToken.None).Within();

        Assert.Equal((state.Index, 7L), (name.Index, name.Term));
        Assert.Equal([name], (await _store.ListAsync(CancellationToken.None).Within()).Select(found => found.Name));
        await Store("secret").VerifyAsync(name, CancellationToken.None).Within();
        RegistryBench.AssertSame(state, await Store("secret").ReadAsync(name, CancellationToken.None).Within());
        Assert.Empty(Directory.GetFiles(_folder["scratch"]));
    }

    [Fact]
    public async Task Who_leads_no_more_does_not_put_the_rest_of_it_together()
    {
        var away = new SnapshotStore(new FaultyBlobStore(_blobs) { IsAway = true }, ClusterSecret.LoadOrCreate(_folder["secret"], mayCreate: true), _folder["scratch"]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => away.WriteAsync(Registry(1), 1, new CancellationToken(canceled: true)).Within());
    }

    [Fact]
    public async Task What_was_not_read_back_as_it_was_written_does_not_stay_though_its_bytes_fit_its_name()
    {
        var before = await _store.WriteAsync(Registry(1), 1, CancellationToken.None).Within();
        var faulty = new FaultyBlobStore(_blobs) { Misreads = true };

        await Assert.ThrowsAsync<SnapshotDamagedException>(() => Store(faulty).WriteAsync(Registry(20), 1, CancellationToken.None).Within());
        Assert.Equal([before], await NamesAsync(_store));

        (faulty.Misreads, faulty.LosesAnswers) = (false, true);
        await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => Store(faulty).WriteAsync(Registry(20), 1, CancellationToken.None).Within());
        Assert.Equal([before], await NamesAsync(_store));
    }

    [Fact]
    public async Task Where_it_cannot_be_removed_it_is_not_listed_and_goes_before_the_next_is_written()
    {
        var before = await _store.WriteAsync(Registry(1), 1, CancellationToken.None).Within();
        var removes = false;
        var faulty = new FaultyBlobStore(_blobs) { Misreads = true, Removes = () => removes };
        var store = Store(faulty);
        await Assert.ThrowsAsync<SnapshotDamagedException>(() => store.WriteAsync(Registry(20), 1, CancellationToken.None).Within());
        faulty.Misreads = false;
        var left = Assert.Single(await NamesAsync(_store), name => name != before);
        Assert.Equal([left], store.Unproven);
        Assert.Equal([before], await NamesAsync(store));

        await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => store.WriteAsync(Registry(21), 1, CancellationToken.None).Within());
        Assert.Equal([left, before], await NamesAsync(_store));

        removes = true;
        var next = await store.WriteAsync(Registry(21), 1, CancellationToken.None).Within();
        Assert.Equal([next, before], await NamesAsync(_store));
        Assert.Empty(store.Unproven);
    }

    [Fact]
    public async Task What_a_killed_process_left_half_written_is_removed()
    {
        Directory.CreateDirectory(_folder["scratch"]);
        await File.WriteAllTextAsync(Path.Combine(_folder["scratch"], "snapshot-half.tmp"), "half");
        await File.WriteAllTextAsync(Path.Combine(_folder["scratch"], "control.db"), "somebody else's");

        await _store.WriteAsync(Registry(1), 1, CancellationToken.None).Within();

        Assert.Equal("control.db", Path.GetFileName(Assert.Single(Directory.GetFiles(_folder["scratch"]))));
    }

    [Fact]
    public async Task The_newest_is_listed_first_and_what_is_no_snapshot_is_left_out()
    {
        var old = await _store.WriteAsync(Registry(1), 9, CancellationToken.None).Within();
        var @new = await _store.WriteAsync(Registry(20), 2, CancellationToken.None).Within();
        await _blobs.PutAsync("snapshots/readme.txt", new MemoryStream([1]), CancellationToken.None);

        Assert.Equal([@new, old], (await _store.ListAsync(CancellationToken.None).Within()).Select(found => found.Name));
    }

    [Fact]
    public async Task Of_more_than_one_listing_holds_the_newest_are_listed()
    {
        var names = Enumerable.Range(1, SnapshotStore.ListMax + 2).Select(index => new SnapshotName(index, 1, new string('0', 32))).ToList();
        var many = new SnapshotStore(new ListedBlobs(names.Select(name => name.ToString())), ClusterSecret.LoadOrCreate(_folder["secret"], mayCreate: true), _folder["scratch"]);
        Assert.Equal(names.Skip(2).Reverse(), (await many.ListAsync(CancellationToken.None)).Select(found => found.Name));
    }

    [Fact]
    public async Task Every_flipped_byte_is_found()
    {
        var name = await _store.WriteAsync(Registry(200), 1, CancellationToken.None).Within();
        var good = await File.ReadAllBytesAsync(FileOf(name));
        var random = new Random(Seed);
        foreach (var at in Enumerable.Range(0, 64).Concat(Enumerable.Range(0, 60).Select(_ => random.Next(good.Length))).Append(good.Length - 1))
        {
            var bad = good.ToArray();
            bad[at] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(FileOf(name), bad);

            var error = await DamagedAsync(name);

            Assert.Equal(name, error.Snapshot);
            Assert.Contains(name.ToString(), error.Message);
        }
    }

    [Fact]
    public async Task Every_cut_is_found_and_so_is_what_was_added()
    {
        var name = await _store.WriteAsync(Registry(4_000), 1, CancellationToken.None).Within();
        var good = await File.ReadAllBytesAsync(FileOf(name));
        Assert.True(good.Length > SnapshotSeal.ChunkBytes, "more than one chunk");
        var header = SnapshotSeal.HeaderBytes(SealKind.Snapshot.Version);
        var firstChunk = header + 4 + SnapshotSeal.ChunkBytes + SnapshotSeal.TagBytes;
        foreach (var length in (int[])[0, 1, SnapshotSeal.HeadBytes, header - 1, header, firstChunk, good.Length / 2, good.Length - 1])
        {
            await File.WriteAllBytesAsync(FileOf(name), good[..length]);
            await DamagedAsync(name);
        }

        await File.WriteAllBytesAsync(FileOf(name), [.. good, 0]);
        await DamagedAsync(name);
        File.Delete(FileOf(name));
        await DamagedAsync(name);
    }

    [Fact]
    public async Task A_snapshot_under_another_ones_name_is_found()
    {
        var one = await _store.WriteAsync(Registry(1), 1, CancellationToken.None).Within();
        var two = await _store.WriteAsync(Registry(2), 1, CancellationToken.None).Within();
        File.Copy(FileOf(one), FileOf(two), overwrite: true);

        await Assert.ThrowsAsync<SnapshotDamagedException>(() => _store.ReadAsync(two, CancellationToken.None).Within());
    }

    [Fact]
    public async Task Without_the_secret_a_snapshot_tells_nothing()
    {
        var (state, hashes, keys) = Secretive();

        var name = await _store.WriteAsync(state, 1, CancellationToken.None).Within();

        var stored = await File.ReadAllBytesAsync(FileOf(name));
        var unsealed = Trace.Unsealed(stored, ClusterSecret.LoadOrCreate(_folder["secret"], mayCreate: false), SealKind.Snapshot);
        Assert.Equal((true, true), (Trace.IsIn(unsealed, hashes), Trace.IsIn(unsealed, keys)));
        Assert.Equal((false, false), (Trace.IsIn(stored, hashes), Trace.IsIn(stored, keys)));
        var error = await Assert.ThrowsAsync<SnapshotDamagedException>(() => Store("other").ReadAsync(name, CancellationToken.None).Within());
        Assert.Contains("another cluster secret", error.Message);
    }

    [Fact]
    public async Task The_same_registry_is_sealed_differently_each_time()
    {
        var state = Registry(5);

        var one = await _store.WriteAsync(state, 1, CancellationToken.None).Within();
        var two = await _store.WriteAsync(state, 1, CancellationToken.None).Within();

        Assert.NotEqual(one.Hash, two.Hash);
    }

    [Fact]
    public async Task What_a_killed_process_stored_and_nobody_can_read_is_found_though_it_is_whole()
    {
        var state = Registry(200);
        var plain = new MemoryStream();
        RegistrySnapshot.Write(state, plain);
        var bytes = plain.ToArray();
        await _store.VerifyAsync(await PutSealedAsync(_blobs, Secret("secret"), bytes, state.Index), CancellationToken.None).Within();
        foreach (var wrong in (byte[][])[bytes[..^1], bytes[..(bytes.Length / 2)], [], [.. bytes, .. new byte[200_000]]])
        {
            await DamagedAsync(await PutSealedAsync(_blobs, Secret("secret"), wrong, state.Index));
        }

        await DamagedAsync(await PutSealedAsync(_blobs, Secret("secret"), bytes, state.Index + 1));
    }

    /// <summary>As a leader does whose serializer, or memory, has a fault, and that is killed before it reads it back.</summary>
    internal static async Task<SnapshotName> PutSealedAsync(IBlobStore blobs, ClusterSecret secret, byte[] plain, long index)
    {
        var file = new MemoryStream();
        await using (var sealing = new SealingStream(file, SealKind.Snapshot, secret, index, 1, DateTimeOffset.UnixEpoch))
        await using (var compressed = new BrotliStream(sealing, CompressionLevel.Fastest))
        {
            await compressed.WriteAsync(plain);
        }

        var name = new SnapshotName(index, 1, SnapshotName.HashOf(SHA256.HashData(file.ToArray())));
        file.Position = 0;
        await blobs.PutAsync(name.ToString(), file, CancellationToken.None);
        return name;
    }

    [Fact]
    public async Task A_newer_format_is_named_as_such()
    {
        var name = await _store.WriteAsync(Registry(5), 1, CancellationToken.None).Within();
        var bytes = await File.ReadAllBytesAsync(FileOf(name));
        bytes[8] = 99;
        var newer = name with { Hash = SnapshotName.HashOf(SHA256.HashData(bytes)) };
        await File.WriteAllBytesAsync(FileOf(newer), bytes);

        var error = await Assert.ThrowsAsync<UnknownRegistryEventException>(() => _store.ReadAsync(newer, CancellationToken.None).Within());

        Assert.Contains("format 99", error.Message);
    }

    private const int Seed = 20_261_121;

    private string FileOf(SnapshotName name) => System.IO.Path.Combine(_folder["blobs"], name.ToString());

    private SnapshotStore Store(IBlobStore blobs) => new(blobs, ClusterSecret.LoadOrCreate(_folder["secret"], mayCreate: true), _folder["scratch"]);

    private static async Task<IEnumerable<SnapshotName>> NamesAsync(SnapshotStore store) => (await store.ListAsync(CancellationToken.None).Within()).Select(found => found.Name);

    private SnapshotStore Store(string secret) => new(_blobs, Secret(secret), _folder["scratch"]);

    private ClusterSecret Secret(string name) => ClusterSecret.LoadOrCreate(_folder[name], mayCreate: true);

    /// <summary>Whoever reads it and whoever only looks at it finds that.</summary>
    private async Task<SnapshotDamagedException> DamagedAsync(SnapshotName name)
    {
        await Assert.ThrowsAsync<SnapshotDamagedException>(() => _store.VerifyAsync(name, CancellationToken.None).Within());
        return await Assert.ThrowsAsync<SnapshotDamagedException>(() => _store.ReadAsync(name, CancellationToken.None).Within());
    }
}
