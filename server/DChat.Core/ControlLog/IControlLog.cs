namespace DChat.Core.ControlLog;

/// <summary>
/// The replicated log of registry entries and the election of the one who may append to it.
/// Engines: SQLite (one coordinator), etcd (Raft), memory (tests). All pass one specification.
/// </summary>
/// <remarks>
/// Entries are numbered 1, 2, 3, … without holes; an entry that was once committed is never changed.
/// A call that cannot reach the engine throws <see cref="ControlLogUnavailableException"/>;
/// a damaged log throws <see cref="ControlLogDamagedException"/>, which names what is damaged and the remedy.
/// </remarks>
public interface IControlLog : IControlLogReader
{
    /// <summary>Waits until this node is the leader.</summary>
    /// <param name="advertise">Where nodes reach this coordinator (<c>host:port</c>), told to whoever asks for the leader.</param>
    Task<ILeadership> CampaignAsync(string advertise, CancellationToken cancellation);

    /// <summary>Who leads now, or null where nobody does.</summary>
    Task<LeaderInfo?> ReadLeaderAsync(CancellationToken cancellation);

    /// <summary>
    /// Ends the leadership of <paramref name="term"/>, as a lease that runs out does: for a standby that knows that the leader's process is
    /// gone. Harmless where it is not: the fence holds whatever the former leader believes. False where that term leads no more.
    /// </summary>
    Task<bool> DeposeAsync(long term, CancellationToken cancellation);

    /// <summary>
    /// Appends entry <paramref name="index"/> if <paramref name="term"/> still leads, entry <c>index - 1</c> exists
    /// and entry <paramref name="index"/> does not. Returns only when the entry is durable.
    /// </summary>
    /// <remarks>
    /// An exception leaves the outcome unknown: repeat the identical call until it answers.
    /// A repeat of what is committed already (same index, same term, same bytes) answers <see cref="AppendOutcome.Committed"/>.
    /// </remarks>
    /// <exception cref="ControlLogRefusedException">The engine does not take it, and will not: no repeat is of use. Of tries before it nothing is known.</exception>
    Task<AppendOutcome> AppendAsync(long term, long index, ReadOnlyMemory<byte> payload, CancellationToken cancellation);

    /// <summary>Removes the entries up to and including <paramref name="throughIndex"/>, if <paramref name="term"/> still leads; false where it does not.</summary>
    /// <exception cref="InvalidOperationException">The log ends before that: whatever holds so many entries is of another log. Nothing was changed.</exception>
    Task<bool> TruncateAsync(long term, long throughIndex, CancellationToken cancellation);

    /// <summary>The engine has no space for another entry, nor for an election, as far as it was looked at last.</summary>
    bool IsFull => false;

    /// <summary>How much of its space the engine uses, as far as it was looked at last; null: not known yet, or nothing but the disk bounds it.</summary>
    LogSpace? Space => null;

    /// <summary>
    /// Makes space in a full engine: as <see cref="TruncateAsync"/>, but the log keeps its last entry, and with <paramref name="term"/> 0 it is done
    /// if nobody leads: without space nobody can be elected. What is removed must be in a verified snapshot. False where nothing was done, also where
    /// the log ends before that index.
    /// </summary>
    Task<bool> FreeAsync(long term, long throughIndex, CancellationToken cancellation) => Task.FromResult(false);

    /// <summary>
    /// Lets a log that never held an entry begin behind <paramref name="index"/>, as one that was truncated so far: what a restore ends with.
    /// False where <paramref name="term"/> does not lead. A repeat of what was done already answers true, whoever leads by then.
    /// </summary>
    /// <exception cref="InvalidOperationException">It holds entries, or did: nothing was changed.</exception>
    Task<bool> BeginAfterAsync(long term, long index, CancellationToken cancellation);
}

/// <summary>What can be done with a log beside those that write it.</summary>
public interface IControlLogReader : IAsyncDisposable
{
    /// <summary>The first and the last index that the log holds now; an empty log that was truncated keeps its last index.</summary>
    Task<LogBounds> ReadBoundsAsync(CancellationToken cancellation);

    /// <summary>
    /// All committed entries from <paramref name="fromIndex"/> on, first those that exist, then each as it is committed, until cancelled.
    /// Throws <see cref="EntryTruncatedException"/> where <paramref name="fromIndex"/> is truncated: start from a snapshot instead.
    /// </summary>
    IAsyncEnumerable<LogEntry> FollowAsync(long fromIndex, CancellationToken cancellation);
}

/// <summary>The right to append, until it is lost. Disposing resigns.</summary>
public interface ILeadership : IAsyncDisposable
{
    /// <summary>The fencing token: higher than that of every leader before.</summary>
    long Term { get; }

    /// <summary>Cancelled when the leadership is lost, as far as this node can know: only the fence is certain.</summary>
    CancellationToken Lost { get; }
}

/// <summary>Who leads.</summary>
/// <param name="Advertise"><c>host:port</c> of its node interface.</param>
public sealed record LeaderInfo(long Term, string Advertise);

/// <summary>A committed entry.</summary>
/// <param name="Term">The leader's that appended it.</param>
public sealed record LogEntry(long Index, long Term, ReadOnlyMemory<byte> Payload);

/// <param name="Bytes">Of the fullest node that keeps the log, unused space in its files included: what counts towards its bound.</param>
/// <param name="BytesMax">At which it takes no more writes.</param>
public sealed record LogSpace(long Bytes, long BytesMax);

/// <param name="First">1 in a log that was never truncated, even when it is empty.</param>
/// <param name="Last"><c>First - 1</c> in an empty log.</param>
public readonly record struct LogBounds(long First, long Last);

/// <summary>How an append ended.</summary>
public enum AppendOutcome
{
    /// <summary>The entry is durable at its index.</summary>
    Committed,

    /// <summary>The term does not lead any more; the entry is not in the log and never will be.</summary>
    Fenced,

    /// <summary>The index is taken by another entry, or the one before is missing: the caller does not know the log's end.</summary>
    WrongIndex,
}

/// <summary>Limits of the log that every engine keeps.</summary>
public static class ControlLogLimits
{
    /// <summary>The largest entry, in bytes; etcd refuses values over 1.5 MB.</summary>
    public const int EntryBytesMax = 512 * 1024;
}

/// <summary>The engine cannot be reached or cannot commit now; a repeat may succeed.</summary>
public sealed class ControlLogUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The engine refuses for good, until somebody sees to it. The message says why, and the remedy.</summary>
public sealed class ControlLogRefusedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The log is damaged; going on would lose what was acknowledged. The message names the damage and the remedy.</summary>
public sealed class ControlLogDamagedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The entry asked for is truncated.</summary>
/// <param name="first">The first index that the log still holds.</param>
public sealed class EntryTruncatedException(long fromIndex, long first)
    : Exception($"entry {fromIndex} is truncated; the log begins at {first}")
{
    public long First { get; } = first;
}
