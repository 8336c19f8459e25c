using System.Net;
using System.Net.Sockets;
using DChat.Core.Blobs;
using DChat.Core.Messages;
using DChat.Server.Blobs;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Recovery;
using DChat.Server.Recovery.Backups;
using DChat.Server.Tests.Security;
using DChat.Server.Worker;
using DChat.Storage.Files;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Recovery;

/// <summary>A restore that ends in the middle leaves nothing that starts as if it were whole, and can be done again.</summary>
public sealed class InterruptedRestoreTests(LostCluster lost) : IClassFixture<LostCluster>
{
    public static TheoryData<string> Steps => [.. Enum.GetNames<Step>()];

    internal enum Step
    {
        StoreMarked,
        SnapshotStored,
        FilesCopied,
        StoreFilled,
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task Whatever_it_had_done_nothing_starts_and_it_can_be_done_again(string after)
    {
        using var cluster = lost.Copy();
        Directory.CreateDirectory(cluster["new"]);
        PrivateFile.Create(Path.Combine(cluster["new"], "cluster-secret"), await File.ReadAllBytesAsync(cluster.SecretFile));
        await Assert.ThrowsAsync<Interruption>(() => RestoreUntilAsync(cluster, Enum.Parse<Step>(after)));

        var (code, _, said) = await ServerProcess.RunAsync(["--data", cluster["new"], "--port", "0"]);
        Assert.True(code == CommandLine.Failure, said);
        Assert.Contains("dchat-server restore", said, StringComparison.Ordinal);

        (code, var output, said) = await ClusterToLose.RestoreAsync("--data", cluster["new"], "--from", $"file:{cluster.Data}/blobs", "--yes");
        Assert.True(code == CommandLine.Success, output + said);
        Assert.Single(Directory.GetFiles(Path.Combine(cluster["new"], "blobs", "snapshots"))); // What the first attempt left is gone.
        await using var server = await cluster.StartAsync(cluster["new"]);
        await cluster.CheckAsync(server, withMessages: false);
    }

    [Fact]
    public async Task A_mark_that_stayed_beside_a_living_clusters_snapshots_lets_nobody_overwrite_them()
    {
        using var cluster = lost.Copy();
        using var source = lost.Copy();
        await File.WriteAllTextAsync(Path.Combine(cluster.Data, "blobs", RestoreMark.Blob), "from somewhere");
        var (code, output, said) = await ClusterToLose.RestoreAsync(
            "--data", cluster["new"], "--blobs", $"file:{cluster.Data}/blobs", "--cluster-secret-file", cluster.SecretFile, "--from", $"file:{source.Data}/blobs", "--yes");
        Assert.True(code == CommandLine.BadConfiguration, output + said);
        Assert.Contains("it holds snapshots", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_in_place_that_fails_leaves_the_snapshots_as_they_were()
    {
        using var cluster = lost.Copy();
        Directory.CreateDirectory(cluster["new"]);
        string[] Snapshots() => Directory.GetFiles(Path.Combine(cluster.Data, "blobs", "snapshots"));
        var before = Snapshots();
        await Assert.ThrowsAsync<Interruption>(() => RestoreUntilAsync(cluster, Step.StoreFilled, inPlace: true));
        Assert.Equal(before.Order(), Snapshots().Order());
        await using var server = await cluster.StartAsync(); // The cluster that was there is not hindered.
    }

    [Fact]
    public async Task One_in_place_that_failed_when_an_empty_message_store_had_its_rooms_is_done_again_by_the_same_command()
    {
        using var cluster = lost.Copy();
        Directory.CreateDirectory(cluster["new"]);
        await Assert.ThrowsAsync<Interruption>(() => RestoreUntilAsync(cluster, Step.StoreFilled, inPlace: true));
        var blobs = $"file:{cluster.Data}/blobs";

        var (code, output, said) = await ClusterToLose.RestoreAsync("--data", cluster["new"], "--blobs", blobs, "--from", blobs, "--cluster-secret-file", cluster.SecretFile, "--yes");

        Assert.True(code == CommandLine.Success, output + said);
        Assert.Contains("1 room that a restore left which did not come to its end: emptied: 1 room begin WITHOUT THEIR MESSAGES", output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(cluster.Data, "blobs", RestoreMark.Blob)));
    }

    [Fact]
    public async Task One_in_place_that_was_killed_is_named_by_the_cluster_that_was_there_with_the_file_to_remove()
    {
        using var cluster = lost.Copy();
        Directory.CreateDirectory(cluster["new"]);
        string[] Snapshots() => Directory.GetFiles(Path.Combine(cluster.Data, "blobs", "snapshots"));
        var before = Snapshots();
        await Assert.ThrowsAsync<Interruption>(() => RestoreUntilAsync(cluster, Step.SnapshotStored, inPlace: true, isKilled: true));
        var left = Assert.Single(Snapshots().Except(before));

        var (code, _, said) = await ServerProcess.RunAsync(["--data", cluster.Data, "--port", "0"]);

        Assert.True(code == CommandLine.Failure, said);
        Assert.Contains("which a restore in place made", said, StringComparison.Ordinal);
        Assert.Contains($"remove 'snapshots/{Path.GetFileName(left)}' from the blobs", said, StringComparison.Ordinal);
        File.Delete(left);
        await using var server = await cluster.StartAsync();
    }

    [Fact]
    public async Task A_backup_whose_restore_ended_when_the_message_store_was_full_is_put_back_by_the_same_command()
    {
        using var cluster = lost.Copy();
        await BackUpAsync(cluster);
        await Assert.ThrowsAsync<Interruption>(() => RestoreUntilAsync(cluster, Step.StoreFilled, fromBackup: true));
        var (code, output, said) = await ServerProcess.RunAsync(["--data", cluster["new"], "--port", "0"]);
        Assert.True(code == CommandLine.Failure, output + said);
        Assert.Contains("dchat-server restore", said, StringComparison.Ordinal);

        string[] again = ["--data", cluster["new"], "--from", $"file:{cluster["backups"]}"];
        (code, output, said) = await ClusterToLose.RestoreAsync([.. again, "--blobs", $"file:{cluster["other"]}", "--yes"]);
        Assert.True(code == CommandLine.BadConfiguration, output + said); // No mark there says whose the messages are.
        Assert.Contains("the --blobs that were given to that one", said, StringComparison.Ordinal);

        (code, output, said) = await ClusterToLose.RestoreAsync([.. again, "--dry-run"]);
        Assert.True(code == CommandLine.Success, output + said);
        Assert.Contains("did not come to its end: emptied, then filled", output, StringComparison.Ordinal);
        (code, output, said) = await ClusterToLose.RestoreAsync([.. again, "--yes"]);
        Assert.True(code == CommandLine.Success, output + said);
        await using var server = await cluster.StartAsync(cluster["new"]);
        await cluster.CheckAsync(server);
    }

    [Fact]
    public async Task A_store_that_a_cluster_has_lived_with_is_not_emptied_though_a_mark_names_it()
    {
        using var cluster = lost.Copy();
        await BackUpAsync(cluster);
        Directory.CreateDirectory(cluster["new"]);
        File.Copy(cluster.SecretFile, Path.Combine(cluster["new"], "cluster-secret"));
        var (code, output, said) = await ClusterToLose.RestoreAsync("--data", cluster["new"], "--from", $"file:{cluster["backups"]}", "--yes");
        Assert.True(code == CommandLine.Success, output + said);
        var options = new ServerOptions { Data = cluster["new"] };
        await using (var archive = MessageStores.OpenArchive(options, TimeProvider.System))
        await using (var blobs = FileBlobStore.OpenFolder(cluster["other"]))
        {
            var store = await archive.LookAsync(default);
            await RestoreMark.WriteAsync(blobs, "a test", new RestoreMark(store.Id, store.EpochMax), default);
        }

        string[] again = ["--data", cluster["third"], "--cluster-secret-file", cluster.SecretFile, "--store", $"sqlite:{options.StorePath}", "--blobs", $"file:{cluster["other"]}", "--from", $"file:{cluster["backups"]}"];
        (code, output, said) = await ClusterToLose.RestoreAsync([.. again, "--dry-run"]);
        Assert.True(code == CommandLine.Success, output + said);
        await using (var server = await cluster.StartAsync(cluster["new"]))
        {
            await cluster.CheckAsync(server);
        }

        (code, output, said) = await ClusterToLose.RestoreAsync([.. again, "--yes"]);
        Assert.True(code == CommandLine.BadConfiguration, output + said);
        Assert.Contains("a restore overwrites nothing", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_at_which_the_member_cannot_listen_is_said_before_anything_is_done()
    {
        using var cluster = lost.Copy();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        string[] restore = ["--data", cluster["new"], "--cluster-secret-file", cluster.SecretFile, "--blobs", $"file:{cluster["other"]}", "--node", "c1", "--etcd-program", "/bin/false", "--from", $"file:{cluster.Data}/blobs"];
        foreach (var (address, why) in new[] { (other.LocalEndpoint.ToString()!, "the port is in use"), ("192.0.2.1:2380", "this machine has no address") })
        {
            foreach (var way in new[] { "--dry-run", "--yes" })
            {
                var (code, output, said) = await ClusterToLose.RestoreAsync([.. restore, "--peers", $"c1={address}", way]);
                Assert.True(code == CommandLine.BadConfiguration, output + said);
                Assert.Contains(why, said, StringComparison.Ordinal);
                Assert.False(Directory.Exists(cluster["other"]));
            }
        }
    }

    private static async Task BackUpAsync(ClusterToLose cluster)
    {
        var (code, output, said) = await ServerProcess.RunAsync(["backup", "--data", cluster.Data, "--to", $"file:{cluster["backups"]}"]);
        Assert.True(code == CommandLine.Success, output + said);
    }

    private static async Task RestoreUntilAsync(ClusterToLose cluster, Step last, bool inPlace = false, bool fromBackup = false, bool isKilled = false)
    {
        var time = new ShiftedTime();
        time.Advance(TimeSpan.FromHours(1)); // What it gave out is above what the next attempt's clock says.
        var options = new ServerOptions { Data = cluster["new"] };
        var secret = ClusterSecret.LoadOrCreate(cluster.SecretFile, mayCreate: false);
        await using var origin = FileBlobStore.OpenFolder(Path.Combine(cluster.Data, "blobs"));
        var snapshots = new SnapshotStore(origin, secret, Path.GetTempPath());
        var name = (await snapshots.ListAsync(default))[0].Name;
        IRestoreSource source = new SnapshotSource(name, await snapshots.ReadAsync(name, default), name.Index, origin, "there");
        if (fromBackup)
        {
            PrivateFile.Create(Path.Combine(Directory.CreateDirectory(options.Data).FullName, "cluster-secret"), await File.ReadAllBytesAsync(cluster.SecretFile));
            var backups = new BackupStore(FileBlobStore.OpenFolder(cluster["backups"]), secret);
            source = await new BackupSearch(backups, "there", new NoProgress()).ChooseAsync(await backups.ListAsync(default), RestoreMoment.Newest, default);
        }

        await using var blobs = new StoppingBlobs(inPlace ? origin : FileBlobStore.OpenFolder(options.BlobsPath), last, isKilled);
        await using var store = new StoppingStore(MessageStores.OpenArchive(options, time), last);
        var targets = new RestoreTargets(options, store, "store", blobs, "blobs", inPlace);
        var plan = await RestorePlan.MakeAsync(source, targets, time, NullLoggerFactory.Instance, default);
        await new RestoreRun(source, plan, targets, blobs, secret, time, NullLoggerFactory.Instance, new NoProgress()).RunAsync(default);
    }

    private sealed class Interruption : OperationCanceledException;

    private sealed class NoProgress : IProgressReport
    {
        public void Begin(string what, long bytes = 0)
        {
        }

        public void Add(long bytes)
        {
        }

        public void End(string result = "")
        {
        }

        public void Say(string line)
        {
        }
    }

    /// <param name="isKilled">Nothing is done any more after the last step, as by a process that was killed.</param>
    private sealed class StoppingBlobs(IBlobStore inner, Step last, bool isKilled) : IBlobStore
    {
        private bool _stopped;

        public async Task PutAsync(string name, Stream content, CancellationToken cancellation)
        {
            await inner.PutAsync(name, content, cancellation);
            if ((last == Step.SnapshotStored && name.StartsWith(SnapshotName.Folder, StringComparison.Ordinal))
                || (last == Step.FilesCopied && name.EndsWith("/content", StringComparison.Ordinal)))
            {
                _stopped = true;
                throw new Interruption();
            }
        }

        public Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation) => inner.OpenAsync(name, cancellation);

        public IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellation) => inner.ListAsync(prefix, cancellation);

        public Task DeleteAsync(string name, CancellationToken cancellation) =>
            isKilled && _stopped ? throw new BlobStoreUnavailableException("the process was killed") : inner.DeleteAsync(name, cancellation);

        public ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation) => default;

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class StoppingStore(IMessageArchive inner, Step last) : IMessageArchive
    {
        public Task<ArchiveSummary> LookAsync(CancellationToken cancellation) => inner.LookAsync(cancellation);

        public IAsyncEnumerable<ArchivedRoom> RoomsAsync(CancellationToken cancellation) => inner.RoomsAsync(cancellation);

        public IAsyncEnumerable<RoomPiece> ReadAsync(CancellationToken cancellation) => inner.ReadAsync(cancellation);

        public async Task<string> BeginFillAsync(string? again, CancellationToken cancellation)
        {
            var id = await inner.BeginFillAsync(again, cancellation);
            return last == Step.StoreMarked ? throw new Interruption() : id;
        }

        public Task FillAsync(RoomPiece piece, long epoch, CancellationToken cancellation) => inner.FillAsync(piece, epoch, cancellation);

        public async Task EndFillAsync(RoomLift lift, IReadOnlyCollection<string> known, CancellationToken cancellation)
        {
            await inner.EndFillAsync(lift, known, cancellation);
            if (last == Step.StoreFilled)
            {
                throw new Interruption();
            }
        }

        public Task LiftAsync(RoomLift lift, IReadOnlyCollection<string> known, CancellationToken cancellation) => inner.LiftAsync(lift, known, cancellation);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
