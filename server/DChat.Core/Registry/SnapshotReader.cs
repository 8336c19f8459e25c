using System.Buffers.Binary;
using System.Text;

namespace DChat.Core.Registry;

/// <summary>The primitives of a snapshot, buffered. Whatever does not fit throws <see cref="InvalidDataException"/>.</summary>
internal sealed class SnapshotReader(Stream stream)
{
    /// <summary>Bytes of the longest text or byte string: far beyond what the rules let in.</summary>
    private const int PieceMax = 1024 * 1024;

    /// <summary>Of 63 bits, seven a byte.</summary>
    private const int NumberBytesMax = 9;

    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _at;
    private int _end;

    public long Number()
    {
        // Most numbers are below 128, and there are tens of millions of them.
        if (_at < _end && _buffer[_at] < 0x80)
        {
            return _buffer[_at++];
        }

        return _end - _at >= NumberBytesMax ? NumberInBuffer() : NumberByByte();
    }

    private long NumberInBuffer()
    {
        var bytes = _buffer.AsSpan(_at, NumberBytesMax);
        ulong value = 0;
        for (var at = 0; at < bytes.Length; at++)
        {
            value |= (ulong)(bytes[at] & 0x7F) << (at * 7);
            if (bytes[at] < 0x80)
            {
                _at += at + 1;
                return (long)value;
            }
        }

        throw Damaged("a number is too long");
    }

    private long NumberByByte()
    {
        ulong value = 0;
        for (var shift = 0; shift < NumberBytesMax * 7; shift += 7)
        {
            var read = Byte();
            value |= (ulong)(read & 0x7F) << shift;
            if (read < 0x80)
            {
                return (long)value;
            }
        }

        throw Damaged("a number is too long");
    }

    public int Count()
    {
        var count = Number();
        return count <= int.MaxValue ? (int)count : throw Damaged("a count is too large");
    }

    public long Difference()
    {
        var coded = Number();
        return coded >> 1 ^ -(coded & 1);
    }

    public bool Flag() => Number() switch { 0 => false, 1 => true, _ => throw Damaged("a flag is neither 0 nor 1") };

    /// <summary>One of an enum's values.</summary>
    public T Choice<T>()
        where T : struct, Enum
    {
        var value = (T)Enum.ToObject(typeof(T), Number());
        return Enum.IsDefined(value) ? value : throw Damaged($"a {typeof(T).Name} is unknown");
    }

    public string Text()
    {
        var size = PieceSize(Number());
        if (size <= _end - _at)
        {
            var text = Encoding.UTF8.GetString(_buffer, _at, size);
            _at += size;
            return text;
        }

        return Encoding.UTF8.GetString(Raw(size));
    }

    public string? OptionalText() => Flag() ? Text() : null;

    public byte[]? OptionalBytes()
    {
        var size = Number();
        return size == 0 ? null : Raw(PieceSize(size - 1));
    }

    public UInt128 Wide() => BinaryPrimitives.ReadUInt128BigEndian(Raw(16));

    public byte[] Raw(int size)
    {
        var bytes = new byte[size];
        for (var filled = 0; filled < size;)
        {
            Fill();
            var piece = Math.Min(size - filled, _end - _at);
            _buffer.AsSpan(_at, piece).CopyTo(bytes.AsSpan(filled));
            _at += piece;
            filled += piece;
        }

        return bytes;
    }

    public static InvalidDataException Damaged(string what) => new($"the registry snapshot is damaged: {what}");

    private static int PieceSize(long size) => size <= PieceMax ? (int)size : throw Damaged("a text is too long");

    private byte Byte()
    {
        Fill();
        return _buffer[_at++];
    }

    private void Fill()
    {
        if (_at < _end)
        {
            return;
        }

        _at = 0;
        _end = stream.Read(_buffer);
        if (_end == 0)
        {
            throw Damaged("it ends too early");
        }
    }
}
