using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>Which snapshots this process has found good, by writing or reading them, and which damaged: each is read once. For all threads.</summary>
internal sealed partial class SnapshotChecks(SnapshotStore store, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly HashSet<SnapshotName> _verified = [];
    private readonly HashSet<SnapshotName> _damaged = [];

    public void AddVerified(SnapshotName name) => Add(_verified, name);

    public void AddDamaged(SnapshotName name) => Add(_damaged, name);

    /// <summary>Forgets those that are not there any more.</summary>
    /// <param name="names">Those that are.</param>
    public void Keep(List<SnapshotName> names)
    {
        lock (_lock)
        {
            _verified.IntersectWith(names);
            _damaged.IntersectWith(names);
        }
    }

    /// <summary>The newest that are good, one of each index: two of one hold no more than one.</summary>
    /// <param name="names">Newest first.</param>
    public async Task<List<SnapshotName>> NewestGoodAsync(IEnumerable<SnapshotName> names, int count, CancellationToken cancellation)
    {
        var good = new List<SnapshotName>();
        foreach (var name in names)
        {
            if (good.Count >= count)
            {
                break;
            }

            if (good.TrueForAll(other => other.Index != name.Index) && await IsGoodAsync(name, cancellation))
            {
                good.Add(name);
            }
        }

        return good;
    }

    public async Task<bool> IsGoodAsync(SnapshotName name, CancellationToken cancellation)
    {
        if (Known(name) is { } known)
        {
            return known;
        }

        try
        {
            await store.VerifyAsync(name, cancellation);
            AddVerified(name);
            return true;
        }
        catch (Exception error) when (error is SnapshotDamagedException or UnknownRegistryEventException)
        {
            AddDamaged(name);
            Damaged(logger, error.Message);
            return false;
        }
    }

    private bool? Known(SnapshotName name)
    {
        lock (_lock)
        {
            return _verified.Contains(name) ? true : _damaged.Contains(name) ? false : null;
        }
    }

    private void Add(HashSet<SnapshotName> to, SnapshotName name)
    {
        lock (_lock)
        {
            to.Add(name);
        }
    }

    [LoggerMessage(EventId = 2022, Level = LogLevel.Warning, Message = "A damaged snapshot is not counted on: {Reason}")]
    private static partial void Damaged(ILogger logger, string reason);
}
