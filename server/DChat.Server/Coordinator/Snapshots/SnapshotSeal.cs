using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>What is sealed: another kind's key does not open it.</summary>
/// <param name="Magic">Its first 8 characters.</param>
/// <param name="Name">With its article, for errors.</param>
/// <param name="Version">In which it is written; older ones are read for ever.</param>
internal sealed record SealKind(string Magic, string Purpose, string Name, int Version)
{
    public static readonly SealKind Snapshot = new("DCHATSNP", "snapshot", "a snapshot", SnapshotSeal.TimedVersion);
    public static readonly SealKind Backup = new("DCHATBAK", "backup", "a backup", 1);
}

/// <summary>What a sealed thing says of itself.</summary>
/// <param name="Index">Of a snapshot, as is the term; of a backup when it was begun, in Unix milliseconds UTC.</param>
/// <param name="SealedAt">By the clock of whoever sealed it, to the millisecond; null: it is of a version that does not say so.</param>
internal readonly record struct SealHeader(long Index, long Term, DateTimeOffset? SealedAt);

/// <summary>
/// The sealed form of a snapshot or a backup: a header, then chunks of at most 64 KiB, each encrypted and authenticated by AES-GCM under a key of its
/// own. A chunk's place and whether it is the last are in its nonce, and the header is authenticated with every chunk, so bytes
/// that were changed, left out, swapped, added or cut off do not open. The header is magic, version, index, term, from version 2 on when it was
/// sealed, and the salt; numbers are little-endian.
/// </summary>
internal static class SnapshotSeal
{
    /// <summary>From which on the header says when it was sealed.</summary>
    public const int TimedVersion = 2;

    public const int ChunkBytes = 64 * 1024;
    public const int TagBytes = 16;

    /// <summary>Up to and with the version, which says how long the header is.</summary>
    public const int HeadBytes = 8 + 4;

    /// <summary>Of a chunk's length field: it is the last one.</summary>
    public const uint LastChunk = 0x8000_0000;

    private const int SaltBytes = 32;
    private const int NonceBytes = 12;
    private const int TimeBytes = 8;

    public static int HeaderBytes(int version) => HeadBytes + 8 + 8 + (version >= TimedVersion ? TimeBytes : 0) + SaltBytes;

    /// <param name="sealedAt">Said where the version of the kind says it.</param>
    public static byte[] MakeHeader(SealKind kind, long index, long term, DateTimeOffset sealedAt)
    {
        var header = new byte[HeaderBytes(kind.Version)];
        Encoding.ASCII.GetBytes(kind.Magic, header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), kind.Version);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(12), index);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(20), term);
        if (kind.Version >= TimedVersion)
        {
            BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(28), sealedAt.ToUnixTimeMilliseconds());
        }

        RandomNumberGenerator.Fill(header.AsSpan(^SaltBytes..));
        return header;
    }

    /// <param name="head">The first <see cref="HeadBytes"/>.</param>
    /// <exception cref="InvalidDataException">It is no header of this kind that this program can read.</exception>
    /// <exception cref="UnknownRegistryEventException">A newer program sealed this snapshot.</exception>
    public static int ReadVersion(SealKind kind, ReadOnlySpan<byte> head)
    {
        if (!head[..8].SequenceEqual(Encoding.ASCII.GetBytes(kind.Magic)))
        {
            throw new InvalidDataException($"it is not {kind.Name}");
        }

        var version = BinaryPrimitives.ReadInt32LittleEndian(head[8..]);
        return version >= 1 && version <= kind.Version ? version
            : version > kind.Version && kind == SealKind.Snapshot ? throw new UnknownRegistryEventException($"a snapshot is sealed in format {version}, and this program knows formats up to {kind.Version}")
            : throw new InvalidDataException($"it has format {version}, this program knows {(kind.Version == 1 ? "1" : $"1 to {kind.Version}")}; start the release that wrote it");
    }

    /// <param name="header">Whole.</param>
    public static SealHeader ReadHeader(ReadOnlySpan<byte> header)
    {
        var isTimed = BinaryPrimitives.ReadInt32LittleEndian(header[8..]) >= TimedVersion;
        return new SealHeader(
            BinaryPrimitives.ReadInt64LittleEndian(header[12..]),
            BinaryPrimitives.ReadInt64LittleEndian(header[20..]),
            isTimed ? Time(BinaryPrimitives.ReadInt64LittleEndian(header[28..])) : null);
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

    /// <summary>Nobody checked the header yet: what is no time is damage.</summary>
    private static DateTimeOffset Time(long milliseconds) =>
        milliseconds >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds() && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : throw new InvalidDataException("it was sealed at an impossible time");
}
