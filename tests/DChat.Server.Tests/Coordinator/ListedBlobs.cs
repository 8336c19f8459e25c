using DChat.Core.Blobs;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A blob store of names, as many as a test likes, with nothing behind them.</summary>
internal sealed class ListedBlobs(IEnumerable<string> names) : IBlobStore
{
    public IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellation) => names
        .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .Select(name => new BlobInfo(name, 1, 1))
        .ToAsyncEnumerable();

    public Task PutAsync(string name, Stream content, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation) => throw new NotSupportedException();

    public Task DeleteAsync(string name, CancellationToken cancellation) => throw new NotSupportedException();

    public ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation) => default;

    public ValueTask DisposeAsync() => default;
}
