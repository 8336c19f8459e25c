using DChat.Core.ControlLog;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>How space is made in a log that is full: behind one snapshot, as no second one can be had without an entry.</summary>
internal sealed partial class SnapshotKeeper
{
    /// <summary>A log that is full takes no entry that would tell of it.</summary>
    private static readonly TimeSpan FullLookEvery = TimeSpan.FromSeconds(5);

    private long _freedThrough;
    private SnapshotName? _own; // That this node wrote without leading.

    /// <summary>While nobody leads, and nobody can be elected as the log is full: makes space behind a verified snapshot, until cancelled.</summary>
    public async Task RelieveAsync(CancellationToken cancellation)
    {
        while (options.SharesSnapshots)
        {
            await Task.Delay(FullLookEvery, time, cancellation);
            if (!log.IsFull)
            {
                continue;
            }

            try
            {
                if (await log.ReadLeaderAsync(cancellation) is null) // Else it does so itself.
                {
                    await FreeWithoutLeaderAsync(cancellation);
                }
            }
            catch (AnotherLogsSnapshotException error)
            {
                Log.AnotherLogs(logger, error.Message);
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested)
            {
                Failures++;
                Log.NoSpace(logger, error.Message, FullLookEvery.TotalSeconds);
            }
        }
    }

    /// <summary>
    /// Behind the second-newest of the snapshots, as ever, and else behind one that this node wrote and read back itself: another's may go again where its writer could not read it back.
    /// </summary>
    private async Task FreeWithoutLeaderAsync(CancellationToken cancellation)
    {
        var found = await store.ListAsync(cancellation);
        await AreAheadAsync(found, cancellation); // Of this log they may be: this node reads it.
        var good = await _checks.NewestGoodAsync(found.ConvertAll(snapshot => snapshot.Name), 2, cancellation);
        if (good.Count > 1 && good[1].Index > _freedThrough)
        {
            await FreeAsync(0, good[1], cancellation);
            return;
        }

        // There is one at most, or all is gone that the older one holds. Where no leader ever kept any is hardly the place for them.
        if (replica.State is var state && state.Index > _freedThrough && await store.HasLeaderNoteAsync(cancellation))
        {
            if (_own?.Index != state.Index) // Else only the log did not answer: one does for all tries.
            {
                _own = await store.WriteAsync(state, await TermOfAsync(state.Index, cancellation), cancellation);
                Verified(_own, Now);
                Log.WrittenByStandby(logger, _own.ToString());
            }

            await FreeAsync(0, _own, cancellation);
        }
    }

    /// <summary>A snapshot that no leader wrote has the term of its last entry: 0 is a restore's.</summary>
    /// <exception cref="EntryTruncatedException">Somebody made space behind it meanwhile.</exception>
    private async Task<long> TermOfAsync(long index, CancellationToken cancellation)
    {
        await foreach (var entry in log.FollowAsync(index, cancellation))
        {
            return entry.Term;
        }

        throw new ControlLogUnavailableException("the log was not followed");
    }

    private async Task<bool> FreeAsync(long term, SnapshotName behind, CancellationToken cancellation)
    {
        if (behind.Index > _freedThrough)
        {
            if (!await log.FreeAsync(term, behind.Index, cancellation))
            {
                return false;
            }

            _freedThrough = behind.Index;
            Log.Freed(logger, behind.ToString());
        }

        return true;
    }
}
