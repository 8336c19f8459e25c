namespace DChat.Storage.Sqlite;

/// <summary>
/// The exclusive right of one process to a database file: a locked file beside it, which the operating system
/// releases when the process ends in whatever way.
/// </summary>
public sealed class SqliteLock : IDisposable
{
    private readonly FileStream _file;

    private SqliteLock(FileStream file) => _file = file;

    /// <exception cref="SqliteInUseException">Another process, or another store of this one, has it.</exception>
    /// <exception cref="IOException">The lock file cannot be made.</exception>
    public static SqliteLock Take(string databasePath)
    {
        var path = databasePath + ".lock";
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            return new SqliteLock(new FileStream(path, options));
        }
        catch (IOException error) when (File.Exists(path) && IsSharingViolation(error))
        {
            throw new SqliteInUseException(
                $"'{databasePath}' is in use by another process. Remedy: stop the other dchat-server, or give this one another --data folder.", error);
        }
    }

    public void Dispose() => _file.Dispose();

    // EWOULDBLOCK of flock on Linux and macOS; ERROR_SHARING_VIOLATION on Windows.
    private static bool IsSharingViolation(IOException error) =>
        error.HResult is 11 or 35 or unchecked((int)0x80070020);
}

/// <summary>The database belongs to another process; the message says what to do.</summary>
public sealed class SqliteInUseException(string message, Exception? inner = null) : Exception(message, inner);
