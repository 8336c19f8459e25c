using System.Buffers.Binary;
using System.Text;

namespace DChat.Core.Registry;

/// <summary>The primitives of a snapshot, buffered.</summary>
internal sealed class SnapshotWriter(Stream stream)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _used;

    public void Number(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        Reserve(10);
        var rest = (ulong)value;
        while (rest >= 0x80)
        {
            _buffer[_used++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        _buffer[_used++] = (byte)rest;
    }

    /// <summary>A number that is often near zero on either side.</summary>
    public void Difference(long value) => Number((value << 1 ^ value >> 63) & long.MaxValue);

    public void Flag(bool value) => Number(value ? 1 : 0);

    public void Text(string value)
    {
        var size = Encoding.UTF8.GetByteCount(value);
        Number(size);
        if (size > _buffer.Length)
        {
            Flush();
            stream.Write(Encoding.UTF8.GetBytes(value));
            return;
        }

        Reserve(size);
        _used += Encoding.UTF8.GetBytes(value, _buffer.AsSpan(_used));
    }

    public void OptionalText(string? value)
    {
        Flag(value is not null);
        if (value is not null)
        {
            Text(value);
        }
    }

    public void OptionalBytes(byte[]? value)
    {
        Number(value is null ? 0 : value.Length + 1);
        Raw(value);
    }

    public void Raw(ReadOnlySpan<byte> value)
    {
        if (value.Length > _buffer.Length)
        {
            Flush();
            stream.Write(value);
            return;
        }

        Reserve(value.Length);
        value.CopyTo(_buffer.AsSpan(_used));
        _used += value.Length;
    }

    public void Wide(UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        Raw(bytes);
    }

    public void Flush()
    {
        stream.Write(_buffer, 0, _used);
        _used = 0;
    }

    private void Reserve(int size)
    {
        if (_used + size > _buffer.Length)
        {
            Flush();
        }
    }
}
