using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite;

/// <summary>What a commit waits for.</summary>
public enum SqliteSynchronous
{
    /// <summary>A commit survives the process, but not the machine: only for what can be made again.</summary>
    Normal = 1,

    /// <summary>The write-ahead log is on the disk (fdatasync) when a commit returns: for everything that is acknowledged.</summary>
    Full = 2,
}

/// <summary>Opens database files the way every store of D-Chat wants them.</summary>
public static class SqliteFile
{
    /// <summary>How long a statement waits for another connection's lock, in seconds.</summary>
    public const int BusySeconds = 2;

    /// <summary>The write-ahead log is cut back to this size, in bytes, after a checkpoint.</summary>
    public const int WalBytesKept = 64 * 1024 * 1024;

    /// <summary>
    /// An open connection in WAL mode, foreign keys on, not pooled. The file and its folder are made (readable for the owner only) when they are missing.
    /// Throws <see cref="SqliteException"/>; see <see cref="SqliteFailures.Classify"/>.
    /// </summary>
    public static SqliteConnection Open(string path, SqliteSynchronous synchronous)
    {
        SqliteLibrary.Load();
        CreatePrivate(path);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            Pooling = false,
            ForeignKeys = true,
            DefaultTimeout = BusySeconds,
        }.ToString());
        try
        {
            connection.Open();
            Execute(connection, $"PRAGMA busy_timeout = {BusySeconds * 1000}");
            if (ReadText(connection, "PRAGMA journal_mode = WAL") != "wal")
            {
                throw new SqliteException($"'{path}' cannot be put into WAL mode; its file system must be a local one", SQLitePCL.raw.SQLITE_CANTOPEN);
            }

            Execute(connection, $"PRAGMA synchronous = {(int)synchronous}");
            Execute(connection, $"PRAGMA journal_size_limit = {WalBytesKept}");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static int Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    /// <summary>The first column of the first row as text; empty where there is none.</summary>
    public static string ReadText(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(command.ExecuteScalar()) ?? "";
    }

    // SQLite gives the -wal and -shm files the mode of the database file, so this covers all three.
    private static void CreatePrivate(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.ReadWrite };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            if (!File.Exists(path))
            {
                new FileStream(path, options).Dispose();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SqliteException($"'{path}' cannot be made: {error.Message}", SQLitePCL.raw.SQLITE_CANTOPEN);
        }
    }
}
