using System.Buffers;

namespace DChat.Storage.S3;

/// <summary>A part of a blob in memory, no larger than what is in it needs, so that small blobs cost little.</summary>
internal sealed class PartBuffer : IDisposable
{
    private const int FirstBytes = 64 * 1024;

    private byte[] _bytes;

    private PartBuffer(int bytes) => _bytes = ArrayPool<byte>.Shared.Rent(bytes);

    public int Length { get; private set; }

    /// <summary>Reads until the part is full, or the content at its end.</summary>
    public static async Task<PartBuffer> FillAsync(Stream content, int partBytes, CancellationToken cancellation)
    {
        var left = content.CanSeek ? content.Length - content.Position : FirstBytes;
        var buffer = new PartBuffer((int)Math.Clamp(left, 1, partBytes));
        try
        {
            while (buffer.Length < partBytes)
            {
                buffer.GrowIfFull(partBytes);
                var read = await content.ReadAsync(buffer._bytes.AsMemory(buffer.Length, Math.Min(buffer._bytes.Length, partBytes) - buffer.Length), cancellation);
                if (read == 0)
                {
                    break;
                }

                buffer.Length += read;
            }

            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>What is in it, to be read from its beginning.</summary>
    public MemoryStream Open() => new(_bytes, 0, Length, writable: false);

    /// <summary>More than once does nothing more.</summary>
    public void Dispose()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    private void GrowIfFull(int partBytes)
    {
        if (Length < _bytes.Length)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(2L * _bytes.Length, partBytes));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
