using DChat.Core.Blobs;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A blob store that is away, or keeps other bytes than it was given, as the test says.</summary>
internal sealed class FaultyBlobStore(IBlobStore inner) : IBlobStore
{
    private volatile bool _away;

    public bool IsAway
    {
        get => _away;
        set => _away = value;
    }

    public bool Corrupts { get; init; }

    /// <summary>Asked before a blob is removed.</summary>
    public Func<bool> Removes { get; init; } = () => true;

    public async Task PutAsync(string name, Stream content, CancellationToken cancellation)
    {
        ThrowIfAway();
        if (!Corrupts)
        {
            await inner.PutAsync(name, content, cancellation);
            return;
        }

        var copy = new MemoryStream();
        await content.CopyToAsync(copy, cancellation);
        copy.GetBuffer()[copy.Length / 2] ^= 1;
        copy.Position = 0;
        await inner.PutAsync(name, copy, cancellation);
    }

    public Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation)
    {
        ThrowIfAway();
        return inner.OpenAsync(name, cancellation);
    }

    public IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellation)
    {
        ThrowIfAway();
        return inner.ListAsync(prefix, cancellation);
    }

    public Task DeleteAsync(string name, CancellationToken cancellation)
    {
        ThrowIfAway();
        return Removes() ? inner.DeleteAsync(name, cancellation) : throw new BlobStoreUnavailableException("nothing is removed now");
    }

    public ValueTask<Uri?> PresignAsync(string name, TimeSpan lifetime, string disposition, string mediaType, CancellationToken cancellation) => new((Uri?)null);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private void ThrowIfAway()
    {
        if (_away)
        {
            throw new BlobStoreUnavailableException("away");
        }
    }
}
