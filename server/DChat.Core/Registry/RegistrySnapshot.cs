using System.Security.Cryptography;

namespace DChat.Core.Registry;

/// <summary>
/// A registry as bytes. Canonical: the same registry is the same bytes, however it came about; so the hash of a snapshot tells
/// whether two replicas agree. Written and read as a stream; compressing, sealing and naming are the caller's.
/// </summary>
/// <remarks>
/// Format: magic, version; then names, rooms, accounts, sessions, registration codes, workers, the message store (since version 2), keys, audit trail, outcomes; magic.
/// Rooms stand between the names and the rest of the accounts, so that a reader makes each account once, with its memberships.
/// What follows from something else (indexes, counts, the accounts' side of memberships) is not written.
/// </remarks>
public static class RegistrySnapshot
{
    /// <summary>Raised with every change of the format.</summary>
    public const int Version = 2;

    internal static ReadOnlySpan<byte> Magic => "DCHATREG"u8;

    public static void Write(RegistryState state, Stream stream)
    {
        var writer = new SnapshotWriter(stream);
        writer.Raw(Magic);
        writer.Number(Version);
        writer.Number(state.Index);
        writer.Number(state.LastEpoch);
        writer.Number(state.NextSessionSweep);
        new SnapshotSections(state, writer).Write();
        writer.Raw(Magic);
        writer.Flush();
    }

    /// <summary>
    /// The registry, or <see cref="InvalidDataException"/> where the bytes are damaged, or
    /// <see cref="UnknownRegistryEventException"/> where a newer program wrote them. Reads to the end of the snapshot; what follows it is left.
    /// </summary>
    public static RegistryState Read(Stream stream)
    {
        var reader = new SnapshotReader(stream);
        if (!reader.Raw(Magic.Length).AsSpan().SequenceEqual(Magic))
        {
            throw SnapshotReader.Damaged("it does not begin as one");
        }

        var version = reader.Number();
        if (version > Version)
        {
            throw new UnknownRegistryEventException($"the snapshot has format {version}, and this program knows formats up to {Version}");
        }

        var state = Load(reader, version);
        return reader.Raw(Magic.Length).AsSpan().SequenceEqual(Magic) ? state : throw SnapshotReader.Damaged("it does not end as one");
    }

    private static RegistryState Load(SnapshotReader reader, long version)
    {
        try
        {
            return new SnapshotLoader(reader, version).Load();
        }
        catch (Exception failure) when (failure is ArgumentException or OverflowException)
        {
            throw SnapshotReader.Damaged(failure.Message);
        }
    }

    /// <summary>SHA-256 of the canonical bytes: equal for two replicas exactly where they hold the same registry.</summary>
    public static byte[] StateHash(RegistryState state)
    {
        using var sha = SHA256.Create();
        using (var hashing = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            Write(state, hashing);
        }

        return sha.Hash!;
    }
}
