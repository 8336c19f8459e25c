using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.EtcdMembers;
using DChat.Storage.Etcd;

namespace DChat.Server.Recovery;

/// <summary>
/// Carries a restore out. The last step, by which the log begins, makes the new cluster; until then nothing starts: the message store is marked
/// as unfinished, and a log that is empty beside a snapshot is refused.
/// </summary>
internal sealed class RestoreRun(IRestoreSource source, RestorePlan plan, RestoreTargets to, IBlobStore blobs, ClusterSecret secret, TimeProvider time, ILoggerFactory logs, IProgressReport progress) : IRestoreSink
{
    /// <summary>Who campaigns for the new log, as others would see it.</summary>
    private const string Advertise = "restore";

    /// <summary>Attempts at the last step, where the log does not answer.</summary>
    private const int BeginsMax = 10;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly long _now = time.GetUtcNow().ToUnixTimeMilliseconds();
    private readonly HashSet<string> _dropped = new(StringComparer.Ordinal);
    private RoomLift _lift;
    private bool _drops;
    private long _files;

    /// <summary>In place only a repeat that would find a store filled needs it.</summary>
    private bool IsMarked => !to.InPlace || plan.FillsStore;

    /// <summary>Rooms of the source that its registry does not know: their messages were left out.</summary>
    public int Dropped => _dropped.Count;

    /// <returns>The registry with which the cluster begins.</returns>
    public async Task<RegistryState> RunAsync(CancellationToken cancellation)
    {
        var before = source.Registry;
        _lift = new RoomLift(Restoration.Lift(Math.Max(before.LastEpoch, plan.Store.EpochMax), _now), Restoration.Gap, Restoration.Floor(_now));
        if (IsMarked)
        {
            // What an earlier one filled stays named until it is emptied: this may be interrupted before.
            await RestoreMark.WriteAsync(blobs, source.Name, plan.FillsAgain ? new RestoreMark(plan.Store.Id, plan.Store.EpochMax) : null, cancellation);
        }

        var storeId = plan.Store.Id;
        if (plan.FillsStore)
        {
            storeId = await to.Store.BeginFillAsync(plan.FillsAgain ? plan.Store.Id : null, cancellation);
            if (IsMarked)
            {
                await RestoreMark.WriteAsync(blobs, source.Name, new RestoreMark(storeId, _lift.Epoch), cancellation);
            }
        }

        var index = Restoration.Lift(plan.Left.Aggregate(Math.Max(before.Index, source.HighestIndex), (reached, left) => Math.Max(reached, left.Index)), _now);
        var registry = RegistryMachine.Restore(before, new RegistryRestoration(index, _lift.Epoch, storeId, _now, $"entry {before.Index}, from {source.Name}"));
        var snapshots = new SnapshotStore(blobs, secret, to.Options.Data, time);
        try
        {
            progress.Begin("writing the registry's first snapshot");
            progress.End((await snapshots.WriteAsync(registry, SnapshotName.RestoredTerm, cancellation)).ToString());
            foreach (var left in plan.Left)
            {
                await snapshots.DeleteAsync(left, cancellation);
            }

            await FillAsync(cancellation);
        }
        catch when (to.InPlace)
        {
            await TakeBackAsync(snapshots, index);
            throw;
        }

        try
        {
            await BeginLogAsync(index, cancellation); // Whether it began may stay unknown: then it must find its snapshot.
        }
        catch when (to.InPlace && to.Options.Peers is not null)
        {
            await TakeBackAsync(snapshots, index); // The etcd that was to hold it is removed: it did not begin.
            throw;
        }

        await UnmarkAsync();
        return registry;
    }

    /// <summary>What was there before could not start beside the new snapshot, whose name is not known where its writing failed.</summary>
    private async Task TakeBackAsync(SnapshotStore snapshots, long index)
    {
        try
        {
            var there = (await snapshots.ListAsync(CancellationToken.None)).Select(each => each.Name);
            foreach (var name in there.Concat(snapshots.Unproven).Where(name => name.IsRestored && name.Index == index))
            {
                await snapshots.DeleteAsync(name, CancellationToken.None);
            }
        }
        catch (BlobStoreUnavailableException error)
        {
            progress.Say($"The restore's own snapshot, of index {index} and term {SnapshotName.RestoredTerm}, could not be taken back from '{SnapshotName.Folder}' ({error.Message}): remove it before the former cluster is started again.");
        }
    }

    private async Task UnmarkAsync()
    {
        try
        {
            await blobs.DeleteAsync(RestoreMark.Blob, CancellationToken.None);
        }
        catch (BlobStoreUnavailableException error)
        {
            progress.Say($"The cluster is restored; only the blob '{RestoreMark.Blob}' could not be removed: {error.Message}");
        }
    }

    public async Task TakePieceAsync(RoomPiece piece, CancellationToken cancellation)
    {
        if (piece is RoomHead head)
        {
            _drops = source.Registry.FindRoom(head.Room) is null;
            if (_drops)
            {
                _dropped.Add(head.Room);
            }

            piece = head with { Rev = _lift.Of(head.Rev), RemovedRev = _lift.Of(head.Rev) };
        }

        if (!_drops)
        {
            await to.Store.FillAsync(piece, _lift.Epoch, cancellation);
        }
    }

    public async Task TakeBlobAsync(string name, Stream content, CancellationToken cancellation)
    {
        await blobs.PutAsync(name, content, cancellation);
        _files++;
    }

    private async Task FillAsync(CancellationToken cancellation)
    {
        if (source.HasMessages || !to.InPlace)
        {
            progress.Begin(source.HasMessages ? "putting messages and files back" : "copying files");
            await source.ReplayAsync(this, cancellation);
            progress.End($"{Cli.SizeText.Count(_files, "blob")} of files");
        }

        progress.Begin(plan.FillsStore ? "finishing the message store" : "lifting the revisions of rooms");
        string[] known = [.. source.Registry.AllRooms().Select(room => room.Id)];
        await (plan.FillsStore ? to.Store.EndFillAsync(_lift, known, cancellation) : to.Store.LiftAsync(_lift, known, cancellation));

        progress.End();
    }

    private Task BeginLogAsync(long index, CancellationToken cancellation) => to.Options.Peers is null
        ? BeginLogAsync(null, index, cancellation)
        : MemberRestoration.BeginAsync(to.Options, secret, time, logs, member => BeginLogAsync(member, index, cancellation), cancellation);

    private async Task BeginLogAsync(EtcdUrl? member, long index, CancellationToken cancellation)
    {
        await using var log = ControlLogs.Open(to.Options, member, time, logs);
        await using var leadership = await log.CampaignAsync(Advertise, cancellation);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await log.BeginAfterAsync(leadership.Term, index, cancellation))
                {
                    return;
                }

                throw new RestoreRefusedException("Another coordinator took the log meanwhile: stop all coordinators, then restore again.");
            }
            catch (InvalidOperationException error)
            {
                throw new RestoreRefusedException($"The log is not empty any more: {error.Message}", error);
            }
            catch (ControlLogUnavailableException) when (attempt < BeginsMax)
            {
                await Task.Delay(RetryAfter, time, cancellation); // It may have begun; a repeat tells.
            }
        }
    }
}
