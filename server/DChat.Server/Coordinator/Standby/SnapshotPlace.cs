using DChat.Core.Blobs;
using DChat.Server.Coordinator.Snapshots;

namespace DChat.Server.Coordinator.Standby;

/// <summary>
/// Looks, for a standby, whether the leader keeps its snapshots where this coordinator would look for them: <c>--blobs</c> may name another place on each
/// machine, a folder above all, and no command line says so. Not thread-safe: one caller asks, again and again.
/// </summary>
internal sealed class SnapshotPlace(IBlobStore blobs, CoordinatorOptions options, TimeProvider time)
{
    /// <summary>Until the leader's note is found.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LookAgainEvery = TimeSpan.FromMinutes(1);

    /// <summary>A leader writes its note when it has looked at the snapshots of those before: not to find it once or twice says nothing.</summary>
    private const int MissesMax = 2;

    private string _leader = "";
    private int _misses;
    private bool _isFound;
    private long? _lookedAt;
    private Task<(string Leader, bool? Found)>? _looking;

    /// <summary>Whether it is another place than this leader's, as far as is known. Waits for nothing: what it begins to look for is known when it is asked later.</summary>
    /// <param name="leader">Where it is reached, <c>host:port</c>.</param>
    public bool IsElsewhere(string leader)
    {
        if (!options.SharesSnapshots)
        {
            return false; // The leader has none to share, and says so.
        }

        if (leader != _leader)
        {
            (_leader, _misses, _isFound, _lookedAt) = (leader, 0, false, null);
        }

        if (_looking is { IsCompleted: true } looked)
        {
            _looking = null;
            Learn(looked.IsCompletedSuccessfully ? looked.Result : (leader, null));
        }

        if (_looking is null && (_lookedAt is not { } at || time.GetElapsedTime(at) >= (_isFound ? LookAgainEvery : LookEvery)))
        {
            _lookedAt = time.GetTimestamp();
            _looking = LookAsync(leader);
        }

        return _misses > MissesMax;
    }

    private void Learn((string Leader, bool? Found) look)
    {
        if (look.Leader == _leader && look.Found is { } found)
        {
            (_isFound, _misses) = (found, found ? 0 : _misses + 1);
        }
    }

    private async Task<(string Leader, bool? Found)> LookAsync(string leader)
    {
        await Task.Yield();
        try
        {
            return (leader, await LeaderNote.ReadAsync(blobs, CancellationToken.None) == leader);
        }
        catch (Exception failure) when (failure is BlobStoreUnavailableException or IOException)
        {
            return (leader, null);
        }
    }
}
