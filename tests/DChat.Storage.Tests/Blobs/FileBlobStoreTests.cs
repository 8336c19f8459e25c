using DChat.Core.Blobs;
using DChat.Storage.Files;

namespace DChat.Storage.Tests.Blobs;

public sealed class FileBlobStoreTests : BlobStoreSpec
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dchat-").FullName;

    private string Root => Path.Combine(_folder, "blobs");

    public override void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        base.Dispose();
    }

    protected override Task<IBlobStore> OpenAsync() => Task.FromResult<IBlobStore>(FileBlobStore.OpenFolder(Root));

    [Fact]
    public async Task What_a_killed_process_left_is_removed_and_what_another_is_writing_is_not()
    {
        FileBlobStore.OpenFolder(Root);
        var unfinished = Path.Combine(Root, "~unfinished");
        var left = Path.Combine(unfinished, "left");
        var held = Path.Combine(unfinished, "held");
        await File.WriteAllTextAsync(left, "half", InTime);
        await using var writing = new FileStream(held, FileMode.CreateNew, FileAccess.Write, FileShare.Delete);

        await using var reopened = FileBlobStore.OpenFolder(Root);

        Assert.False(File.Exists(left));
        Assert.True(File.Exists(held));
        Assert.Empty(await ListAsync(reopened, ""));
    }

    [Fact]
    public async Task Nothing_unfinished_is_left_behind_by_success_or_failure()
    {
        await using var blobs = FileBlobStore.OpenFolder(Root);

        await PutAsync(blobs, "a/b", [1]);
        await Assert.ThrowsAsync<InvalidDataException>(() => blobs.PutAsync("a/c", new FailingStream(10), InTime));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blobs.PutAsync("a/d", new MemoryStream([1]), cancelled.Token));

        Assert.Empty(Directory.GetFiles(Path.Combine(Root, "~unfinished")));
    }

    [Fact]
    public async Task Files_and_folders_are_the_owners_only()
    {
        await using var blobs = FileBlobStore.OpenFolder(Root);
        await PutAsync(blobs, "a/b", [1]);

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Root, "a", "b")));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(Root, "a")));
        }
    }

    [Fact]
    public async Task A_name_that_is_the_folder_of_others_is_refused()
    {
        await using var blobs = FileBlobStore.OpenFolder(Root);
        await PutAsync(blobs, "a/b", [1]);

        await Assert.ThrowsAsync<ArgumentException>(() => PutAsync(blobs, "a", [1]));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_unavailable_and_recovers()
    {
        await using var blobs = FileBlobStore.OpenFolder(Root);
        await PutAsync(blobs, "a", [1]);
        var unfinished = Path.Combine(Root, "~unfinished");
        Directory.Delete(unfinished);
        await File.WriteAllTextAsync(unfinished, "in the way", InTime);

        await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => PutAsync(blobs, "b", [1]));
        Assert.Throws<BlobStoreUnavailableException>(() => FileBlobStore.OpenFolder(Root));
        Assert.Equal([1], await ReadAsync(blobs, "a"));

        File.Delete(unfinished);
        Directory.CreateDirectory(unfinished);
        await PutAsync(blobs, "b", [2]);
        Assert.Equal([2], await ReadAsync(blobs, "b"));
    }
}
