namespace DChat.Client.Files;

/// <summary>What is being downloaded: a connection that is lost, or gives no byte for too long, is a <see cref="ChatException"/>, never a short file.</summary>
internal sealed class TransferStream(Stream content, TimeSpan patience, TimeProvider time) : Stream
{
    /// <summary>How long an upload or a download may stand still.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="ChatException"><c>unreachable</c>.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var limit = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await content.ReadAsync(buffer, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw Stalled(e, patience);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new ChatException(ClientErrorCodes.Unreachable, $"The connection was lost in the middle of the file: {e.Message}", null, e);
        }
    }

    public static ChatException Stalled(Exception cause, TimeSpan patience) =>
        new(ClientErrorCodes.Unreachable, $"The transfer stood still for {patience.TotalSeconds:0} s and was given up.", null, cause);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a download is read asynchronously");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            content.Dispose();
        }

        base.Dispose(disposing);
    }
}
