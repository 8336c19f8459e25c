using DChat.Core.Blobs;
using DChat.Core.Messages;
using DChat.Server.Coordinator;
using DChat.Server.Recovery.Backups;
using DChat.Server.Tests.Coordinator;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Server.Tests.Recovery;

/// <summary>Backups in their place: one that was interrupted is none.</summary>
public sealed class BackupStoreTests : IDisposable
{
    private static readonly ClusterSecret Secret = ClusterSecret.Parse(Convert.ToBase64String(new byte[ClusterSecret.Size]), "a test");
    private static readonly BackupName Name = BackupName.New(DateTimeOffset.UnixEpoch);

    private readonly TemporaryFolder _folder = new();
    private readonly FileBlobStore _blobs;
    private readonly BackupStore _backups;

    public BackupStoreTests()
    {
        _blobs = FileBlobStore.OpenFolder(_folder["place"]);
        _backups = new BackupStore(_blobs, Secret);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_newest_is_listed_first_and_what_is_no_backup_is_left_out()
    {
        var names = new[] { 5, 90, 40 }.Select(seconds => BackupName.New(DateTimeOffset.FromUnixTimeSeconds(seconds))).ToList();
        foreach (var name in names)
        {
            Assert.Equal(name, BackupName.TryParse(name.ToString()));
            await WriteAsync(name);
        }

        await _blobs.PutAsync("backups/else", new MemoryStream([1]), default);
        await _blobs.PutAsync("backups/2026-05-01T13-45-00Z-zzzzzzzz.backup", new MemoryStream([1]), default);
        Assert.Equal([names[1], names[2], names[0]], (await _backups.ListAsync(default)).Select(found => found.Name));
    }

    [Fact]
    public async Task Of_more_than_one_listing_holds_the_newest_are_listed()
    {
        var names = Enumerable.Range(1, BackupStore.ListMax + 2).Select(second => BackupName.New(DateTimeOffset.FromUnixTimeSeconds(second))).ToList();
        var many = new BackupStore(new ListedBlobs(names.Select(name => name.ToString())), Secret);
        Assert.Equal(names.Skip(2).Reverse(), (await many.ListAsync(default)).Select(found => found.Name));
    }

    [Fact]
    public async Task An_older_one_is_not_taken_for_a_newer_one_by_its_name()
    {
        await WriteAsync(Name);
        var newer = BackupName.New(Name.StartedAt.AddDays(1));
        File.Copy(FileOf(Name), FileOf(newer));
        await _backups.VerifyAsync(Name, default).Within();
        var error = await Assert.ThrowsAsync<BackupDamagedException>(() => _backups.VerifyAsync(newer, default).Within());
        Assert.Contains("begun at 1970-01-01 00:00:00Z", error.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_whose_bytes_the_disk_does_not_give_is_not_there_now_and_not_damaged()
    {
        await WriteAsync(Name);
        var broken = new BackupStore(new FaultyBlobStore(_blobs) { Breaks = true }, Secret);
        var error = await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => broken.VerifyAsync(Name, default).Within());
        Assert.Contains(Name.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_writing_fails_in_the_middle_nothing_is_there()
    {
        await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => _backups.WriteAsync(
            Name,
            "1.0",
            (writer, _) =>
            {
                WriteMuch(writer);
                throw new MessageStoreUnavailableException("gone");
            },
            default).Within());
        await NothingIsThereAsync();
    }

    [Fact]
    public async Task Where_it_is_interrupted_nothing_is_there()
    {
        using var interrupted = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _backups.WriteAsync(
            Name,
            "1.0",
            async (writer, cancellation) =>
            {
                WriteMuch(writer);
                await interrupted.CancelAsync();
                cancellation.ThrowIfCancellationRequested();
            },
            interrupted.Token).Within());
        await NothingIsThereAsync();
    }

    [Fact]
    public async Task Where_the_place_is_away_that_is_why_and_nobody_waits()
    {
        var away = new BackupStore(new FaultyBlobStore(_blobs) { IsAway = true }, Secret);
        await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => away.WriteAsync(
            Name,
            "1.0",
            (writer, cancellation) =>
            {
                while (true)
                {
                    WriteMuch(writer);
                    cancellation.ThrowIfCancellationRequested();
                }
            },
            default).Within());
    }

    [Fact]
    public async Task What_is_not_as_it_was_is_named()
    {
        await WriteAsync(Name);
        Assert.Equal(3, (await _backups.VerifyAsync(Name, default).Within()).Registry.AccountCount);
        var corrupting = new BackupStore(new FaultyBlobStore(_blobs) { Corrupts = true }, Secret);
        await corrupting.WriteAsync(Name, "1.0", WriteAsync, default).Within();
        var error = await Assert.ThrowsAsync<BackupDamagedException>(() => _backups.VerifyAsync(Name, default).Within());
        Assert.Contains(Name.ToString(), error.Message, StringComparison.Ordinal);
        await _blobs.DeleteAsync(Name.ToString(), default);
        error = await Assert.ThrowsAsync<BackupDamagedException>(() => _backups.VerifyAsync(Name, default).Within());
        Assert.Equal("it is missing", error.What);
    }

    private string FileOf(BackupName name) => Path.Combine(_folder["place"], name.ToString());

    private Task<BackupEnd> WriteAsync(BackupName name) => _backups.WriteAsync(name, "1.0", WriteAsync, default).Within();

    private static Task WriteAsync(BackupWriter writer, CancellationToken cancellation)
    {
        writer.Write(SnapshotStoreTests.Registry(3));
        return Task.CompletedTask;
    }

    // More than what lies between the writer and the store.
    private static void WriteMuch(BackupWriter writer)
    {
        var random = new Random(1);
        for (var i = 0; i < 100; i++)
        {
            writer.Write(new RoomAnswers([.. Enumerable.Range(0, 100).Select(_ => new ArchivedAnswer("a", $"{random.NextInt64():x}{random.NextInt64():x}", random.NextInt64(), 1, 1))]));
        }
    }

    private async Task NothingIsThereAsync()
    {
        Assert.Empty(await _backups.ListAsync(default));
        Assert.Empty(Directory.GetFiles(_folder["place"], "*", SearchOption.AllDirectories));
    }
}
