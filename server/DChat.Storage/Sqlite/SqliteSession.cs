using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace DChat.Storage.Sqlite;

/// <summary>
/// A connection with statements that are prepared once and kept: the hot paths speak to the library itself,
/// because ADO.NET's commands cost more than the statements that they run. One thread at a time.
/// </summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly List<SqliteStatement> _statements = [];
    private readonly SqliteStatement _beginRead;
    private readonly SqliteStatement _beginWrite;
    private readonly SqliteStatement _commit;
    private readonly SqliteStatement _rollback;

    private SqliteSession(SqliteConnection connection)
    {
        _connection = connection;
        _beginRead = Prepare("BEGIN");
        _beginWrite = Prepare("BEGIN IMMEDIATE");
        _commit = Prepare("COMMIT");
        _rollback = Prepare("ROLLBACK");
    }

    /// <summary>Rows that the latest INSERT, UPDATE or DELETE changed.</summary>
    public int Changes => raw.sqlite3_changes(Handle);

    internal sqlite3 Handle => _connection.Handle!;

    /// <summary>Opens for reading and writing; makes the file where it is missing.</summary>
    public static SqliteSession OpenWriter(string path, SqliteSynchronous synchronous) =>
        Wrap(SqliteFile.Open(path, synchronous));

    /// <summary>Opens an existing file for reading.</summary>
    public static SqliteSession OpenReader(string path)
    {
        SqliteLibrary.Load();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = false,
            DefaultTimeout = SqliteFile.BusySeconds,
        }.ToString());
        return Wrap(connection, open: true);
    }

    /// <summary>
    /// Opens an existing file that another process may be writing, for reading. Not read-only to the library: whoever closes last
    /// must be able to take the write-ahead log away, or files stay behind that may belong to another user than the server's.
    /// </summary>
    public static SqliteSession OpenBeside(string path)
    {
        SqliteLibrary.Load();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
            DefaultTimeout = SqliteFile.BusySeconds,
        }.ToString());
        var session = Wrap(connection, open: true);
        session.Execute("PRAGMA query_only = 1");
        return session;
    }

    public SqliteStatement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v3(Handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var handle));
        var statement = new SqliteStatement(this, handle);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs statements that nobody keeps.</summary>
    public void Execute(string sql) => SqliteFile.Execute(_connection, sql);

    /// <summary>The first column of the first row as text; empty where there is none.</summary>
    public string ReadText(string sql) => SqliteFile.ReadText(_connection, sql);

    /// <summary>Reads in one snapshot.</summary>
    public T Read<T>(Func<T> work) => Transact(_beginRead, work);

    /// <summary>Writes in one transaction: all of it is committed, or, where anything throws, nothing.</summary>
    public T Write<T>(Func<T> work) => Transact(_beginWrite, work);

    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }

        _connection.Dispose();
    }

    internal void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            SqliteException.ThrowExceptionForRC(code, Handle);
        }
    }

    private static SqliteSession Wrap(SqliteConnection connection, bool open = false)
    {
        try
        {
            if (open)
            {
                connection.Open();
            }

            // Sorting must not need room on a disk that may be full.
            SqliteFile.Execute(connection, $"PRAGMA busy_timeout = {SqliteFile.BusySeconds * 1000}; PRAGMA temp_store = MEMORY");
            return new SqliteSession(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private T Transact<T>(SqliteStatement begin, Func<T> work)
    {
        begin.Run();
        try
        {
            var result = work();
            _commit.Run();
            return result;
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    // A statement in the middle of its rows would hold the snapshot; some errors have rolled back already.
    private void Abandon()
    {
        foreach (var statement in _statements)
        {
            statement.Reset();
        }

        if (raw.sqlite3_get_autocommit(Handle) == 0)
        {
            _rollback.Run();
        }
    }
}
