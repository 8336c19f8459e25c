using System.Threading.Channels;
using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Server.Blobs;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;

namespace DChat.Server.Http.Files;

/// <summary>
/// Removes the files of deleted rooms: as rooms are deleted, and at the start what was left over then; not while a backup is made.
/// A room that this node does not know is not therefore deleted: it may be new, and the node a little, or all, behind.
/// </summary>
internal sealed partial class RoomFilePurge(IBlobStore blobs, RegistryReplica replica, TimeProvider time, ILogger<RoomFilePurge> log) : BackgroundService, IRegistryObserver
{
    /// <summary>Deleted rooms that wait; what is beyond is removed at the next start.</summary>
    private const int RoomsWaitingMax = 10_000;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);

    /// <summary>What is left over is so old at least: no registry that a node follows is as far behind.</summary>
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromDays(1);

    /// <summary>
    /// What is left over stays for so long after a restore: one from an older snapshot does not know rooms that are made since, and is mended by
    /// another from a later one.
    /// </summary>
    private static readonly TimeSpan RestoredAge = SnapshotRetention.UndoneStays;

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
                if (isLeftover && state.RestoredAt is { } restored && time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(restored) < RestoredAge)
                {
                    return; // At a later start.
                }

                var removed = 0;
                var before = isLeftover ? (time.GetUtcNow() - LeftoverAge).ToUnixTimeMilliseconds() : long.MaxValue;
                await foreach (var blob in blobs.ListAsync(folder, cancellation))
                {
                    if (blob.ModifiedAt < before && FileId.RoomOf(blob.Name) is { } room && state.FindRoom(room) is null && replica.State.FindRoom(room) is null)
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

    private static partial class Log
    {
        [LoggerMessage(EventId = 4010, Level = LogLevel.Information, Message = "{Count} blobs of files of deleted rooms were removed")]
        public static partial void Purged(ILogger logger, int count);

        [LoggerMessage(EventId = 4011, Level = LogLevel.Warning, Message = "Files of deleted rooms can not be removed now: {Reason}")]
        public static partial void Later(ILogger logger, string reason);
    }
}
