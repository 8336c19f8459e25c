using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace DChat.Core.Registry;

/// <summary>
/// What tells an entry from another one at the same index, where a log was put back as it was before and written on: when each was written, and which
/// commands it carries out. Every version of the program computes the same, whatever it knows of the events.
/// </summary>
public static class EntryMark
{
    /// <summary>In bytes.</summary>
    public const int Size = 16;

    public static byte[] Of(RegistryEntry entry)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, entry.At);
        foreach (var record in entry.Records)
        {
            Add(hash, record.CommandId);
            Add(hash, record.Actor);
            Add(hash, record.At);
        }

        return hash.GetHashAndReset()[..Size];
    }

    private static void Add(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Add(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void Add(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
