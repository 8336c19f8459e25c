using System.Buffers.Binary;
using System.Security.Cryptography;
using DChat.Core.ControlLog;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite;

/// <summary>The tables of <see cref="SqliteControlLog"/>, and the proof that they hold what was written.</summary>
internal static class ControlLogSchema
{
    public const int Version = 1;

    private const string Create = $"""
        CREATE TABLE log_entry (
            idx INTEGER PRIMARY KEY,
            term INTEGER NOT NULL,
            hash BLOB NOT NULL,
            payload BLOB NOT NULL
        ) STRICT;
        CREATE TABLE log_state (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            term INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL
        ) STRICT;
        INSERT INTO log_state VALUES (1, 0, 1, 0);
        PRAGMA user_version = 1;
        """;

    public static void Migrate(SqliteConnection connection, string path)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        var version = SqliteFile.ReadText(connection, "PRAGMA user_version");
        if (version == "0")
        {
            SqliteFile.Execute(connection, Create);
        }
        else if (version != "1")
        {
            throw new ControlLogDamagedException(
                $"'{path}' has schema version {version}, this program knows {Version}. Remedy: start the release that wrote it, or a newer one.");
        }

        transaction.Commit();
    }

    /// <summary>SHA-256 over index, term and payload, so that neither a flipped bit nor a swapped row passes.</summary>
    public static byte[] Hash(long index, long term, ReadOnlySpan<byte> payload)
    {
        Span<byte> head = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(head, index);
        BinaryPrimitives.WriteInt64LittleEndian(head[8..], term);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(head);
        hash.AppendData(payload);
        return hash.GetHashAndReset();
    }

    /// <summary>Reads all entries once: every index from first to last is there, nothing else, each with its hash, terms never falling.</summary>
    public static void Verify(SqliteConnection connection, string path, ControlLogState state)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT idx, term, hash, payload FROM log_entry ORDER BY idx";
        using var reader = command.ExecuteReader();
        var next = state.First;
        var term = 0L;
        for (; reader.Read(); next++)
        {
            var entry = ReadEntry(reader, next, path);
            if (entry.Term < term || entry.Term > state.Term)
            {
                throw Damaged(path, next, $"has term {entry.Term} between {term} and {state.Term}");
            }

            term = entry.Term;
        }

        if (next != state.Last + 1)
        {
            throw Damaged(path, next, next <= state.Last ? "is missing" : "lies beyond the log's end");
        }
    }

    /// <summary>The row of the reader, which must be entry <paramref name="expected"/>.</summary>
    public static LogEntry ReadEntry(SqliteDataReader reader, long expected, string path)
    {
        var index = reader.GetInt64(0);
        if (index != expected)
        {
            throw Damaged(path, expected, "is missing");
        }

        var term = reader.GetInt64(1);
        var payload = reader.GetFieldValue<byte[]>(3);
        return Hash(index, term, payload).AsSpan().SequenceEqual(reader.GetFieldValue<byte[]>(2))
            ? new LogEntry(index, term, payload)
            : throw Damaged(path, index, "does not match its checksum");
    }

    public static ControlLogDamagedException Damaged(string path, long index, string what) => new(
        $"The control log '{path}' is damaged: entry {index} {what}. Nothing was changed. "
        + "Remedy: put the file back from a backup, or start a new cluster from the newest snapshot with 'dchat-server restore --from URL' (what was acknowledged after it is lost).");

    public static ControlLogDamagedException Damaged(string path, Exception cause) => new(
        $"The control log '{path}' is damaged ({cause.Message}). Nothing was changed. "
        + "Remedy: put the file back from a backup, or start a new cluster from the newest snapshot with 'dchat-server restore --from URL' (what was acknowledged after it is lost).",
        cause);
}

/// <param name="Term">The highest that ever led.</param>
internal readonly record struct ControlLogState(long Term, long First, long Last);
