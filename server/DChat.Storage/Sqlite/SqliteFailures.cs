using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite;

/// <summary>What a <see cref="SqliteException"/> means to whoever stands behind the port.</summary>
public enum SqliteFailure
{
    /// <summary>Disk full, read-only, an I/O error, locked: the outcome is unknown, a repeat may succeed.</summary>
    Unavailable,

    /// <summary>The file is not what was written: going on would lose data.</summary>
    Damaged,

    /// <summary>A mistake of the program.</summary>
    Broken,
}

public static class SqliteFailures
{
    public static SqliteFailure Classify(SqliteException error) => error.SqliteErrorCode switch
    {
        SQLitePCL.raw.SQLITE_CORRUPT or SQLitePCL.raw.SQLITE_NOTADB => SqliteFailure.Damaged,
        SQLitePCL.raw.SQLITE_FULL
            or SQLitePCL.raw.SQLITE_IOERR
            or SQLitePCL.raw.SQLITE_READONLY
            or SQLitePCL.raw.SQLITE_CANTOPEN
            or SQLitePCL.raw.SQLITE_PERM
            or SQLitePCL.raw.SQLITE_AUTH
            or SQLitePCL.raw.SQLITE_NOMEM
            or SQLitePCL.raw.SQLITE_BUSY
            or SQLitePCL.raw.SQLITE_LOCKED
            or SQLitePCL.raw.SQLITE_PROTOCOL => SqliteFailure.Unavailable,
        _ => SqliteFailure.Broken,
    };
}
