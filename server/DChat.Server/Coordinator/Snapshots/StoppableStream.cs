using DChat.Storage;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>Ends work of seconds that reads or writes piece by piece in a thread of its own: a term, or a start, that is over must not wait for it. Leaves the inner stream open.</summary>
internal sealed class StoppableStream(Stream inner, CancellationToken cancellation) : ForwardStream
{
    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public override int Read(Span<byte> buffer)
    {
        cancellation.ThrowIfCancellationRequested();
        return inner.Read(buffer);
    }

    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        cancellation.ThrowIfCancellationRequested();
        inner.Write(buffer);
    }

    public override void Flush() => inner.Flush();
}
