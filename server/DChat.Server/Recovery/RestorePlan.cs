using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.EtcdMembers;
using DChat.Server.Http.Files;
using DChat.Storage.Sqlite;

namespace DChat.Server.Recovery;

/// <summary>Where a restore goes.</summary>
/// <param name="BlobsPlace">The blob store of the new cluster, for people.</param>
/// <param name="Blobs">The blob store of the new cluster; null: the folder is not there yet.</param>
/// <param name="InPlace">It is the very one that is restored from: what lies there stays.</param>
internal sealed record RestoreTargets(ServerOptions Options, IMessageArchive Store, string StorePlace, IBlobStore? Blobs, string BlobsPlace, bool InPlace);

/// <summary>What a restore would do, having looked at all that it would change and found it empty.</summary>
/// <param name="FillsAgain">Its rooms are what an earlier restore filled that did not come to its end, and go.</param>
/// <param name="Left">Snapshots that restores have left there which did not come to their end.</param>
internal sealed record RestorePlan(ArchiveSummary Store, bool FillsStore, bool FillsAgain, IReadOnlyList<SnapshotName> Left, IReadOnlyList<string> Lines)
{
    private const int NamedMax = 5;

    /// <summary>Looks, and changes nothing.</summary>
    /// <exception cref="ConfigurationException">Something is there that would be overwritten, or is in use.</exception>
    public static async Task<RestorePlan> MakeAsync(IRestoreSource source, RestoreTargets to, TimeProvider time, ILoggerFactory logs, CancellationToken cancellation)
    {
        await RefuseUsedLogAsync(to.Options, time, logs, cancellation);
        var left = await RefuseUsedBlobsAsync(to, cancellation);
        var store = await to.Store.LookAsync(cancellation);
        var again = await IsFilledByUnfinishedAsync(source, to, store, cancellation);
        if (!again)
        {
            RefuseUsedStore(source, store, to.StorePlace);
        }

        var fills = again || store.Rooms == 0 || store.Unfinished;
        var lines = new List<string>
        {
            $"log       {LogPlace(to.Options)}: empty; it begins with this registry, at an index above all before",
            $"messages  {to.StorePlace}: {(again ? $"{SizeText.Count(store.Rooms, "room")} that a restore left which did not come to its end: {Filling(source, "emptied", ", then ")}" : fills ? Filling(source, "empty", "; ") : await LiftingAsync(source.Registry, to.Store, cancellation))}",
            $"blobs     {to.BlobsPlace}: {(to.InPlace ? "where it comes from; files stay, and a new snapshot is put beside the old ones. Nobody else may use it now" : "empty; a snapshot and the rooms' files are put there")}",
            $"people    {SizeText.Count(source.Registry.AccountCount, "account")} sign in again, with the passwords of then: all sessions end and the token keys are made anew. Tokens of bots stay",
            "workers   none; each registers anew, and rooms are spread over them",
        };
        return new RestorePlan(store, fills, again, left, lines);
    }

    public static string LogPlace(ServerOptions options) => options.Peers is not null ? $"the etcd of {options.Node} in {options.Data}" : (options.Log ?? new EngineUrl("sqlite", options.LogPath)).ToString();

    private static string Filling(IRestoreSource source, string empty, string then) =>
        source.HasMessages ? $"{empty}{then}filled with {source.Contents}"
        : source.Registry.RoomCount == 0 ? empty
        : $"{empty}: {SizeText.Count(source.Registry.RoomCount, "room")} begin WITHOUT THEIR MESSAGES. Where those are somewhere, give it with --store";

    private static async Task<string> LiftingAsync(RegistryState registry, IMessageArchive archive, CancellationToken cancellation)
    {
        var (known, closed, kept, strangers, lost) = (0, 0, 0L, new List<string>(), 0L);
        await foreach (var room in archive.RoomsAsync(cancellation))
        {
            if (registry.FindRoom(room.Room) is not null)
            {
                known++;
                kept += room.Messages;
                closed += room.Closed ? 1 : 0;
            }
            else if (!room.Closed)
            {
                strangers.Add(room.Room);
                lost += room.Messages;
            }
        }

        var text = $"{SizeText.Count(kept, "message")} in {SizeText.Count(known, "room")} of this registry stay; whoever had a room open is shut out, and clients load rooms afresh";
        text += registry.RoomCount > known ? $". {SizeText.Count(registry.RoomCount - known, "room")} of the registry have no messages there" : "";
        text += closed > 0 ? $". {SizeText.Count(closed, "room")} deleted since are there again, with what was not purged yet" : "";
        return text + (strangers.Count > 0
            ? $". {SizeText.Count(strangers.Count, "room")} with {SizeText.Count(lost, "message")} are not in this registry and stay out of everybody's reach ({string.Join(", ", strangers.Take(NamedMax))}{(strangers.Count > NamedMax ? ", …" : "")})"
            : "");
    }

    /// <summary>
    /// Whether the rooms there are what a restore put there that ended before the log began, and nobody has had them since: the mark names this
    /// very store, and every room stands where the restore left it. A host raises the epoch of a room before it writes anything. A source without
    /// messages takes no others' away.
    /// </summary>
    private static async Task<bool> IsFilledByUnfinishedAsync(IRestoreSource source, RestoreTargets to, ArchiveSummary store, CancellationToken cancellation)
    {
        if (to.Blobs is not { } blobs || (!source.HasMessages && store.Messages > 0) || store is not { Unfinished: false, Rooms: > 0, InUse: null }
            || await RestoreMark.ReadAsync(blobs, cancellation) is not { } mark || mark.Store != store.Id || mark.Epoch != store.EpochMax)
        {
            return false;
        }

        await foreach (var room in to.Store.RoomsAsync(cancellation))
        {
            if (room.Closed)
            {
                return false;
            }
        }

        return true;
    }

    private static void RefuseUsedStore(IRestoreSource source, ArchiveSummary store, string place)
    {
        if (store.InUse is { } who)
        {
            throw new ConfigurationException($"--store {place}", $"it is in use by {who}", "stop all servers that use it first");
        }

        if (store.Unfinished || store.Rooms == 0)
        {
            return;
        }

        if (source.HasMessages)
        {
            throw new ConfigurationException($"--store {place}", $"it holds {SizeText.Count(store.Rooms, "room")}, and a restore overwrites nothing", "give a --store that is empty; or, where a restore filled it that did not come to its end, the --blobs that were given to that one");
        }

        if (source.Registry.Store.Length > 0 && source.Registry.Store != store.Id)
        {
            throw new ConfigurationException($"--store {place}", $"it is another cluster's message store ({store.Id}; the snapshot's is {source.Registry.Store})", "give the one that belongs to the snapshot, a dump of it put back, or an empty one to begin without messages");
        }
    }

    private static async Task RefuseUsedLogAsync(ServerOptions options, TimeProvider time, ILoggerFactory logs, CancellationToken cancellation)
    {
        if (options.Peers is not null)
        {
            MemberRestoration.RefuseUsed(options);
            return;
        }

        var where = $"--log {LogPlace(options)}";
        if (!options.SharesLog)
        {
            if (!File.Exists(options.LogPath) || new FileInfo(options.LogPath).Length == 0)
            {
                return;
            }

            try
            {
                SqliteLock.Take(options.LogPath).Dispose();
            }
            catch (SqliteInUseException)
            {
                throw new ConfigurationException(where, "it is in use by another process", "stop that server first");
            }
        }

        await using var log = ControlLogs.OpenReader(options, time, logs);
        if (log is IControlLog shared && await shared.ReadLeaderAsync(cancellation) is { } leader)
        {
            throw new ConfigurationException(where, $"a coordinator at {leader.Advertise} leads there", "stop all coordinators first, or give another prefix behind the slash");
        }

        var bounds = await log.ReadBoundsAsync(cancellation);
        if (bounds != new LogBounds(1, 0))
        {
            throw new ConfigurationException(where, $"it holds a registry (up to entry {bounds.Last}), and a restore overwrites nothing", options.SharesLog ? "give another prefix behind the slash, or remove that cluster's keys from etcd" : "give an empty --data folder, or another --log; keep the old file until the new cluster is as you want it");
        }
    }

    /// <returns>What restores left that did not come to their end.</returns>
    private static async Task<IReadOnlyList<SnapshotName>> RefuseUsedBlobsAsync(RestoreTargets to, CancellationToken cancellation)
    {
        if (to.InPlace || to.Blobs is not { } blobs)
        {
            return [];
        }

        // The mark alone says little: the last step of the restore that put it there may have been that its removal failed.
        var isUnfinished = await AnyAsync(blobs, RestoreMark.Blob, _ => true, cancellation);
        if (await AnyAsync(blobs, SnapshotName.Folder, blob => !isUnfinished || SnapshotName.TryParse(blob.Name) is not { IsRestored: true }, cancellation))
        {
            throw Used("snapshots");
        }

        if (!isUnfinished && await AnyAsync(blobs, FileId.Folder, _ => true, cancellation))
        {
            throw Used("files");
        }

        var left = new List<SnapshotName>();
        await foreach (var blob in blobs.ListAsync(SnapshotName.Folder, cancellation))
        {
            left.Add(SnapshotName.TryParse(blob.Name)!);
        }

        return left;

        ConfigurationException Used(string what) =>
            new($"--blobs {to.BlobsPlace}", $"it holds {what}, and a restore overwrites nothing", "give a --blobs that is empty; or, to restore from the snapshots there, the same place with --from");
    }

    private static async Task<bool> AnyAsync(IBlobStore blobs, string prefix, Func<BlobInfo, bool> isMeant, CancellationToken cancellation)
    {
        await foreach (var blob in blobs.ListAsync(prefix, cancellation))
        {
            if (isMeant(blob))
            {
                return true;
            }
        }

        return false;
    }
}
