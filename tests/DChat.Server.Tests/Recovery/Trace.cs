using System.Buffers.Binary;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;

namespace DChat.Server.Tests.Recovery;

/// <summary>Whether stored bytes give away a part of a secret. The secret is random: nothing compresses it away, and no part of it occurs by chance.</summary>
internal static class Trace
{
    private const int RunBytes = 16;

    /// <summary>Whether any 16 bytes in a row of the secret are in it.</summary>
    public static bool IsIn(ReadOnlySpan<byte> stored, ReadOnlySpan<byte> secret)
    {
        var runs = new HashSet<UInt128>();
        for (var at = 0; at + RunBytes <= secret.Length; at++)
        {
            runs.Add(BinaryPrimitives.ReadUInt128LittleEndian(secret[at..]));
        }

        for (var at = 0; at + RunBytes <= stored.Length; at++)
        {
            if (runs.Contains(BinaryPrimitives.ReadUInt128LittleEndian(stored[at..])))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A backup or a snapshot as it would be stored without the seal: all else, compression too, was done with it.</summary>
    public static byte[] Unsealed(byte[] stored, ClusterSecret secret, SealKind? kind = null)
    {
        using var unsealing = new UnsealingStream(new MemoryStream(stored), kind ?? SealKind.Backup, secret);
        var plain = new MemoryStream();
        unsealing.CopyTo(plain);
        return plain.ToArray();
    }
}
