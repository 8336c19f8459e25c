namespace DChat.Server.Worker.Transport;

/// <summary>Bounds what waits for slow clients, for each and in all.</summary>
internal sealed class OutboxBudget(long eventBytesPerConnection, long totalBytes, Action overflowed)
{
    /// <summary>Behind a slow client presence and typing are dropped above it, in bytes.</summary>
    public const int DroppableBytesMax = 64 * 1024;

    /// <summary>Above it the client's further calls wait, in bytes.</summary>
    public const int AnswerBytesMax = 4 * 1024 * 1024;

    /// <summary>How much of a queue is copied into the pipe before a flush, in bytes.</summary>
    public const int WriteBytes = 64 * 1024;

    /// <summary>The piece that is asked of the pipe at once, in bytes; the pool's blocks are 4 KiB.</summary>
    public const int CopyBytes = 4 * 1024;

    /// <summary>What a connection may still queue once all of them together are over the total, in bytes.</summary>
    private const long ScarceBytes = 64 * 1024;

    private long taken;

    /// <summary>How much one connection may queue now, in bytes.</summary>
    public long EventBytes => Volatile.Read(ref taken) > totalBytes ? Math.Min(ScarceBytes, eventBytesPerConnection) : eventBytesPerConnection;

    public long TakenBytes => Volatile.Read(ref taken);

    public void Take(long bytes) => Interlocked.Add(ref taken, bytes);

    public void Release(long bytes) => Interlocked.Add(ref taken, -bytes);

    public void CountOverflow() => overflowed();
}
