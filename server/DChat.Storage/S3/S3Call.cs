namespace DChat.Storage.S3;

/// <summary>Bounds a request to S3 in time, and gives its failures the port's shape.</summary>
internal static class S3Call
{
    /// <exception cref="Core.Blobs.BlobStoreUnavailableException">S3 refused, failed, or took too long.</exception>
    public static async Task<T> Within<T>(TimeSpan limit, S3Url url, Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        either.CancelAfter(limit);
        try
        {
            return await call(either.Token);
        }
        catch (Exception error) when (S3Failures.IsFailure(error) && cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException("the caller gave it up", error, cancellation);
        }
        catch (Exception error) when (S3Failures.IsFailure(error))
        {
            throw S3Failures.Unavailable(url, error);
        }
    }
}
