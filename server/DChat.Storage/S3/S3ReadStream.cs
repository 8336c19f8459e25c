using Amazon.S3.Model;
using DChat.Core.Blobs;

namespace DChat.Storage.S3;

/// <summary>A blob that is being read. A connection that breaks or stands still is replaced by another one, from the byte where it stopped.</summary>
internal sealed class S3ReadStream : ForwardStream
{
    private readonly Func<string, long, CancellationToken, Task<GetObjectResponse>> _reopen;
    private readonly Action _closed;
    private readonly S3BlobStoreOptions _options;
    private readonly CancellationToken _given;
    private readonly string _version;
    private readonly long _size;
    private GetObjectResponse _response;
    private long _position;
    private int _failures;
    private bool _isClosed;

    /// <param name="reopen">Opens the same version (an ETag) from a byte on.</param>
    /// <param name="closed">Is called once, when the stream is disposed.</param>
    /// <param name="cancellation">Ends reads that hold a thread, which can be given none of their own.</param>
    public S3ReadStream(
        GetObjectResponse response,
        S3BlobStoreOptions options,
        Func<string, long, CancellationToken, Task<GetObjectResponse>> reopen,
        Action closed,
        CancellationToken cancellation)
    {
        (_response, _options, _reopen, _closed, _given) = (response, options, reopen, closed, cancellation);
        (_version, _size) = (response.ETag, response.ContentLength);
    }

    public override bool CanRead => true;

    /// <exception cref="BlobStoreUnavailableException">S3 is away for longer than a few tries, or the blob was replaced.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty || _position == _size)
        {
            return 0;
        }

        while (true)
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(_options.StallTime);
                var read = await _response.ResponseStream.ReadAsync(buffer, limit.Token);
                if (read == 0)
                {
                    throw new IOException("the connection ended before the content");
                }

                _position += read;
                _failures = 0;
                return read;
            }
            catch (Exception error) when (S3Failures.IsFailure(error) && !cancellationToken.IsCancellationRequested)
            {
                if (++_failures > _options.Retries)
                {
                    throw S3Failures.Unavailable(_options.Url, error);
                }

                await ReopenAsync(cancellationToken);
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Holds the thread: for those that have one of their own, as reading a snapshot does.</summary>
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count, _given).GetAwaiter().GetResult();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isClosed)
        {
            _isClosed = true;
            _response.Dispose();
            _closed();
        }

        base.Dispose(disposing);
    }

    private async Task ReopenAsync(CancellationToken cancellation)
    {
        _response.Dispose();
        try
        {
            _response = await _reopen(_version, _position, cancellation);
        }
        catch (BlobStoreUnavailableException error) when (S3Failures.IsReplaced(error))
        {
            throw new BlobStoreUnavailableException($"The blob was replaced or removed in {_options.Url.Place} while it was read", error);
        }

        if (_response.ContentLength != _size - _position)
        {
            throw new BlobStoreUnavailableException($"{_options.Url.Place} was asked for the rest of a blob and answers with another part of it");
        }
    }
}
