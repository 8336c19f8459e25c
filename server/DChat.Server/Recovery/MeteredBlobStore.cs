using DChat.Core.Blobs;

namespace DChat.Server.Recovery;

/// <summary>A blob store that says how many bytes go in and come out, for whoever waits for them.</summary>
internal sealed class MeteredBlobStore(IBlobStore inner, Action<long> moved) : IBlobStore
{
    public async Task PutAsync(string name, Stream content, CancellationToken cancellation)
    {
        await using var counted = new MeteredStream(content, moved, leaveOpen: true);
        await inner.PutAsync(name, counted, cancellation);
    }

    public async Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation) =>
        await inner.OpenAsync(name, cancellation) is { } content ? content with { Stream = new MeteredStream(content.Stream, moved, leaveOpen: false) } : null;

    public IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellation) => inner.ListAsync(prefix, cancellation);

    public Task DeleteAsync(string name, CancellationToken cancellation) => inner.DeleteAsync(name, cancellation);

    public ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation) =>
        inner.PresignAsync(name, lifetime, disposition, mediaType, cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}

/// <summary>Counts what is read.</summary>
internal sealed class MeteredStream(Stream inner, Action<long> moved, bool leaveOpen) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => inner.CanSeek;

    public override bool CanWrite => false;

    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position;
        set => inner.Position = value;
    }

    public override int Read(byte[] buffer, int offset, int count) => Counted(inner.Read(buffer, offset, count));

    public override int Read(Span<byte> buffer) => Counted(inner.Read(buffer));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Counted(await inner.ReadAsync(buffer, cancellationToken));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        if (!leaveOpen)
        {
            await inner.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !leaveOpen)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Counted(int count)
    {
        moved(count);
        return count;
    }
}
