using System.Runtime.CompilerServices;
using DChat.Core.Blobs;
using DChat.Server.Observability;

namespace DChat.Server.Blobs;

/// <summary>Counts what fails, and says once when the blob store goes away and once when it is back: nothing else tells of it while chat goes on.</summary>
internal sealed partial class WatchedBlobStore : IBlobStore
{
    private readonly IBlobStore _inner;
    private readonly DChatMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long _awaySince; // A timestamp of the clock; 0: it is there.

    public WatchedBlobStore(IBlobStore inner, DChatMetrics metrics, TimeProvider time, ILogger<WatchedBlobStore> logger)
    {
        (_inner, _metrics, _time, _logger) = (inner, metrics, time, logger);
        metrics.ObserveBlobs(() => Volatile.Read(ref _awaySince) is not 0 and var since ? _time.GetElapsedTime(since).TotalSeconds : 0);
    }

    public Task PutAsync(string name, Stream content, CancellationToken cancellation) => WatchAsync("put", async () =>
    {
        await _inner.PutAsync(name, content, cancellation);
        return true;
    });

    public Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation) => WatchAsync("open", () => _inner.OpenAsync(name, cancellation));

    public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var found = _inner.ListAsync(prefix, cancellation).GetAsyncEnumerator(cancellation);
        while (await WatchAsync("list", () => found.MoveNextAsync().AsTask()))
        {
            yield return found.Current;
        }
    }

    public Task DeleteAsync(string name, CancellationToken cancellation) => WatchAsync("delete", async () =>
    {
        await _inner.DeleteAsync(name, cancellation);
        return true;
    });

    public async ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation)
    {
        try
        {
            // That it succeeds does not tell that the store is there: nothing is asked of it.
            return await _inner.PresignAsync(name, lifetime, disposition, mediaType, cancellation);
        }
        catch (BlobStoreUnavailableException error)
        {
            Failed("presign", error);
            throw;
        }
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private async Task<T> WatchAsync<T>(string operation, Func<Task<T>> call)
    {
        try
        {
            var result = await call();
            Succeeded();
            return result;
        }
        catch (BlobStoreUnavailableException error)
        {
            Failed(operation, error);
            throw;
        }
    }

    private void Succeeded()
    {
        if (Volatile.Read(ref _awaySince) != 0 && Interlocked.Exchange(ref _awaySince, 0) is not 0 and var since)
        {
            Log.Back(_logger, _time.GetElapsedTime(since).TotalSeconds);
        }
    }

    private void Failed(string operation, BlobStoreUnavailableException error)
    {
        _metrics.BlobFailures.Add(1, new KeyValuePair<string, object?>("operation", operation));
        if (Interlocked.CompareExchange(ref _awaySince, Math.Max(1, _time.GetTimestamp()), 0) == 0)
        {
            Log.Away(_logger, error.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1100, Level = LogLevel.Warning, Message = "The blob store fails; files are unavailable and snapshots wait until it is back, nothing else stops: {Reason}")]
        public static partial void Away(ILogger logger, string reason);

        [LoggerMessage(EventId = 1101, Level = LogLevel.Information, Message = "The blob store is back after {Seconds:0} s")]
        public static partial void Back(ILogger logger, double seconds);
    }
}
