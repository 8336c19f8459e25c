using DChat.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Tests.Sqlite;

public sealed class SqliteFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dchat-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_is_opened_in_wal_mode_with_full_synchronization_and_is_private()
    {
        var path = Path.Combine(_folder, "new", "a.db");

        using var connection = SqliteFile.Open(path, SqliteSynchronous.Full);
        SqliteFile.Execute(connection, "CREATE TABLE t (a)");

        Assert.Equal("wal", SqliteFile.ReadText(connection, "PRAGMA journal_mode"));
        Assert.Equal("2", SqliteFile.ReadText(connection, "PRAGMA synchronous"));
        Assert.Equal("1", SqliteFile.ReadText(connection, "PRAGMA foreign_keys"));
        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            Assert.Equal(Private, File.GetUnixFileMode(path));
            Assert.Equal(Private, File.GetUnixFileMode(path + "-wal"));
        }
    }

    [Fact]
    public void A_file_that_is_no_database_is_damaged()
    {
        var path = Path.Combine(_folder, "garbage.db");
        File.WriteAllBytes(path, new byte[8192].Select((_, i) => (byte)(i * 7)).ToArray());

        var error = Assert.Throws<SqliteException>(() => SqliteFile.Open(path, SqliteSynchronous.Full));

        Assert.Equal(SqliteFailure.Damaged, SqliteFailures.Classify(error));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_unavailable()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");

        var error = Assert.Throws<SqliteException>(() => SqliteFile.Open(Path.Combine(file, "a.db"), SqliteSynchronous.Full));

        Assert.Equal(SqliteFailure.Unavailable, SqliteFailures.Classify(error));
    }

    [Fact]
    public void A_database_has_one_owner_at_a_time()
    {
        var path = Path.Combine(_folder, "a.db");

        using (SqliteLock.Take(path))
        {
            var error = Assert.Throws<SqliteInUseException>(() => SqliteLock.Take(path));
            Assert.Contains("in use by another process", error.Message);
        }

        SqliteLock.Take(path).Dispose();
    }
}
