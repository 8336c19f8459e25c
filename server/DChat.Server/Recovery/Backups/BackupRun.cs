using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Blobs;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Http.Files;
using DChat.Server.Security;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Recovery.Backups;

/// <summary>
/// Makes a backup of a cluster that runs, or does not: reads the message store, the control log and the blob store beside whoever writes them.
/// In the order messages, registry, files, while no file is removed.
/// </summary>
/// <param name="withoutFiles">Though messages carry files, and not one of them is there: they are lost.</param>
internal sealed class BackupRun(
    ServerOptions options, IMessageArchive store, IBlobStore blobs, ClusterSecret secret, TimeProvider time, ILoggerFactory logs, IProgressReport progress, bool withoutFiles = false)
{
    /// <summary>Recoveries in a row that a truncating leader may overtake.</summary>
    private const int RecoveriesMax = 5;

    /// <exception cref="RestoreRefusedException">What is given does not belong together, or is not there.</exception>
    public async Task<(BackupName Name, BackupEnd End)> RunAsync(BackupStore to, CancellationToken cancellation)
    {
        var startedAt = time.GetUtcNow();
        await to.ListAsync(cancellation); // Whether it can be used is said now, and not when all is read.
        await RefuseStrangersAsync(cancellation);
        await using var hold = await BlobHold.TakeAsync(blobs, time, cancellation);
        var name = BackupName.New(startedAt);
        return (name, await to.WriteAsync(name, ConfigVerbs.ProductVersion, (writer, stop) => WriteAsync(writer, hold, stop), cancellation));
    }

    private async Task WriteAsync(BackupWriter writer, BlobHold hold, CancellationToken cancellation)
    {
        progress.Begin("messages");
        var (rooms, messages) = (0L, 0L);
        var (room, carriers) = ("", new HashSet<string>(StringComparer.Ordinal)); // The rooms in which a message carries a file.
        await foreach (var piece in store.ReadAsync(cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            writer.Write(piece);
            if (piece is RoomHead head)
            {
                (room, rooms) = (head.Room, rooms + 1);
            }

            if (piece is RoomMessages some)
            {
                messages += some.Messages.Count;
                if (some.Messages.Any(each => each.Message.Files.Count > 0))
                {
                    carriers.Add(room);
                }

                progress.Add(some.Messages.Sum(each => (long)each.Message.Body.Length));
            }
        }

        progress.End($"{SizeText.Count(messages, "message")} in {SizeText.Count(rooms, "room")}");
        progress.Begin("registry");
        var registry = await ReadRegistryAsync(cancellation);
        writer.Write(registry);
        progress.End($"{SizeText.Count(registry.AccountCount, "account")}, {SizeText.Count(registry.RoomCount, "room")}, at index {registry.Index}");
        progress.Begin("files");
        var files = 0L;
        await foreach (var blob in blobs.ListAsync(FileId.Folder, cancellation))
        {
            if (FileId.RoomOf(blob.Name) is { } of && registry.FindRoom(of) is not null && await blobs.OpenAsync(blob.Name, cancellation) is { } content)
            {
                await using (content)
                {
                    await writer.WriteAsync(blob.Name, content.Stream, cancellation);
                }

                files++;
            }
        }

        progress.End(SizeText.Count(files, "blob"));
        if (files == 0 && !withoutFiles && carriers.Count(carrier => registry.FindRoom(carrier) is not null) is > 0 and var without)
        {
            throw new RestoreRefusedException(
                $"Messages in {SizeText.Count(without, "room")} carry files, and there is not one file in --blobs: the backup was not kept. Give the cluster's own --blobs; where the files are lost, --without-files.");
        }

        if (hold.MayBeLost)
        {
            throw new RestoreRefusedException($"The blob store could not be written for more than {BlobHolds.LostAfter.TotalMinutes:0} minutes, in which files may have been removed: the backup may lack some, and was not kept. Make another backup.");
        }
    }

    private async Task RefuseStrangersAsync(CancellationToken cancellation)
    {
        var found = await store.LookAsync(cancellation);
        if (found.Id.Length == 0)
        {
            throw new RestoreRefusedException("There is no message store where --store says. Give the cluster's own --store (or --data), on the machine where it is.");
        }

        if (found.Unfinished)
        {
            throw new RestoreRefusedException("The message store holds a restore that was not ended: there is nothing whole to make a backup of.");
        }

        if (!options.SharesLog && !File.Exists(options.LogPath))
        {
            throw new RestoreRefusedException($"There is no control log at '{options.LogPath}'. Give the cluster's own --log (or --data), on the machine where it is.");
        }

        var registry = await ReadRegistryAsync(cancellation);
        ProtectionKeyFactory.RefuseAnotherSecret(secret, registry.ProtectionKeys, "give this cluster's own --cluster-secret-file");
        if (registry.AccountCount == 0)
        {
            throw new RestoreRefusedException("The control log is empty: there is no cluster there.");
        }

        if (registry.RoomCount > 0 && registry.Store != found.Id)
        {
            throw new RestoreRefusedException($"The message store ({found.Id}) is not the one in which this cluster's rooms have their messages ({registry.Store}). Give the cluster's own --store.");
        }
    }

    private async Task<RegistryState> ReadRegistryAsync(CancellationToken cancellation)
    {
        await using var log = ControlLogs.OpenReader(options, time, logs);
        var snapshots = new SnapshotStore(blobs, secret, Path.GetTempPath());
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var replica = new RegistryReplica(time);
                await new RegistryRecovery(log, snapshots, NullLogger.Instance).RecoverAsync(replica, cancellation);
                return replica.State;
            }
            catch (EntryTruncatedException) when (attempt < RecoveriesMax)
            {
                // A snapshot was made meanwhile: from that one.
                continue;
            }
            catch (ControlLogDamagedException error)
            {
                throw new RestoreRefusedException($"{error.Message} Where nothing is missing, this is not the cluster's own --blobs, or not its --cluster-secret-file.");
            }
        }
    }
}
