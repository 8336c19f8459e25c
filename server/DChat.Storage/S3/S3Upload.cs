using Amazon.S3;
using Amazon.S3.Model;
using DChat.Core.Blobs;

namespace DChat.Storage.S3;

/// <summary>
/// One blob on its way to S3 in parts: while parts are sent, the next is read. Memory is the part that is read and those that are sent, which
/// the store bounds. Nothing is to be seen before <see cref="CompleteAsync"/>; whatever fails, <see cref="AbortAsync"/> takes the parts away.
/// </summary>
internal sealed class S3Upload(S3Clients clients, S3BlobStoreOptions options, SemaphoreSlim senders, string key, string mark) : IDisposable
{
    /// <summary>S3 knows no more.</summary>
    public const int PartsMax = 10_000;

    /// <summary>Tells this upload's object from another of the same name.</summary>
    public const string Mark = "dchat-upload";

    private readonly CancellationTokenSource _failed = new();
    private readonly List<Task<PartETag>> _parts = [];
    private Exception? _failure;
    private string? _id;

    /// <summary>What S3 calls the upload; null before it has begun.</summary>
    public string? Id => _id;

    public async Task BeginAsync(InitiateMultipartUploadRequest request, CancellationToken cancellation) => _id =
        (await S3Call.Within(options.CallTime, options.Url, token => clients.Calls.InitiateMultipartUploadAsync(request, token), cancellation)).UploadId;

    /// <summary>Sends what was read already, which becomes the upload's, and what follows, to the end of the content.</summary>
    public async Task SendAsync(PartBuffer first, Stream content, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _failed.Token);
        PartBuffer? next = first;
        try
        {
            while (next.Length > 0)
            {
                if (_parts.Count == PartsMax)
                {
                    throw new BlobStoreUnavailableException($"A blob of more than {PartsMax} parts of {options.Url.PartBytes >> 20} MiB does not fit: give a larger part-size= in --blobs");
                }

                await senders.WaitAsync(either.Token);
                _parts.Add(SendPartAsync(next, _parts.Count + 1, either.Token));
                next = null;
                next = await PartBuffer.FillAsync(content, options.Url.PartBytes, either.Token);
            }

            await Task.WhenAll(_parts);
        }
        catch (OperationCanceledException) when (_failure is not null && !cancellation.IsCancellationRequested)
        {
            throw _failure;
        }
        catch
        {
            await _failed.CancelAsync(); // Now, while the parts hear of it: the source that links the two goes with this call.
            throw;
        }
        finally
        {
            next?.Dispose();
        }
    }

    public async Task CompleteAsync(CancellationToken cancellation)
    {
        var request = new CompleteMultipartUploadRequest { BucketName = options.Url.Bucket, Key = key, UploadId = _id, PartETags = [.. _parts.Select(part => part.Result)] };
        try
        {
            await S3Call.Within(options.CompleteTime, options.Url, token => clients.Content.CompleteMultipartUploadAsync(request, token), cancellation);
        }
        catch (BlobStoreUnavailableException)
        {
            // It may have been done all the same, and only the answer was lost: a repeat then finds no such upload.
            if (!await IsThereAsync(cancellation))
            {
                throw;
            }
        }
    }

    /// <summary>Ends what is being sent and takes away what was. Bounded in time, whether S3 answers or not.</summary>
    /// <exception cref="BlobStoreUnavailableException">The parts are left in S3.</exception>
    public async Task AbortAsync()
    {
        await _failed.CancelAsync();
        await Task.WhenAll(_parts).ContinueWith(_ => { }, TaskScheduler.Default);
        if (_id is not null)
        {
            var request = new AbortMultipartUploadRequest { BucketName = options.Url.Bucket, Key = key, UploadId = _id };
            try
            {
                await S3Call.Within(options.CallTime, options.Url, token => clients.Calls.AbortMultipartUploadAsync(request, token), CancellationToken.None);
            }
            catch (BlobStoreUnavailableException error) when (S3Failures.IsMissing(error))
            {
                // Gone already.
                _id = null;
            }
        }
    }

    public void Dispose() => _failed.Dispose();

    private async Task<PartETag> SendPartAsync(PartBuffer part, int number, CancellationToken cancellation)
    {
        try
        {
            await using var body = part.Open();
            var request = new UploadPartRequest
            {
                BucketName = options.Url.Bucket,
                Key = key,
                UploadId = _id,
                PartNumber = number,
                PartSize = part.Length,
                InputStream = body,
                UseChunkEncoding = false,
            };
            var answer = await S3Call.Within(options.PartTime, options.Url, token => clients.Content.UploadPartAsync(request, token), cancellation);
            return new PartETag(number, answer.ETag);
        }
        catch (BlobStoreUnavailableException error)
        {
            Interlocked.CompareExchange(ref _failure, error, null);
            await _failed.CancelAsync();
            throw;
        }
        finally
        {
            part.Dispose();
            senders.Release();
        }
    }

    private async Task<bool> IsThereAsync(CancellationToken cancellation)
    {
        var request = new GetObjectMetadataRequest { BucketName = options.Url.Bucket, Key = key };
        try
        {
            var found = await S3Call.Within(options.CallTime, options.Url, token => clients.Calls.GetObjectMetadataAsync(request, token), cancellation);
            return found.Metadata[Mark] == mark;
        }
        catch (BlobStoreUnavailableException)
        {
            return false;
        }
    }
}
