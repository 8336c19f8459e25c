using System.Buffers;
using System.Runtime.CompilerServices;
using DChat.Core.Blobs;

namespace DChat.Storage.Files;

/// <summary>
/// Blobs in a folder, each a file of its name. A blob is written beside, synced, renamed into place and its folder synced,
/// so that it is seen whole or not at all, whatever was killed.
/// </summary>
public sealed class FileBlobStore : IBlobStore
{
    // '~' cannot occur in a blob's name.
    private const string UnfinishedFolder = "~unfinished";
    private const int CopyBytes = 128 * 1024;
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateFolder = PrivateFile | UnixFileMode.UserExecute;

    private readonly string _root;
    private readonly string _unfinished;

    private FileBlobStore(string root, string unfinished) => (_root, _unfinished) = (root, unfinished);

    /// <summary>Opens the folder, or makes it (for the owner only), and removes what a killed process left unfinished.</summary>
    /// <exception cref="BlobStoreUnavailableException">The folder cannot be made or written.</exception>
    public static FileBlobStore OpenFolder(string folder)
    {
        var root = Path.GetFullPath(folder);
        var unfinished = Path.Combine(root, UnfinishedFolder);
        return Translate(root, () =>
        {
            CreateFolder(unfinished);
            Leftovers.Remove(unfinished, "*");
            return new FileBlobStore(root, unfinished);
        });
    }

    public async Task PutAsync(string name, Stream content, CancellationToken cancellation)
    {
        BlobName.Check(name);
        var path = PathOf(name);
        if (Directory.Exists(path))
        {
            throw new ArgumentException($"'{name}' is the folder of other blobs", nameof(name));
        }

        var temporary = Path.Combine(_unfinished, Guid.NewGuid().ToString("N"));
        var file = Translate(_root, () => CreateUnfinished(temporary));
        try
        {
            await using (file)
            {
                await CopyAsync(content, file, cancellation);
                await Task.Run(() => Translate(_root, () => Publish(file, temporary, path)), CancellationToken.None);
            }
        }
        catch
        {
            Leftovers.RemoveUnlessHeld(temporary);
            throw;
        }
    }

    public Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation)
    {
        BlobName.Check(name);
        return Task.FromResult(Translate(_root, () =>
        {
            try
            {
                var file = new FileStream(PathOf(name), new FileStreamOptions
                {
                    Share = FileShare.Read | FileShare.Delete,
                    Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                });
                return new BlobContent(file, file.Length);
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
            catch (UnauthorizedAccessException) when (Directory.Exists(PathOf(name)))
            {
                return null;
            }
        }));
    }

    public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        BlobName.CheckPrefix(prefix);
        var found = await Task.Run(() => Translate(_root, () => Find(prefix)), cancellation);
        foreach (var info in found)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return info;
        }
    }

    public Task DeleteAsync(string name, CancellationToken cancellation)
    {
        BlobName.Check(name);
        Translate(_root, () =>
        {
            var path = PathOf(name);
            if (File.Exists(path))
            {
                File.Delete(path);
                DirectorySync.Flush(Path.GetDirectoryName(path)!);
            }

            return true;
        });
        return Task.CompletedTask;
    }

    public ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation) => new((Uri?)null);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private string PathOf(string name) => Path.Combine(_root, name.Replace('/', Path.DirectorySeparatorChar));

    // Shared for nobody's reading or writing, which is how another process's clean-up (Leftovers) knows that it is being written.
    private static FileStream CreateUnfinished(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.Delete,
            Options = FileOptions.Asynchronous,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = PrivateFile;
        }

        return new FileStream(path, options);
    }

    // An error of the content is its owner's; only the folder's own errors make the store unavailable.
    private async Task CopyAsync(Stream content, FileStream file, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            int read;
            while ((read = await content.ReadAsync(buffer, cancellation)) > 0)
            {
                try
                {
                    await file.WriteAsync(buffer.AsMemory(0, read), cancellation);
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                {
                    throw Unavailable(_root, error);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private bool Publish(FileStream file, string temporary, string path)
    {
        file.Flush(flushToDisk: true);
        var folder = Path.GetDirectoryName(path)!;
        CreateFolder(folder);
        File.Move(temporary, path, overwrite: true);
        DirectorySync.Flush(folder);
        return true;
    }

    private List<BlobInfo> Find(string prefix)
    {
        var folder = Path.Combine(_root, prefix[..(prefix.LastIndexOf('/') + 1)]);
        var found = new List<BlobInfo>();
        if (!Directory.Exists(folder))
        {
            return found;
        }

        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(_root, file.FullName).Replace(Path.DirectorySeparatorChar, '/');
            if (name.StartsWith(prefix, StringComparison.Ordinal) && !name.Contains('~') && file.Exists)
            {
                found.Add(new BlobInfo(name, file.Length, new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero).ToUnixTimeMilliseconds()));
            }
        }

        found.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return found;
    }

    private static void CreateFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        var parent = Path.GetDirectoryName(folder)!;
        CreateFolder(parent);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, PrivateFolder);
        }

        DirectorySync.Flush(parent);
    }

    private static T Translate<T>(string root, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unavailable(root, error);
        }
    }

    private static BlobStoreUnavailableException Unavailable(string root, Exception error) =>
        new($"The blob folder '{root}' cannot be used: {error.Message}", error);
}
