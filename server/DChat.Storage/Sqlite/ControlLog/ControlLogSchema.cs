using System.Buffers.Binary;
using System.Security.Cryptography;
using DChat.Core.ControlLog;

namespace DChat.Storage.Sqlite.ControlLog;

/// <summary>The tables of <see cref="SqliteControlLog"/>, the checksum of an entry, and what is said of a damaged one.</summary>
internal static class ControlLogSchema
{
    /// <summary>"DCCL".</summary>
    public const int ApplicationId = 0x4443_434C;

    // The bounds stand beside the entries, so that a lost tail is seen as one.
    private const string Version1 = """
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
        """;

    private const string Remedy =
        "Nothing was changed. Remedy: put the file back from a backup, or start a new, empty cluster with another --data folder.";

    public static IReadOnlyList<SqliteMigration> Migrations { get; } = [new SqliteMigration(1, Version1)];

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

    public static ControlLogDamagedException Damaged(string path, long index, string what) =>
        new($"The control log '{path}' is damaged: entry {index} {what}. {Remedy}");

    public static ControlLogDamagedException Damaged(string path, Exception cause) =>
        new($"The control log '{path}' is damaged ({cause.Message}). {Remedy}", cause);

    public static ControlLogDamagedException WithoutState(string path) =>
        new($"The control log '{path}' is damaged: its row of log_state is missing. {Remedy}");
}
