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

    public static void Write(RegistryState state, Stream stream) => new SnapshotSections(new SnapshotWriter(stream), state).WriteAll(state);

    /// <summary>
    /// The registry, or <see cref="InvalidDataException"/> where the bytes are damaged, or
    /// <see cref="UnknownRegistryEventException"/> where a newer program wrote them. Reads to the end of the snapshot; what follows it is left.
    /// </summary>
    public static RegistryState Read(Stream stream) => new SnapshotLoader(new SnapshotReader(stream)).Load();

    /// <summary>
    /// Reads what <see cref="Write"/> wrote as a loader does, without keeping it, and answers the <see cref="StateHash"/> of what was read:
    /// another one than the original's where something was misread. Throws as <see cref="Read"/> does.
    /// </summary>
    public static byte[] EchoHash(Stream stream, RegistryState original) =>
        HashOf(hashing => new SnapshotEcho(new SnapshotReader(stream), new SnapshotWriter(hashing), original).ReadAll());

    /// <summary>
    /// Reads a snapshot as <see cref="Read"/> does, without keeping it, and answers its index. Throws as that does, but for what comes twice.
    /// </summary>
    public static long Check(Stream stream)
    {
        var trial = new SnapshotTrial(new SnapshotReader(stream));
        trial.ReadAll();
        return trial.Index;
    }

    /// <summary>SHA-256 of the canonical bytes: equal for two replicas exactly where they hold the same registry.</summary>
    public static byte[] StateHash(RegistryState state) => HashOf(hashing => Write(state, hashing));

    private static byte[] HashOf(Action<Stream> write)
    {
        using var sha = SHA256.Create();
        using (var hashing = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            write(hashing);
        }

        return sha.Hash!;
    }
}
