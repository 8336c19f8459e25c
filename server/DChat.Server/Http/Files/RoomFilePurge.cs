using System.Threading.Channels;
using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Server.Blobs;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;

namespace DChat.Server.Http.Files;

/// <summary>
/// Removes the files of deleted rooms: as rooms are deleted, and at the start what was left over then; not while a backup is made.
/// A room that this node does not know is not therefore deleted: it may be new, and the node a little, or all, behind; or a restore does not know it.
/// </summary>
/// <remarks>How old something is, is seen by the times that the blob store gives, counted from its newest snapshot: no node's clock that is wrong removes anything.</remarks>
internal sealed partial class RoomFilePurge(IBlobStore blobs, RegistryReplica replica, TimeProvider time, ILogger<RoomFilePurge> log) : BackgroundService, IRegistryObserver
{
    /// <summary>Deleted rooms that wait; what is beyond is removed at the next start.</summary>
    private const int RoomsWaitingMax = 10_000;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);

    /// <summary>What is left over is so old at least: no registry that a node follows is as far behind.</summary>
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromDays(1);

    private readonly BlobHoldWatch _holds = new(blobs, time);
    private readonly Channel<string> _due = Channel.CreateBounded<string>(new BoundedChannelOptions(RoomsWaitingMax) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
    {
        foreach (var record in entry.Records)
        {
            foreach (var deleted in record.Events.OfType<RoomDeleted>())
            {
                _due.Writer.TryWrite(FileId.FolderOf(deleted.Room));
            }
        }
    }

    public void Replaced(RegistryState before, RegistryState after) => _due.Writer.TryWrite(FileId.Folder);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var subscription = replica.Subscribe(this, out _);
        _due.Writer.TryWrite(FileId.Folder);
        await foreach (var folder in _due.Reader.ReadAllAsync(stoppingToken))
        {
            await PurgeAsync(folder, stoppingToken);
        }
    }

    /// <summary>Removes what is due in a folder: that of a deleted room, or that of all.</summary>
    internal async Task PurgeAsync(string folder, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                // In this order: what was deleted before the look is deleted in the registry of a backup that begins after it, too.
                var state = replica.State;
                if (state.Index == 0)
                {
                    return; // The registry is not there yet; when it comes, this is asked for again.
                }

                if (await _holds.IsHeldAsync(cancellation))
                {
                    await Task.Delay(RetryAfter, time, cancellation);
                    continue;
                }

                var isLeftover = folder == FileId.Folder;
                var removed = 0;
                var before = isLeftover ? await LeftoversBeforeAsync(cancellation) : long.MaxValue;
                var deleted = isLeftover ? state.DeletionsAfter(0).ToHashSet(StringComparer.Ordinal) : [];
                await foreach (var blob in blobs.ListAsync(folder, cancellation))
                {
                    if (FileId.RoomOf(blob.Name) is { } room && (blob.ModifiedAt < before || deleted.Contains(room)) && state.FindRoom(room) is null && replica.State.FindRoom(room) is null)
                    {
                        await blobs.DeleteAsync(blob.Name, cancellation);
                        removed++;
                    }
                }

                if (removed > 0)
                {
                    Log.Purged(log, removed);
                }

                return;
            }
            catch (BlobStoreUnavailableException e)
            {
                Log.Later(log, e.Message);
                await Task.Delay(RetryAfter, time, cancellation);
            }
        }
    }

    /// <summary>
    /// Files from before this time, in Unix milliseconds, of rooms that are not known are left over. None are where there is no snapshot to count from,
    /// nor for a while after a restore: one from an older snapshot does not know rooms that are made since, and is mended by another from a later one.
    /// </summary>
    private async Task<long> LeftoversBeforeAsync(CancellationToken cancellation)
    {
        var snapshots = new List<StoredSnapshot>();
        await foreach (var blob in blobs.ListAsync(SnapshotName.Folder, cancellation))
        {
            if (SnapshotName.TryParse(blob.Name) is { } name)
            {
                snapshots.Add(new StoredSnapshot(name, DateTimeOffset.FromUnixTimeMilliseconds(blob.ModifiedAt), blob.Size));
            }
        }

        return snapshots.Count == 0 || SnapshotRetention.Undone(snapshots).Count > 0
            ? long.MinValue
            : (snapshots.Max(snapshot => snapshot.WrittenAt) - LeftoverAge).ToUnixTimeMilliseconds();
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4010, Level = LogLevel.Information, Message = "{Count} blobs of files of deleted rooms were removed")]
        public static partial void Purged(ILogger logger, int count);

        [LoggerMessage(EventId = 4011, Level = LogLevel.Warning, Message = "Files of deleted rooms can not be removed now: {Reason}")]
        public static partial void Later(ILogger logger, string reason);
    }
}
