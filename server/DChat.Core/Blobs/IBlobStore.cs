namespace DChat.Core.Blobs;

/// <summary>
/// Snapshots and files: whole objects, written once. Engines: a folder, S3. All pass one specification.
/// </summary>
/// <remarks>
/// A name is 1 to 512 characters of <c>A-Z a-z 0-9 . _ - /</c>, its segments at most 200 long, none of them empty, <c>.</c> or <c>..</c>
/// (<see cref="BlobName"/>); another throws <see cref="ArgumentException"/>. No blob's name may be the folder of another's (<c>a</c> and <c>a/b</c>). A call that cannot reach the store, or finds no room in it,
/// throws <see cref="BlobStoreUnavailableException"/>.
/// </remarks>
public interface IBlobStore : IAsyncDisposable
{
    /// <summary>Stores all of <paramref name="content"/> under <paramref name="name"/>: it is seen whole and durable, or not at all. Replaces what is there.</summary>
    Task PutAsync(string name, Stream content, CancellationToken cancellation);

    /// <summary>The content, or null where there is none.</summary>
    Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation);

    /// <summary>All blobs whose name begins with <paramref name="prefix"/>, in ordinal order of name.</summary>
    IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellation);

    /// <summary>Removes it; nothing happens where there is none.</summary>
    Task DeleteAsync(string name, CancellationToken cancellation);

    /// <summary>
    /// An address from which a client can fetch the blob itself for <paramref name="lifetime"/>,
    /// or null where the engine has no such addresses and the content must be passed on.
    /// </summary>
    Uri? Presign(string name, TimeSpan lifetime, string fileName, string mediaType);
}

/// <summary>An opened blob; disposing it closes the stream.</summary>
public sealed record BlobContent(Stream Stream, long Size) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}

/// <param name="Size">Bytes.</param>
/// <param name="ModifiedAt">Unix milliseconds UTC.</param>
public sealed record BlobInfo(string Name, long Size, long ModifiedAt);

/// <summary>The store cannot be reached, or has no room.</summary>
public sealed class BlobStoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
