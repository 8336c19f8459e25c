using DChat.Core.Blobs;
using DChat.Server.Blobs;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Http.Files;
using DChat.Server.Recovery;
using DChat.Server.Recovery.Backups;
using DChat.Server.Worker;
using DChat.Storage.Files;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Recovery;

/// <summary>A backup that may lack something is none.</summary>
public sealed class BackupRunTests(LostCluster lost) : IClassFixture<LostCluster>
{
    [Theory]
    [InlineData(4, false)]
    [InlineData(6, true)]
    public async Task One_that_could_not_hold_the_files_for_too_long_is_not_stored_though_it_holds_them_again(int minutes, bool isLost)
    {
        using var cluster = lost.Copy();
        var time = new RungTime();
        var secret = ClusterSecret.LoadOrCreate(cluster.SecretFile, mayCreate: false);
        var options = new ServerOptions { Data = cluster.Data };
        await using var store = MessageStores.OpenArchive(options, TimeProvider.System);
        await using var blobs = new LapsingBlobs(FileBlobStore.OpenFolder(options.BlobsPath), time, TimeSpan.FromMinutes(minutes));
        await using var place = FileBlobStore.OpenFolder(cluster["backups"]);
        var to = new BackupStore(place, secret);
        var making = new BackupRun(options, store, blobs, secret, time, NullLoggerFactory.Instance, new SilentProgress()).RunAsync(to, default).Within();
        if (isLost)
        {
            Assert.Contains("Make another backup", (await Assert.ThrowsAsync<RestoreRefusedException>(() => making)).Message, StringComparison.Ordinal);
            Assert.Empty(await to.ListAsync(default));
        }
        else
        {
            var (name, end) = await making;
            Assert.Equal(end, (await to.VerifyAsync(name, default).Within()).End);
        }

        Assert.True(blobs.Renewals > 1);
    }

    /// <summary>When the first file is read time passes, and then the hold is renewed.</summary>
    private sealed class LapsingBlobs(IBlobStore inner, RungTime time, TimeSpan lapse) : IBlobStore
    {
        private int _renewals;
        private bool _lapsed;

        public int Renewals => Volatile.Read(ref _renewals);

        public async Task PutAsync(string name, Stream content, CancellationToken cancellation)
        {
            await inner.PutAsync(name, content, cancellation);
            Interlocked.Increment(ref _renewals);
        }

        public async Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation)
        {
            if (name.StartsWith(FileId.Folder, StringComparison.Ordinal) && !_lapsed)
            {
                _lapsed = true;
                time.Pass(lapse);
                for (var before = Renewals; Renewals < before + 2;)
                {
                    var known = Renewals; // The second is written when the first is known to be.
                    time.Ring();
                    await Eventually.Holds(() => Renewals > known);
                }
            }

            return await inner.OpenAsync(name, cancellation);
        }

        public IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellation) => inner.ListAsync(prefix, cancellation);

        public Task DeleteAsync(string name, CancellationToken cancellation) => inner.DeleteAsync(name, cancellation);

        public ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation) => default;

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
