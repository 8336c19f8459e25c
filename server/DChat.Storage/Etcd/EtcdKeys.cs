using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace DChat.Storage.Etcd;

/// <summary>The keys of a control log in etcd, and how an entry stands in its value.</summary>
internal sealed class EtcdKeys(string prefix)
{
    private const int IndexDigits = 19;
    private const int TermBytes = sizeof(long);

    private readonly string _entries = $"{prefix}/log/";

    public string Prefix { get; } = prefix;

    /// <summary>Who leads: its value is where the leader is reached, its create revision the term. It is bound to the leader's lease.</summary>
    public byte[] Leader { get; } = Encoding.UTF8.GetBytes($"{prefix}/leader");

    /// <summary>Behind the last entry there can be.</summary>
    public byte[] End { get; } = Encoding.UTF8.GetBytes($"{prefix}/log0"); // '0' follows '/'.

    /// <summary>The first index that the log holds, as text; there is no such key before the first truncation.</summary>
    public byte[] First { get; } = Encoding.UTF8.GetBytes($"{prefix}/first");

    public byte[] Entry(long index) => Encoding.UTF8.GetBytes(_entries + index.ToString(CultureInfo.InvariantCulture).PadLeft(IndexDigits, '0'));

    /// <summary>Where a range of so many entries ends.</summary>
    public byte[] Behind(long from, int count) => from > long.MaxValue - count ? End : Entry(from + count);

    /// <exception cref="FormatException">The key is none of an entry.</exception>
    public long IndexOf(byte[]? key) =>
        key is not null && Encoding.UTF8.GetString(key) is var text && text.StartsWith(_entries, StringComparison.Ordinal)
            ? long.Parse(text.AsSpan(_entries.Length), NumberStyles.None, CultureInfo.InvariantCulture)
            : throw new FormatException("a key that is no entry's");

    /// <summary>The term, 8 bytes little endian, then the payload.</summary>
    public static byte[] Value(long term, ReadOnlySpan<byte> payload)
    {
        var value = new byte[TermBytes + payload.Length];
        BinaryPrimitives.WriteInt64LittleEndian(value, term);
        payload.CopyTo(value.AsSpan(TermBytes));
        return value;
    }

    public static (long Term, ReadOnlyMemory<byte> Payload) Read(byte[]? value) => value is { Length: > TermBytes }
        ? (BinaryPrimitives.ReadInt64LittleEndian(value), value.AsMemory(TermBytes))
        : throw new FormatException("a value that is no entry's");
}
