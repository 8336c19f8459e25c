using System.Buffers;
using System.Text;

namespace DChat.Server.Nodes;

/// <summary>Writes a payload: numbers as LEB128 (as in the DWARF specification), texts and bytes with their length before them.</summary>
internal sealed class PayloadWriter
{
    private const int NumberSizeMax = 10;
    private readonly ArrayBufferWriter<byte> _bytes = new(256);

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.WrittenMemory;

    public PayloadWriter Clear()
    {
        _bytes.ResetWrittenCount();
        return this;
    }

    /// <summary>A number of 0 or more.</summary>
    public PayloadWriter Number(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        var span = _bytes.GetSpan(NumberSizeMax);
        var length = 0;
        var left = (ulong)value;
        while (left >= 0x80)
        {
            span[length++] = (byte)(left | 0x80);
            left >>= 7;
        }

        span[length++] = (byte)left;
        _bytes.Advance(length);
        return this;
    }

    public PayloadWriter Flag(bool value)
    {
        _bytes.GetSpan(1)[0] = value ? (byte)1 : (byte)0;
        _bytes.Advance(1);
        return this;
    }

    public PayloadWriter Text(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        Number(length);
        _bytes.Advance(Encoding.UTF8.GetBytes(text, _bytes.GetSpan(length)));
        return this;
    }

    public PayloadWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        Number(bytes.Length);
        _bytes.Write(bytes);
        return this;
    }
}
