using DChat.Core.Messages;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>What SQLite's errors mean to the caller of the port.</summary>
internal static class StoreFailures
{
    /// <summary>The port's exception, or null for a mistake of the program, which goes on as it is.</summary>
    public static Exception? Translate(SqliteException error, string path) => SqliteFailures.Classify(error) switch
    {
        SqliteFailure.Damaged => Damaged(error, path),
        SqliteFailure.Unavailable => new MessageStoreUnavailableException($"'{path}' cannot be used now: {error.Message}", error),
        _ => null,
    };

    /// <summary>The same while the file is opened: there, tables and columns that are missing are damage too.</summary>
    public static Exception? TranslateAtOpening(SqliteException error, string path) =>
        Translate(error, path) ?? (error.SqliteErrorCode == SQLitePCL.raw.SQLITE_ERROR ? Damaged(error, path) : null);

    /// <summary>Whether a new connection may be better off than the one that failed. A full disk or a lock is the same for all.</summary>
    public static bool SuspectConnection(SqliteException error) =>
        error.SqliteErrorCode is not (SQLitePCL.raw.SQLITE_FULL or SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_CONSTRAINT);

    private static MessageStoreDamagedException Damaged(SqliteException error, string path) => new(
        $"'{path}' is damaged ({error.Message}). Remedy: stop the server, keep a copy of the file, and restore it from a backup, or rescue what is readable with: sqlite3 '{path}' .recover",
        error);
}
