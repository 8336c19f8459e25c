using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Server.Coordinator.Standby;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>
/// Writes snapshots while this node leads, truncates the log behind the second-newest verified one, and removes old ones.
/// Where the blob store is away all of that waits and is tried again; nothing else stops.
/// </summary>
internal sealed partial class SnapshotKeeper(SnapshotStore store, IControlLog log, RegistryReplica replica, StandbyWatch standbys, CoordinatorOptions options, TimeProvider time, ILogger<SnapshotKeeper> logger)
{
    private static readonly TimeSpan Never = TimeSpan.FromDays(40);

    /// <summary>Where there is no snapshot yet, nobody waits for the first for a whole interval.</summary>
    private static readonly TimeSpan FirstAfter = TimeSpan.FromMinutes(1);

    /// <summary>One that takes longer than this may never end, and that is said.</summary>
    private static readonly TimeSpan BusyMost = TimeSpan.FromMinutes(1);

    private readonly SnapshotChecks _checks = new(store, logger);
    private volatile bool _isKeeping;
    private bool _isNoted;
    private string? _error;
    private long _busySince; // 0: nothing is waited for.
    private long _logFirst;
    private long _writtenAt; // Unix milliseconds UTC; 0: not known.

    /// <summary>The index of the newest snapshot that was written or found at start; 0 where there is none.</summary>
    public long Index { get; private set; }

    /// <summary>How long ago the newest verified snapshot was written, by whoever led then; null where there is none, or another leads.</summary>
    public TimeSpan? Age => _isKeeping && Volatile.Read(ref _writtenAt) is > 0 and var at ? TimeSpan.FromMilliseconds(Math.Max(0, Now - at)) : null;

    /// <summary>Snapshots that could not be written, since the start.</summary>
    public long Failures { get; private set; }

    /// <summary>Why the last attempt to keep a snapshot failed, or the log is not truncated behind those that are kept; null: neither is so.</summary>
    public string? Error => !_isKeeping ? Volatile.Read(ref _error)
        : Volatile.Read(ref _error) ?? WhyNotTruncated()
        ?? (Volatile.Read(ref _busySince) is > 0 and var since && time.GetElapsedTime(since) is var busy && busy > BusyMost ? $"the blob store has kept a snapshot waiting for {busy.TotalSeconds:0} s" : null);

    /// <summary>Entries that the log holds, as far as the leader knows: they grow while nothing can be truncated. 0 where another leads.</summary>
    public long LogEntries => _isKeeping && Volatile.Read(ref _logFirst) is > 0 and var first ? Math.Max(0, replica.Index - first + 1) : 0;

    /// <summary>The log is truncated up to here, as far as this node did it; 0: not yet.</summary>
    public long TruncatedThrough { get; private set; }

    /// <summary>A snapshot that was read whole when the registry was recovered.</summary>
    public async Task RecoveredAsync(SnapshotName name, CancellationToken cancellation)
    {
        DateTimeOffset? writtenAt = null;
        try
        {
            writtenAt = await store.ReadTimeAsync(name, cancellation);
        }
        catch (BlobStoreUnavailableException error)
        {
            Log.AgeUnknown(logger, name.ToString(), error.Message);
        }

        Verified(name, writtenAt?.ToUnixTimeMilliseconds() ?? 0);
    }

    /// <summary>Works until cancelled; while a blob store does not let go, longer, and does no harm: the log is truncated for the term that leads only.</summary>
    public async Task RunAsync(long term, CancellationToken cancellation)
    {
        await using var over = cancellation.Register(() => _isKeeping = false);
        try
        {
            Volatile.Write(ref _error, null);
            _isNoted = false;
            await LookAtLogAsync(cancellation);
            _isKeeping = true;
            await TimedAsync(LookAtSnapshotsAsync(cancellation));
            if (!options.SharesSnapshots)
            {
                Log.NotShared(logger);
            }

            while (true)
            {
                await WaitUntilDueAsync(cancellation);
                while (!await TimedAsync(TryKeepAsync(term, cancellation)) || log.IsFull)
                {
                    await Task.Delay(options.SnapshotRetry, time, cancellation);
                }
            }
        }
        finally
        {
            _isKeeping = false; // What is known is old from now on.
        }
    }

    /// <summary>A folder of a file server that hangs fails no call, and ends none.</summary>
    private async Task<T> TimedAsync<T>(Task<T> work)
    {
        Volatile.Write(ref _busySince, time.GetTimestamp());
        try
        {
            return await work;
        }
        finally
        {
            Volatile.Write(ref _busySince, 0);
        }
    }

    private async Task WaitUntilDueAsync(CancellationToken cancellation)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] waits = [WaitForEntriesAsync(done.Token), WaitUntilFullAsync(done.Token)];
        await Task.WhenAny(waits);
        await done.CancelAsync();
        await Task.WhenAll(waits).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
    }

    private async Task WaitUntilFullAsync(CancellationToken cancellation)
    {
        while (!log.IsFull)
        {
            await Task.Delay(FullLookEvery, time, cancellation);
        }
    }

    private async Task WaitForEntriesAsync(CancellationToken cancellation)
    {
        var entries = options.SnapshotEntries == 0 ? long.MaxValue : Index + options.SnapshotEntries;
        await replica.WaitForAsync(entries, UntilDue(), cancellation);
        await replica.WaitForAsync(Index + 1, Never, cancellation); // One like the last is of no use.
    }

    /// <summary>The time since the newest one counts, whoever wrote it: leaders may change more often than snapshots are due.</summary>
    private TimeSpan UntilDue()
    {
        if (options.SnapshotInterval == TimeSpan.Zero)
        {
            return Never;
        }

        var left = Volatile.Read(ref _writtenAt) is > 0 and var at ? options.SnapshotInterval - TimeSpan.FromMilliseconds(Now - at) : FirstAfter;
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < options.SnapshotInterval ? left : options.SnapshotInterval;
    }

    private async Task<bool> TryKeepAsync(long term, CancellationToken cancellation)
    {
        try
        {
            // Not where only tidying up failed before.
            if (replica.Index > Index)
            {
                if (await ListAsync(cancellation) is null)
                {
                    return false; // Another leads, and this term is about to end.
                }

                await NoteLeaderAsync(cancellation);
                var started = time.GetTimestamp();
                var name = await store.WriteAsync(replica.State, term, cancellation);
                Verified(name, Now);
                Log.Written(logger, name.ToString(), time.GetElapsedTime(started).TotalMilliseconds);
            }

            await TidyAsync(term, cancellation);
            Volatile.Write(ref _error, null);
            return true;
        }
        catch (Exception error) when (error is BlobStoreUnavailableException or ControlLogUnavailableException or SnapshotDamagedException or AnotherLogsSnapshotException)
        {
            if (error is SnapshotDamagedException damaged)
            {
                _checks.AddDamaged(damaged.Snapshot);
            }

            Volatile.Write(ref _error, error.Message);
            Failures++;
            Log.Failed(logger, error.Message, options.SnapshotRetry.TotalSeconds);
            return false;
        }
    }

    private async Task LookAtLogAsync(CancellationToken cancellation)
    {
        try
        {
            Volatile.Write(ref _logFirst, (await log.ReadBoundsAsync(cancellation)).First);
        }
        catch (ControlLogUnavailableException)
        {
            // Only the picture of it is older.
        }
    }

    /// <summary>The leaders before wrote some: the next is due when it was due for them.</summary>
    private async Task<bool> LookAtSnapshotsAsync(CancellationToken cancellation)
    {
        try
        {
            var found = await ListAsync(cancellation) ?? [];
            await NoteLeaderAsync(cancellation);
            foreach (var (name, writtenAt, _) in found)
            {
                if (name.Index <= Index)
                {
                    break;
                }

                if (await _checks.IsGoodAsync(name, cancellation))
                {
                    Verified(name, writtenAt.ToUnixTimeMilliseconds());
                    break;
                }
            }
        }
        catch (BlobStoreUnavailableException error)
        {
            Log.NotLookedAt(logger, error.Message); // A snapshot that is not needed, at worst.
        }
        catch (ControlLogUnavailableException error)
        {
            Log.NotLookedAt(logger, error.Message);
        }
        catch (AnotherLogsSnapshotException error)
        {
            Volatile.Write(ref _error, error.Message);
            Failures++;
            Log.AnotherLogs(logger, error.Message);
        }

        return true;
    }

    /// <summary>Newest first; null: one of them is of a leader after this one, whose matter they are now.</summary>
    /// <exception cref="AnotherLogsSnapshotException">What is there is not this log's: to count on it would empty the log, and to thin it out would take it from another.</exception>
    private async Task<List<StoredSnapshot>?> ListAsync(CancellationToken cancellation)
    {
        var found = await store.ListAsync(cancellation);
        return await AreAheadAsync(found, cancellation) ? null : found;
    }

    /// <summary>Whether one of them is of entries that this node has not seen yet.</summary>
    /// <exception cref="AnotherLogsSnapshotException">The log has not so many entries.</exception>
    private async Task<bool> AreAheadAsync(List<StoredSnapshot> found, CancellationToken cancellation)
    {
        if (found is not [var (newest, _, _), ..] || newest.Index <= replica.Index)
        {
            return false;
        }

        var last = (await log.ReadBoundsAsync(cancellation)).Last;
        return newest.Index <= last ? true : throw new AnotherLogsSnapshotException(newest, last);
    }

    private async Task NoteLeaderAsync(CancellationToken cancellation)
    {
        if (!_isNoted && options.SharesSnapshots)
        {
            await store.NoteLeaderAsync(options.Advertise, cancellation);
            _isNoted = true;
        }
    }

    /// <summary>Truncates behind the second-newest verified snapshot and removes what is older than those that are kept.</summary>
    private async Task TidyAsync(long term, CancellationToken cancellation)
    {
        if (await ListAsync(cancellation) is not { } found)
        {
            return; // Another leads: what is old is its matter.
        }

        var names = found.ConvertAll(snapshot => snapshot.Name);
        _checks.Keep(names);
        var kept = await _checks.NewestGoodAsync(names, Math.Max(2, options.SnapshotsKept), cancellation);
        if (WhyNotTruncated() is { } why)
        {
            Failures++;
            Log.NotTruncated(logger, why);
        }
        else if (kept.Count >= 1 && options.SharesSnapshots && log.IsFull)
        {
            // Behind the newest where all is gone that the one before holds: another one needs an entry.
            if (!await FreeAsync(term, kept.Count > 1 && kept[1].Index > _freedThrough ? kept[1] : kept[0], cancellation))
            {
                return;
            }
        }
        else if (kept.Count >= 2 && options.SharesSnapshots)
        {
            if (!await log.TruncateAsync(term, kept[1].Index, cancellation))
            {
                return; // As above.
            }

            TruncatedThrough = kept[1].Index;
            Volatile.Write(ref _logFirst, kept[1].Index + 1);
        }

        if (kept.Count >= options.SnapshotsKept)
        {
            // Only what lies behind as many verified ones as are to be kept; a damaged one among those is left for whoever wants to look at it.
            await RemoveOldAsync(found, kept[^1].Index, cancellation);
        }
    }

    /// <summary>What is removed from the log must be where every coordinator finds it. Null: it is, as far as is known.</summary>
    private string? WhyNotTruncated() => standbys.WithoutSnapshots is { Count: > 0 } others
        ? $"the --blobs of {string.Join(", ", others)} are another place than this leader's: its snapshots are of no use there, so the log is not truncated. Remedy: give all coordinators one --blobs, a bucket or a folder that all machines share"
        : null;

    private async Task RemoveOldAsync(List<StoredSnapshot> found, long before, CancellationToken cancellation)
    {
        var stays = new HashSet<SnapshotName>();
        foreach (var day in SnapshotRetention.ByDay(found, options.SnapshotDays))
        {
            stays.UnionWith(await _checks.NewestGoodAsync(day, 1, cancellation));
        }

        foreach (var (restored, below) in SnapshotRetention.Undone(found))
        {
            stays.Add(restored); // It tells what was undone from what came after.
            stays.UnionWith(await _checks.NewestGoodAsync(below, options.SnapshotsKept, cancellation));
        }

        foreach (var (name, _, _) in found.Where(snapshot => snapshot.Name.Index < before && !stays.Contains(snapshot.Name)))
        {
            await store.DeleteAsync(name, cancellation);
            Log.Removed(logger, name.ToString());
        }
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private void Verified(SnapshotName name, long writtenAt)
    {
        _checks.AddVerified(name);
        lock (_checks)
        {
            Index = Math.Max(Index, name.Index);
            Volatile.Write(ref _writtenAt, writtenAt);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2020, Level = LogLevel.Information, Message = "Snapshot {Name} was written and read back in {Milliseconds:0} ms")]
        public static partial void Written(ILogger logger, string name, double milliseconds);

        [LoggerMessage(EventId = 2021, Level = LogLevel.Warning, Message = "No snapshot could be kept, so the log is not truncated; the next attempt is in {RetrySeconds} s: {Reason}")]
        public static partial void Failed(ILogger logger, string reason, double retrySeconds);

        [LoggerMessage(EventId = 2016, Level = LogLevel.Warning, Message = "The log is not truncated, and grows: {Reason}")]
        public static partial void NotTruncated(ILogger logger, string reason);

        [LoggerMessage(EventId = 2017, Level = LogLevel.Warning, Message = "The control log is full, nobody leads, and no space could be made; the next attempt is in {RetrySeconds} s: {Reason}")]
        public static partial void NoSpace(ILogger logger, string reason, double retrySeconds);

        [LoggerMessage(EventId = 2027, Level = LogLevel.Warning, Message = "The control log is full: what snapshot {Name} holds was removed from it, though no second snapshot may hold it")]
        public static partial void Freed(ILogger logger, string name);

        [LoggerMessage(EventId = 2026, Level = LogLevel.Warning, Message = "The snapshots are in this coordinator's own --data, where no other reads them, so the log is never truncated and grows. Remedy: give all coordinators one --blobs, a bucket or a folder that all machines share")]
        public static partial void NotShared(ILogger logger);

        [LoggerMessage(EventId = 2029, Level = LogLevel.Warning, Message = "The control log is full, and nobody leads who would keep a snapshot of what it holds: this standby wrote {Name}, and read it back")]
        public static partial void WrittenByStandby(ILogger logger, string name);

        [LoggerMessage(EventId = 2023, Level = LogLevel.Information, Message = "Old snapshot {Name} was removed")]
        public static partial void Removed(ILogger logger, string name);

        [LoggerMessage(EventId = 2025, Level = LogLevel.Warning, Message = "The snapshots of leaders before this one cannot be looked at now: {Reason}")]
        public static partial void NotLookedAt(ILogger logger, string reason);

        [LoggerMessage(EventId = 2028, Level = LogLevel.Warning, Message = "Another cluster's snapshots are where this one keeps its own: {Reason}")]
        public static partial void AnotherLogs(ILogger logger, string reason);

        [LoggerMessage(EventId = 2024, Level = LogLevel.Warning, Message = "How old snapshot {Name} is can not be told: {Reason}")]
        public static partial void AgeUnknown(ILogger logger, string name, string reason);
    }
}
