namespace DChat.Storage.Files;

/// <summary>Small files that only their owner may read: secrets and passwords.</summary>
public static class PrivateFile
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the file, whole and durable or not at all.</summary>
    /// <exception cref="IOException">It is there already, or cannot be made.</exception>
    public static void Create(string path, ReadOnlySpan<byte> content) => Put(path, content, overwrite: false);

    /// <summary>Makes the file, or puts it in the place of the one that is there: whoever reads sees one or the other.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content) => Put(path, content, overwrite: true);

    private static void Put(string path, ReadOnlySpan<byte> content, bool overwrite)
    {
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full)!;
        Directory.CreateDirectory(folder);
        var temporary = $"{full}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Mode;
        }

        try
        {
            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        DirectorySync.Flush(folder);
    }

    /// <summary>Whether others than the owner may read or write it.</summary>
    public static bool IsOpenToOthers(string path) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~(Mode | UnixFileMode.UserExecute)) != 0;
}
