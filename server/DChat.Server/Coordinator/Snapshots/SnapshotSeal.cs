using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>What is sealed: another kind's key does not open it.</summary>
/// <param name="Magic">Its first 8 characters.</param>
/// <param name="Name">With its article, for errors.</param>
internal sealed record SealKind(string Magic, string Purpose, string Name)
{
    public static readonly SealKind Snapshot = new("DCHATSNP", "snapshot", "a snapshot");
    public static readonly SealKind Backup = new("DCHATBAK", "backup", "a backup");
}

/// <summary>
/// The sealed form of a snapshot or a backup: a header, then chunks of at most 64 KiB, each encrypted and authenticated by AES-GCM under a key of its
/// own. A chunk's place and whether it is the last are in its nonce, and the header is authenticated with every chunk, so bytes
/// that were changed, left out, swapped, added or cut off do not open.
/// </summary>
internal static class SnapshotSeal
{
    public const int Version = 1;
    public const int ChunkBytes = 64 * 1024;
    public const int TagBytes = 16;
    public const int HeaderBytes = 8 + 4 + 8 + 8 + SaltBytes;

    /// <summary>Of a chunk's length field: it is the last one.</summary>
    public const uint LastChunk = 0x8000_0000;

    private const int SaltBytes = 32;
    private const int NonceBytes = 12;

    /// <param name="index">Of a snapshot, as is the term; of a backup when it was begun, in Unix milliseconds UTC.</param>
    public static byte[] MakeHeader(SealKind kind, long index, long term)
    {
        var header = new byte[HeaderBytes];
        Encoding.ASCII.GetBytes(kind.Magic, header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(12), index);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(20), term);
        RandomNumberGenerator.Fill(header.AsSpan(28));
        return header;
    }

    /// <exception cref="InvalidDataException">It is no header of this kind that this program can read.</exception>
    public static (long Index, long Term) ReadHeader(SealKind kind, ReadOnlySpan<byte> header)
    {
        if (!header[..8].SequenceEqual(Encoding.ASCII.GetBytes(kind.Magic)))
        {
            throw new InvalidDataException($"it is not {kind.Name}");
        }

        var version = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        return version == Version
            ? (BinaryPrimitives.ReadInt64LittleEndian(header[12..]), BinaryPrimitives.ReadInt64LittleEndian(header[20..]))
            : throw new InvalidDataException($"it has format {version}, this program knows {Version}; start the release that wrote it");
    }

    public static AesGcm Cipher(SealKind kind, ClusterSecret secret, ReadOnlySpan<byte> header) =>
        new(secret.DeriveKey(kind.Purpose, ClusterSecret.Size, header[^SaltBytes..]), TagBytes);

    public static byte[] Nonce(long chunk, bool last)
    {
        var nonce = new byte[NonceBytes];
        BinaryPrimitives.WriteInt64LittleEndian(nonce, chunk);
        nonce[8] = last ? (byte)1 : (byte)0;
        return nonce;
    }
}
