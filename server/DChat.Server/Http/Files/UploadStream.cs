using DChat.Protocol;
using DChat.Storage;

namespace DChat.Server.Http.Files;

/// <summary>An upload on its way to the blob store: counts it, keeps its first bytes, and breaks it off where it is too large.</summary>
internal sealed class UploadStream(Stream source, long sizeMax) : ForwardStream
{
    private readonly byte[] _head = new byte[FileType.HeadLength];

    /// <summary>Bytes that were read so far.</summary>
    public long Size { get; private set; }

    public ReadOnlySpan<byte> Head => _head.AsSpan(0, (int)Math.Min(Size, _head.Length));

    public override bool CanRead => true;

    /// <exception cref="ApiException"><c>too_large</c>.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await source.ReadAsync(buffer, cancellationToken);
        if (Size < _head.Length)
        {
            var kept = (int)Math.Min(read, _head.Length - Size);
            buffer.Span[..kept].CopyTo(_head.AsSpan((int)Size));
        }

        Size += read;
        return Size <= sizeMax ? read : throw new ApiException(ErrorCodes.TooLarge, $"A file has at most {sizeMax} bytes here.");
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
}
