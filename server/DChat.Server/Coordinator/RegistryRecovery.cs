using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator.Snapshots;

namespace DChat.Server.Coordinator;

/// <summary>
/// Finds the registry at start: the newest good snapshot and the entries after it. Where these leave a gap, or the log ends before a
/// snapshot, the start is refused: what was acknowledged would be lost silently.
/// </summary>
internal sealed partial class RegistryRecovery(IControlLogReader log, SnapshotStore snapshots, ILogger logger)
{
    private const string Remedy =
        "Remedy: put the missing data back from a backup, begin anew from the snapshots (dchat-server restore, into an empty log), or start a new, empty cluster with another --data folder.";

    /// <summary>Brings the replica to the log's end as it is now.</summary>
    /// <returns>The snapshot that was used, or null where there was none.</returns>
    /// <exception cref="ControlLogDamagedException">Snapshots and log do not make a whole; the message names what is missing and the remedy.</exception>
    /// <exception cref="ControlLogUnavailableException">The log cannot be reached.</exception>
    /// <exception cref="SnapshotsAwayException">The log was truncated, and the snapshots cannot be read now.</exception>
    /// <exception cref="EntryTruncatedException">A leader was at work meanwhile: recover again.</exception>
    public async Task<SnapshotName?> RecoverAsync(RegistryReplica replica, CancellationToken cancellation)
    {
        var bounds = await log.ReadBoundsAsync(cancellation);
        var (used, state) = await FindSnapshotAsync(bounds, cancellation);
        if (used is not null)
        {
            replica.Replace(state);
        }

        await CatchUpAsync(replica, cancellation);
        Log.Recovered(logger, replica.Index, used?.ToString() ?? "no snapshot");
        return used;
    }

    /// <summary>Applies the entries up to the log's end as it is now.</summary>
    /// <exception cref="EntryTruncatedException">They are truncated: recover again.</exception>
    /// <exception cref="ControlLogDamagedException">It ends before what was applied, or holds another entry than the last that was.</exception>
    public async Task CatchUpAsync(RegistryReplica replica, CancellationToken cancellation)
    {
        var bounds = await log.ReadBoundsAsync(cancellation);
        var from = Next(replica, bounds);
        if (from > bounds.Last)
        {
            return;
        }

        await foreach (var entry in log.FollowAsync(from, cancellation))
        {
            Apply(replica, entry);
            if (entry.Index >= bounds.Last)
            {
                return;
            }
        }
    }

    /// <summary>Applies each entry as it is committed, until cancelled.</summary>
    /// <exception cref="EntryTruncatedException">They are truncated: recover again.</exception>
    /// <exception cref="ControlLogDamagedException">It ends before what was applied, or holds another entry than the last that was.</exception>
    public async Task FollowAsync(RegistryReplica replica, CancellationToken cancellation)
    {
        await foreach (var entry in log.FollowAsync(Next(replica, await log.ReadBoundsAsync(cancellation)), cancellation))
        {
            Apply(replica, entry);
        }
    }

    /// <summary>The last entry that was applied, where the log holds it: it must be the same there. Else the one after it.</summary>
    private static long Next(RegistryReplica replica, LogBounds bounds)
    {
        var last = replica.Last;
        var index = last?.Index ?? replica.Index;
        return index > bounds.Last
            ? throw new ControlLogDamagedException(
                $"The control log ends at entry {bounds.Last}, but this coordinator has applied entries up to {index}: the log was lost, or is not this cluster's. {Remedy}")
            : last is not null && index >= bounds.First ? index : index + 1;
    }

    private static void Apply(RegistryReplica replica, LogEntry entry)
    {
        RegistryEntry decoded;
        try
        {
            decoded = RegistryEntryCodec.Decode(entry.Payload.Span);
        }
        catch (InvalidDataException error)
        {
            throw new ControlLogDamagedException($"The control log is damaged: entry {entry.Index} cannot be read: {error.Message}. {Remedy}", error);
        }

        try
        {
            replica.Apply(entry.Index, decoded);
        }
        catch (RegistryForkException fork)
        {
            throw new ControlLogDamagedException(fork.Message, fork);
        }
    }

    private async Task<(SnapshotName?, RegistryState)> FindSnapshotAsync(LogBounds bounds, CancellationToken cancellation)
    {
        var names = await ListAsync(bounds, cancellation);
        if (names.Count > 0 && names[0].Index > bounds.Last && (await log.ReadBoundsAsync(cancellation)).Last < names[0].Index) // Else a leader was at work meanwhile.
        {
            throw EndsBefore(names, bounds.Last);
        }

        var damaged = new List<string>();
        var newer = default(UnknownRegistryEventException);
        foreach (var name in names)
        {
            try
            {
                if (name.Index + 1 < bounds.First)
                {
                    break;
                }

                return (name, await snapshots.ReadAsync(name, cancellation));
            }
            catch (SnapshotDamagedException error)
            {
                damaged.Add(error.Message);
                Log.Damaged(logger, error.Message);
            }
            catch (UnknownRegistryEventException error)
            {
                newer ??= error; // One before it may do, with the entries since.
                Log.Unreadable(logger, $"'{name}': {error.Message}");
            }
            catch (BlobStoreUnavailableException error) when (bounds.First == 1)
            {
                damaged.Add(error.Message);
                Log.Unreadable(logger, error.Message);
            }
            catch (BlobStoreUnavailableException error)
            {
                throw NotEnough(bounds, error);
            }
        }

        if (bounds.First > 1 && (await log.ReadBoundsAsync(cancellation)).First is var first && first > bounds.First)
        {
            throw new EntryTruncatedException(bounds.First, first); // What was listed was removed meanwhile, as a leader has newer ones.
        }

        return bounds.First == 1
            ? (null, RegistryState.Empty)
            : throw newer ?? (Exception)new ControlLogDamagedException(
                $"The control log begins at entry {bounds.First}, and no snapshot holds the entries before it{Because(names, damaged)}. {Remedy}");
    }

    /// <param name="names">Newest first; at least that one is above the end of the log.</param>
    private static ControlLogDamagedException EndsBefore(List<SnapshotName> names, long last)
    {
        var above = names.TakeWhile(name => name.Index > last).ToList();
        var newest = above[0];
        return new ControlLogDamagedException(
            last == 0 && newest.IsRestored
                ? $"The control log is empty, but snapshot '{newest}' is there, which a restore made: it was interrupted, or its log was lost. Remedy: run `dchat-server restore` again with this log, store and blobs."
            : above.TrueForAll(name => name.IsRestored)
                ? $"The control log ends at entry {last}, but beside its snapshots lies '{newest}', which a restore in place made: it was interrupted, or it began another log. Remedy: where it was interrupted, "
                    + $"remove {string.Join(" and ", above.Select(name => $"'{name}'"))} from the blobs and start again, or give the same `dchat-server restore` again; where it ended (it said \"Restored.\"), that is the cluster now: start it with the --log that the restore was given."
            : $"The control log ends at entry {last}, but snapshot '{newest}' holds entries up to {newest.Index}: the log was lost, or is not this cluster's. {Remedy}");
    }

    private async Task<List<SnapshotName>> ListAsync(LogBounds bounds, CancellationToken cancellation)
    {
        try
        {
            return [.. (await snapshots.ListAsync(cancellation)).Select(snapshot => snapshot.Name)];
        }
        catch (BlobStoreUnavailableException error) when (bounds.First == 1 && bounds.Last > 0)
        {
            // The log alone is whole.
            Log.Unreadable(logger, error.Message);
            return [];
        }
        catch (BlobStoreUnavailableException error)
        {
            throw NotEnough(bounds, error);
        }
    }

    private static Exception NotEnough(LogBounds bounds, BlobStoreUnavailableException error)
    {
        var why = $"The snapshots cannot be read, and the control log (entries {bounds.First} to {bounds.Last}) is not enough to start from: {error.Message}";
        return bounds.First > 1 ? new SnapshotsAwayException(why, error) : new ControlLogUnavailableException(why, error);
    }

    private static string Because(List<SnapshotName> names, List<string> damaged) =>
        damaged.Count > 0 ? $" ({string.Join("; ", damaged)}; if all of them fail to open, the cluster secret may be another's)"
        : names.Count > 0 ? $" (the newest, '{names[0]}', ends before that)"
        : " (there are no snapshots)";

    private static partial class Log
    {
        [LoggerMessage(EventId = 2010, Level = LogLevel.Information, Message = "The registry stands at entry {Index} (from {Snapshot} and the log)")]
        public static partial void Recovered(ILogger logger, long index, string snapshot);

        [LoggerMessage(EventId = 2011, Level = LogLevel.Warning, Message = "A damaged snapshot is passed over, an older one or the log is used instead: {Reason}")]
        public static partial void Damaged(ILogger logger, string reason);

        [LoggerMessage(EventId = 2012, Level = LogLevel.Warning, Message = "The snapshots cannot be read; the registry is rebuilt from the log alone: {Reason}")]
        public static partial void Unreadable(ILogger logger, string reason);
    }
}

/// <summary>The registry cannot be recovered before the blob store answers again.</summary>
internal sealed class SnapshotsAwayException(string message, Exception inner) : Exception(message, inner);
