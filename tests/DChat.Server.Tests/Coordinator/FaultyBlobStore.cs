using DChat.Core.Blobs;
using DChat.Storage;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A blob store that is away, or keeps other bytes than it was given, as the test says.</summary>
internal sealed class FaultyBlobStore(IBlobStore inner) : IBlobStore
{
    private volatile bool _away;
    private int _held;
    private int _opened;

    public bool IsAway
    {
        get => _away;
        set => _away = value;
    }

    public bool Corrupts { get; init; }

    /// <summary>Reading fails in the middle, as of a disk that is broken.</summary>
    public bool Breaks { get; init; }

    /// <summary>Asked before a blob is removed.</summary>
    public Func<bool> Removes { get; init; } = () => true;

    /// <summary>What is read is not what is kept, as of a cache or memory that is broken.</summary>
    public bool Misreads { get; set; }

    /// <summary>What is put is kept, and nobody is told so.</summary>
    public bool LosesAnswers { get; set; }

    /// <summary>What is put waits for it, whatever is cancelled, as in a folder of a file server that hangs.</summary>
    public Task Gate { get; init; } = Task.CompletedTask;

    /// <summary>So often something was put that has to wait for the gate.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>So often somebody wanted to read a blob.</summary>
    public int Opened => Volatile.Read(ref _opened);

    /// <summary>Each byte that is read takes one of them; null: none is needed.</summary>
    public SemaphoreSlim? Reads { get; init; }

    public async Task PutAsync(string name, Stream content, CancellationToken cancellation)
    {
        ThrowIfAway();
        if (!Gate.IsCompleted)
        {
            Interlocked.Increment(ref _held);
            await Gate;
        }

        if (!Corrupts)
        {
            await inner.PutAsync(name, content, cancellation);
            if (LosesAnswers)
            {
                throw new BlobStoreUnavailableException("nobody answered");
            }

            return;
        }

        await inner.PutAsync(name, await ChangedAsync(content, cancellation), cancellation);
    }

    public async Task<BlobContent?> OpenAsync(string name, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _opened);
        ThrowIfAway();
        var content = await inner.OpenAsync(name, cancellation);
        if (Breaks && content is not null)
        {
            await content.DisposeAsync();
            return content with { Stream = new Broken() };
        }

        if (Misreads && content is not null)
        {
            await using (content)
            {
                return content with { Stream = await ChangedAsync(content.Stream, cancellation) };
            }
        }

        return Reads is { } reads && content is not null ? content with { Stream = new Trickle(content.Stream, reads) } : content;
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

    private static async Task<MemoryStream> ChangedAsync(Stream content, CancellationToken cancellation)
    {
        var copy = new MemoryStream();
        await content.CopyToAsync(copy, cancellation);
        copy.GetBuffer()[copy.Length / 2] ^= 1;
        copy.Position = 0;
        return copy;
    }

    private void ThrowIfAway()
    {
        if (_away)
        {
            throw new BlobStoreUnavailableException("away");
        }
    }

    private sealed class Broken : MemoryStream
    {
        public override int Read(Span<byte> buffer) => throw new IOException("Input/output error");

        public override int Read(byte[] buffer, int offset, int count) => throw new IOException("Input/output error");
    }

    private sealed class Trickle(Stream inner, SemaphoreSlim reads) : ForwardStream
    {
        public override bool CanRead => true;

        public override int Read(byte[] buffer, int offset, int count)
        {
            reads.Wait();
            return inner.Read(buffer, offset, Math.Min(count, 1));
        }

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
