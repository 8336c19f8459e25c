using System.Buffers.Binary;
using System.Security.Cryptography;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>
/// The sealed form of a snapshot: a header, then chunks of at most 64 KiB, each encrypted and authenticated by AES-GCM under a key of this
/// snapshot's own. A chunk's place and whether it is the last are in its nonce, and the header is authenticated with every chunk, so bytes
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
    private const string Purpose = "snapshot";

    private static ReadOnlySpan<byte> Magic => "DCHATSNP"u8;

    public static byte[] MakeHeader(long index, long term)
    {
        var header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(12), index);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(20), term);
        RandomNumberGenerator.Fill(header.AsSpan(28));
        return header;
    }

    /// <exception cref="InvalidDataException">It is no header of a snapshot that this program can read.</exception>
    public static (long Index, long Term) ReadHeader(ReadOnlySpan<byte> header)
    {
        if (!header[..8].SequenceEqual(Magic))
        {
            throw new InvalidDataException("it is not a snapshot");
        }

        var version = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        return version == Version
            ? (BinaryPrimitives.ReadInt64LittleEndian(header[12..]), BinaryPrimitives.ReadInt64LittleEndian(header[20..]))
            : throw new InvalidDataException($"it has format {version}, this program knows {Version}; start the release that wrote it");
    }

    public static AesGcm Cipher(ClusterSecret secret, ReadOnlySpan<byte> header) =>
        new(secret.DeriveKey(Purpose, ClusterSecret.Size, header[^SaltBytes..]), TagBytes);

    public static byte[] Nonce(long chunk, bool last)
    {
        var nonce = new byte[NonceBytes];
        BinaryPrimitives.WriteInt64LittleEndian(nonce, chunk);
        nonce[8] = last ? (byte)1 : (byte)0;
        return nonce;
    }
}
