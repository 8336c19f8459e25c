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
    /// An address from which whoever has it can fetch the blob itself for <paramref name="lifetime"/>, without signing in anywhere,
    /// or null where the engine has no such addresses and the content must be passed on. It does not look whether the blob is there.
    /// </summary>
    /// <param name="disposition">The answer's <c>Content-Disposition</c>.</param>
    /// <param name="mediaType">The answer's <c>Content-Type</c>.</param>
    ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation);
}

/// <summary>
/// An opened blob; disposing it closes the stream. Reading throws <see cref="IOException"/> or <see cref="BlobStoreUnavailableException"/> where
/// the store is lost in the middle: never a short content.
/// </summary>
public sealed record BlobContent(Stream Stream, long Size) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}

/// <param name="Size">Bytes.</param>
/// <param name="ModifiedAt">Unix milliseconds UTC.</param>
public sealed record BlobInfo(string Name, long Size, long ModifiedAt);

/// <summary>The store cannot be reached, or has no room.</summary>
public sealed class BlobStoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
