using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace DChat.Storage.Sqlite;

/// <summary>A prepared statement. Parameters are numbered from 1, columns from 0; bindings stay until they are bound anew.</summary>
internal sealed class SqliteStatement(SqliteSession session, sqlite3_stmt handle) : IDisposable
{
    private const int StackBytesMax = 1024;

    public SqliteStatement Bind(int parameter, long value)
    {
        session.Check(raw.sqlite3_bind_int64(handle, parameter, value));
        return this;
    }

    public SqliteStatement Bind(int parameter, long? value) => value is { } some ? Bind(parameter, some) : BindNull(parameter);

    public SqliteStatement Bind(int parameter, string? value)
    {
        if (value is null)
        {
            return BindNull(parameter);
        }

        if (value.Length == 0)
        {
            // An empty span would be bound as NULL.
            session.Check(raw.sqlite3_bind_text(handle, parameter, ""));
            return this;
        }

        var bytesMax = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (bytesMax > StackBytesMax)
        {
            session.Check(raw.sqlite3_bind_text(handle, parameter, Encoding.UTF8.GetBytes(value)));
            return this;
        }

        Span<byte> bytes = stackalloc byte[StackBytesMax];
        session.Check(raw.sqlite3_bind_text(handle, parameter, bytes[..Encoding.UTF8.GetBytes(value, bytes)]));
        return this;
    }

    public SqliteStatement BindBlob(int parameter, ReadOnlySpan<byte> value)
    {
        session.Check(raw.sqlite3_bind_blob(handle, parameter, value));
        return this;
    }

    public SqliteStatement BindNull(int parameter)
    {
        session.Check(raw.sqlite3_bind_null(handle, parameter));
        return this;
    }

    /// <summary>True with the next row; false at the end, after which the statement is ready to run again.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(handle);
        if (code == raw.SQLITE_ROW)
        {
            return true;
        }

        if (code == raw.SQLITE_DONE)
        {
            raw.sqlite3_reset(handle);
            return false;
        }

        try
        {
            SqliteException.ThrowExceptionForRC(code, session.Handle);
            return false;
        }
        finally
        {
            raw.sqlite3_reset(handle);
        }
    }

    /// <summary>Runs to the end, whatever rows there are.</summary>
    public void Run()
    {
        while (Step())
        {
        }
    }

    /// <summary>Ends a statement before its last row. Its error, if it had one, was thrown by <see cref="Step"/>.</summary>
    public void Reset() => raw.sqlite3_reset(handle);

    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(handle, column);

    public long? Int64OrNull(int column) => IsNull(column) ? null : Int64(column);

    public string Text(int column) => Encoding.UTF8.GetString(Utf8(column));

    /// <summary>The text as stored, valid until the next <see cref="Step"/> or <see cref="Reset"/>; empty for NULL.</summary>
    public ReadOnlySpan<byte> Utf8(int column) => raw.sqlite3_column_blob(handle, column);

    /// <summary>The bytes as stored, valid until the next <see cref="Step"/> or <see cref="Reset"/>; empty for NULL.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(handle, column);

    public void Dispose() => handle.Dispose();
}
