namespace DChat.Core.Placement;

/// <summary>How a worker's message store is, by its reports; times are of one clock, whatever its beginning.</summary>
/// <param name="IsWell">The latest check that ended went well.</param>
/// <param name="Since">Of one that is well: when it first said so, and ever since at the latest check. Of one that is not: when the check began that was the first to fail.</param>
/// <param name="LastAt">Of one that is well: when the latest check that went well began. Of one that is not: when it said so last.</param>
public readonly record struct StoreHealth(bool IsWell, TimeSpan Since, TimeSpan LastAt)
{
    /// <summary>After one more report, which came now.</summary>
    /// <param name="before">Null: there was none before.</param>
    /// <param name="checkedAt">When the check began of which it tells.</param>
    /// <param name="apart">How far apart checks that go well begin at most. What was well longer ago may have been away since, with a check that waited until it was back.</param>
    public static StoreHealth Told(StoreHealth? before, bool isWell, TimeSpan checkedAt, TimeSpan now, TimeSpan apart) => (isWell, before) switch
    {
        (true, { IsWell: true } well) when now - well.LastAt <= apart => well with { LastAt = checkedAt },
        (true, _) => new StoreHealth(true, now, checkedAt),
        (false, { IsWell: false } ill) => ill with { LastAt = now },
        (false, _) => new StoreHealth(false, checkedAt, now),
    };
}
