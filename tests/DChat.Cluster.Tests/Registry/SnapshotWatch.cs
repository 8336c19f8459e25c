using System.Globalization;
using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Registry;

/// <summary>
/// Looks at a cluster's snapshots all the time, past all coordinators: each holds the registry that the log gives, and what the log does not hold any more
/// is in two of them, which can be read.
/// </summary>
internal sealed class SnapshotWatch(IBlobStore blobs, ClusterSecret secret, LogAudit audit)
{
    /// <summary>The log is truncated behind the second-newest good one.</summary>
    private const int Holders = 2;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>A leader that could not write one tries again after 30 s.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly SnapshotStore _snapshots = new(blobs, secret, Path.GetTempPath());
    private readonly HashSet<SnapshotName> _good = [];
    private volatile string? _finding;
    private long _newest;
    private long _truncatedThrough;

    /// <summary>What is wrong; null: nothing so far.</summary>
    public string? Finding => _finding;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stop);
            }
            catch (Exception away) when (away is BlobStoreUnavailableException or ControlLogUnavailableException)
            {
                // That is what is done to them.
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(Interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits until a snapshot holds more than the log held at some moment, and the log was truncated.</summary>
    /// <param name="index">The log's last entry then.</param>
    /// <returns>What was looked at, for people.</returns>
    public async Task<string> GoOnAsync(long index)
    {
        await Eventually.Holds(
            () => Finding is not null || (Interlocked.Read(ref _newest) > index && Interlocked.Read(ref _truncatedThrough) > 0),
            Limit,
            string.Create(CultureInfo.InvariantCulture, $"there is a snapshot of more than entry {index}, and the log is truncated"));
        Assert.True(Finding is null, Finding);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{_good.Count} were read and hold what the log gives, the newest of entry {_newest}, where the last outage ended at entry {index}; the log is truncated up to entry {_truncatedThrough}");
    }

    private async Task LookAsync(CancellationToken stop)
    {
        var gone = (await audit.ReadBoundsAsync(stop)).First - 1;
        var found = (await _snapshots.ListAsync(stop)).ConvertAll(snapshot => snapshot.Name);
        foreach (var name in found.Where(name => !_good.Contains(name)))
        {
            await ReadAsync(name, stop);
        }

        var good = found.FindAll(_good.Contains);
        Interlocked.Exchange(ref _truncatedThrough, gone);
        Interlocked.Exchange(ref _newest, good.Count > 0 ? good[0].Index : 0);
        if (gone > 0 && good.FindAll(name => name.Index >= gone).Count < Holders)
        {
            _finding ??= string.Create(CultureInfo.InvariantCulture, $"the log is truncated up to entry {gone}, and of the snapshots {string.Join(", ", found)} only {string.Join(", ", good)} can be read");
        }
    }

    /// <summary>One that was removed since it was listed is no finding: whether those that are needed are there is looked at when all were read.</summary>
    private async Task ReadAsync(SnapshotName name, CancellationToken stop)
    {
        try
        {
            var state = await _snapshots.ReadAsync(name, stop);
            await audit.HoldsAsync(name.ToString(), name.Index, Convert.ToHexString(RegistrySnapshot.StateHash(state)));
            _good.Add(name);
        }
        catch (SnapshotDamagedException damaged)
        {
            await using var there = await blobs.OpenAsync(name.ToString(), stop);
            _finding ??= there is null ? null : damaged.Message;
        }
    }
}
