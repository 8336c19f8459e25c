using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Blobs;
using DChat.Server.Coordinator;
using DChat.Server.Http.Files;
using DChat.Server.Tests.Coordinator;
using DChat.Storage.Files;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Recovery;

/// <summary>While a backup is made, no file is removed.</summary>
public sealed class BlobHoldTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FileBlobStore _blobs;

    public BlobHoldTests() => _blobs = FileBlobStore.OpenFolder(_folder["blobs"]);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_hold_is_seen_by_others_until_it_ends()
    {
        var watch = new BlobHoldWatch(_blobs, TimeProvider.System);
        Assert.False(await watch.IsHeldAsync(default));
        await using (var hold = await BlobHold.TakeAsync(_blobs, TimeProvider.System, default))
        {
            Assert.False(hold.MayBeLost);
            Assert.True(await watch.IsHeldAsync(default));
        }

        Assert.False(await watch.IsHeldAsync(default));
    }

    [Fact]
    public async Task One_of_a_process_that_is_gone_holds_no_longer_than_its_lifetime()
    {
        var time = new HandTime();
        var watch = new BlobHoldWatch(_blobs, time);
        await _blobs.PutAsync(BlobHolds.Folder + "backup-1", new MemoryStream([1]), default);
        Assert.True(await watch.IsHeldAsync(default));
        time.Now += BlobHolds.Lifetime - TimeSpan.FromSeconds(1);
        Assert.True(await watch.IsHeldAsync(default));
        time.Now += TimeSpan.FromSeconds(2);
        Assert.False(await watch.IsHeldAsync(default));

        File.SetLastWriteTimeUtc(Path.Combine(_folder["blobs"], BlobHolds.Folder, "backup-1"), DateTime.UnixEpoch); // Renewed, whatever the clock there says.
        Assert.True(await watch.IsHeldAsync(default));
    }

    [Theory]
    [InlineData(1, 0, false)]
    [InlineData(4, 0, false)]
    [InlineData(6, 0, true)]
    [InlineData(0, 6, true)] // The machine slept, and its clock of uptime with it.
    public async Task One_that_was_not_renewed_for_too_long_stays_lost_when_it_is_renewed_again(int minutes, int asleep, bool isLost)
    {
        var time = new RungTime();
        var blobs = new FaultyBlobStore(_blobs);
        await using var hold = await BlobHold.TakeAsync(blobs, time, default);
        blobs.IsAway = true;
        time.Pass(TimeSpan.FromMinutes(minutes), TimeSpan.FromMinutes(asleep));
        Assert.Equal(isLost, hold.MayBeLost);
        blobs.IsAway = false;
        for (var i = 0; i < 2; i++)
        {
            // The second is written when the first is known to be.
            var before = Read();
            time.Pass(TimeSpan.FromSeconds(1));
            time.Ring();
            await Eventually.Holds(() => Read() != before);
        }

        Assert.Equal(isLost, hold.MayBeLost);

        string Read() => File.ReadAllText(Assert.Single(Directory.GetFiles(Path.Combine(_folder["blobs"], BlobHolds.Folder))));
    }

    [Fact]
    public async Task Files_of_a_room_that_is_deleted_meanwhile_are_removed_when_it_ends()
    {
        var replica = new RegistryReplica(TimeProvider.System);
        var time = new RungTime();
        var seen = new SeenBlobs(_blobs);
        Do(replica, new CreateAccount("", "", 1, "ann", "ann", [1]));
        Do(replica, new CreateRoom("", "ann", 1, "r1", "r1", null, RoomVisibility.Public, null, ""));
        await _blobs.PutAsync("files/r1/1/content", new MemoryStream([1]), default);
        using var purge = new RoomFilePurge(seen, replica, time, NullLogger<RoomFilePurge>.Instance);
        await using (await BlobHold.TakeAsync(_blobs, TimeProvider.System, default))
        {
            await purge.StartAsync(default);
            await time.WaitingAsync();
            Do(replica, new DeleteRoom("", "ann", 1, "r1"));
            Assert.NotNull(await _blobs.OpenAsync("files/r1/1/content", default));
            time.Ring(); // It looks again, and still it is held.
            await time.WaitingAsync();
            Assert.NotNull(await _blobs.OpenAsync("files/r1/1/content", default));
        }

        Assert.DoesNotContain(seen.Listed, folder => folder.StartsWith(FileId.Folder, StringComparison.Ordinal));
        time.Ring();
        await Eventually.Holds(async () => await _blobs.OpenAsync("files/r1/1/content", default) is null);
        await purge.StopAsync(default);
    }

    private static void Do(RegistryReplica replica, Command command)
    {
        var decision = RegistryMachine.Decide(replica.State, command, RegistryLimits.None);
        Assert.True(decision.Outcome.IsOk, decision.Outcome.Text);
        replica.Apply(replica.Index + 1, new RegistryEntry(RegistryEntryCodec.Version, 1, [decision.Record!]));
    }

    private sealed class SeenBlobs(IBlobStore inner) : IBlobStore
    {
        public ConcurrentQueue<string> Listed { get; } = new();

        public Task PutAsync(string name, Stream content, CancellationToken cancellation) => inner.PutAsync(name, content, cancellation);

        public Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation) => inner.OpenAsync(name, cancellation);

        public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellation)
        {
            Listed.Enqueue(prefix);
            await foreach (var blob in inner.ListAsync(prefix, cancellation))
            {
                yield return blob;
            }
        }

        public Task DeleteAsync(string name, CancellationToken cancellation) => inner.DeleteAsync(name, cancellation);

        public ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation) => default;

        public ValueTask DisposeAsync() => default;
    }
}
