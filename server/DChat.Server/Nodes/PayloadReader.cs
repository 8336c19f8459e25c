using System.Text;

namespace DChat.Server.Nodes;

/// <summary>Reads what a <see cref="PayloadWriter"/> wrote. Whatever does not fit is an <see cref="InvalidDataException"/>.</summary>
internal struct PayloadReader(ReadOnlyMemory<byte> payload)
{
    private const int NumberBits = 63;
    private int _at;

    public readonly bool IsAtEnd => _at == payload.Length;

    public long Number()
    {
        var value = 0L;
        for (var shift = 0; shift < NumberBits; shift += 7)
        {
            var next = Byte();
            value |= (long)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Damaged();
    }

    /// <summary>A number of at most <paramref name="max"/>: a count or length of what follows.</summary>
    public int Count(int max) => Number() is var count && count <= max ? (int)count : throw Damaged();

    public bool Flag() => Byte() switch
    {
        0 => false,
        1 => true,
        _ => throw Damaged(),
    };

    public string Text() => Encoding.UTF8.GetString(Bytes().Span);

    public ReadOnlyMemory<byte> Bytes()
    {
        var length = Count(payload.Length);
        if (length > payload.Length - _at)
        {
            throw Damaged();
        }

        var bytes = payload.Slice(_at, length);
        _at += length;
        return bytes;
    }

    /// <summary>All that is left.</summary>
    public ReadOnlyMemory<byte> Rest()
    {
        var rest = payload[_at..];
        _at = payload.Length;
        return rest;
    }

    private byte Byte() => _at < payload.Length ? payload.Span[_at++] : throw Damaged();

    private static InvalidDataException Damaged() => new("what came on the link does not fit its kind");
}
