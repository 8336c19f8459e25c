using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using DChat.Core.Blobs;
using Microsoft.Extensions.Logging;

namespace DChat.Storage.S3;

/// <summary>
/// Blobs in a bucket of S3, or of a server that speaks like it, each an object of its name behind the URL's prefix. What is larger than a part
/// is sent in parts and becomes visible when all are there.
/// </summary>
public sealed partial class S3BlobStore : IBlobStore
{
    /// <summary>Disposing waits so long for what was given up to be taken away.</summary>
    private static readonly TimeSpan AbortsEndWithin = TimeSpan.FromSeconds(3);

    private readonly S3BlobStoreOptions _options;
    private readonly S3Clients _clients;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _senders;
    private readonly SemaphoreSlim _readers;
    private readonly Lock _lock = new();
    private readonly List<Task> _aborts = [];

    private S3BlobStore(S3BlobStoreOptions options, S3Clients clients, ILogger logger)
    {
        (_options, _clients, _logger) = (options, clients, logger);
        _senders = new SemaphoreSlim(options.Url.PartsAtOnce);
        _readers = new SemaphoreSlim(options.Readers);
    }

    private S3Url Url => _options.Url;

    /// <summary>Asks nothing of the server: <see cref="S3Probe"/> looks whether it can be used.</summary>
    /// <exception cref="BlobStoreUnavailableException">The region or the profile is not to be found.</exception>
    public static S3BlobStore Open(S3BlobStoreOptions options, ILogger<S3BlobStore> logger)
    {
        try
        {
            return new S3BlobStore(options, S3Clients.Make(options), logger);
        }
        catch (AmazonClientException error)
        {
            throw S3Failures.Unavailable(options.Url, error);
        }
    }

    public async Task PutAsync(string name, Stream content, CancellationToken cancellation)
    {
        BlobName.Check(name);
        var key = KeyOf(name);
        using var first = await PartBuffer.FillAsync(content, Url.PartBytes, cancellation);
        if (first.Length < Url.PartBytes)
        {
            await PutWholeAsync(key, first, cancellation);
        }
        else
        {
            await PutInPartsAsync(key, first, content, cancellation);
        }
    }

    public async Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation)
    {
        BlobName.Check(name);
        var key = KeyOf(name);
        if (!await _readers.WaitAsync(_options.CallTime, cancellation))
        {
            throw new BlobStoreUnavailableException($"{_options.Readers} blobs of {Url.Place} are being read already");
        }

        try
        {
            var response = await GetAsync(new GetObjectRequest { BucketName = Url.Bucket, Key = key }, cancellation);
            var stream = new S3ReadStream(response, _options, (version, from, token) => GetAsync(new GetObjectRequest
            {
                BucketName = Url.Bucket,
                Key = key,
                EtagToMatch = version,
                ByteRange = new ByteRange($"bytes={from}-"),
            }, token), () => _readers.Release(), cancellation);
            return new BlobContent(stream, response.ContentLength);
        }
        catch (BlobStoreUnavailableException error) when (S3Failures.IsMissing(error))
        {
            _readers.Release();
            return null;
        }
        catch
        {
            _readers.Release();
            throw;
        }
    }

    public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        BlobName.CheckPrefix(prefix);
        var request = new ListObjectsV2Request { BucketName = Url.Bucket, Prefix = KeyOf(prefix), MaxKeys = _options.ListPage };
        ListObjectsV2Response page;
        do
        {
            page = await S3Call.Within(_options.CallTime, Url, token => _clients.Calls.ListObjectsV2Async(request, token), cancellation);
            foreach (var found in page.S3Objects ?? [])
            {
                // A bucket may hold what others put there.
                var name = found.Key[Url.Prefix.Length..];
                if (BlobName.IsName(name))
                {
                    yield return new BlobInfo(name, found.Size ?? 0, new DateTimeOffset((found.LastModified ?? default).ToUniversalTime()).ToUnixTimeMilliseconds());
                }
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
    }

    public async Task DeleteAsync(string name, CancellationToken cancellation)
    {
        BlobName.Check(name);
        var request = new DeleteObjectRequest { BucketName = Url.Bucket, Key = KeyOf(name) };
        try
        {
            await S3Call.Within(_options.CallTime, Url, token => _clients.Calls.DeleteObjectAsync(request, token), cancellation);
        }
        catch (BlobStoreUnavailableException error) when (S3Failures.IsMissing(error))
        {
            // Some servers say so; there is nothing, which is what was asked for.
            return;
        }
    }

    public async ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation)
    {
        BlobName.Check(name);
        if (!Url.PresignsDownloads)
        {
            return null;
        }

        var request = new GetPreSignedUrlRequest
        {
            BucketName = Url.Bucket,
            Key = KeyOf(name),
            Verb = HttpVerb.GET,
            Expires = TimeProvider.System.GetUtcNow().UtcDateTime + lifetime, // The machine's, as the SDK counts the seconds from its clock.
            Protocol = Url.Endpoint is { Scheme: "http" } ? Protocol.HTTP : Protocol.HTTPS,
            ResponseHeaderOverrides = new ResponseHeaderOverrides
            {
                ContentDisposition = disposition,
                ContentType = mediaType,
                CacheControl = "private, no-store",
            },
        };
        // Nothing is asked of the server, but credentials may have to be fetched anew.
        return new Uri(await S3Call.Within(_options.CallTime, Url, token => _clients.Calls.GetPreSignedURLAsync(request).WaitAsync(token), cancellation));
    }

    public async ValueTask DisposeAsync()
    {
        Task aborts;
        lock (_lock)
        {
            aborts = Task.WhenAll(_aborts);
        }

        await aborts.WaitAsync(AbortsEndWithin).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _clients.Dispose();
    }

    private string KeyOf(string name) => Url.Prefix + name;

    private Task<GetObjectResponse> GetAsync(GetObjectRequest request, CancellationToken cancellation) =>
        S3Call.Within(_options.CallTime, Url, token => _clients.Calls.GetObjectAsync(request, token), cancellation);

    private async Task PutWholeAsync(string key, PartBuffer content, CancellationToken cancellation)
    {
        await using var body = content.Open();
        var request = new PutObjectRequest
        {
            BucketName = Url.Bucket,
            Key = key,
            InputStream = body,
            UseChunkEncoding = false,
            ServerSideEncryptionMethod = S3Encrypting.Method(Url),
            ServerSideEncryptionKeyManagementServiceKeyId = Url.KmsKey,
        };
        await S3Call.Within(_options.PartTime, Url, token => _clients.Content.PutObjectAsync(request, token), cancellation);
    }

    private async Task PutInPartsAsync(string key, PartBuffer first, Stream content, CancellationToken cancellation)
    {
        var mark = Guid.NewGuid().ToString("N");
        var upload = new S3Upload(_clients, _options, _senders, key, mark);
        try
        {
            var request = new InitiateMultipartUploadRequest
            {
                BucketName = Url.Bucket,
                Key = key,
                ServerSideEncryptionMethod = S3Encrypting.Method(Url),
                ServerSideEncryptionKeyManagementServiceKeyId = Url.KmsKey,
            };
            request.Metadata[S3Upload.Mark] = mark;
            await upload.BeginAsync(request, cancellation);
            await upload.SendAsync(first, content, cancellation);
            await upload.CompleteAsync(cancellation);
            upload.Dispose();
        }
        catch when (cancellation.IsCancellationRequested)
        {
            AbortBeside(upload, key);
            throw;
        }
        catch
        {
            await AbortAsync(upload, key);
            throw;
        }
    }

    /// <summary>Whoever gave it up, such as a leader that resigns, does not wait for a server that may not answer.</summary>
    private void AbortBeside(S3Upload upload, string key)
    {
        var aborting = AbortAsync(upload, key);
        lock (_lock)
        {
            _aborts.RemoveAll(abort => abort.IsCompleted);
            _aborts.Add(aborting);
        }
    }

    private async Task AbortAsync(S3Upload upload, string key)
    {
        using (upload)
        {
            try
            {
                await upload.AbortAsync();
            }
            catch (Exception error) when (error is BlobStoreUnavailableException or ObjectDisposedException)
            {
                Log.PartsAreLeft(_logger, key, upload.Id, error.Message);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5201, Level = LogLevel.Warning, Message = "Parts of an upload that failed are left in S3 until the bucket's rule for unfinished uploads removes them: {Key}, upload {UploadId}: {Reason}")]
        public static partial void PartsAreLeft(ILogger logger, string key, string? uploadId, string reason);
    }
}
