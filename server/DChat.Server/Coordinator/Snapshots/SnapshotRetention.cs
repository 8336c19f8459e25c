namespace DChat.Server.Coordinator.Snapshots;

/// <summary>A snapshot in the blob store.</summary>
/// <param name="WrittenAt">By the clock of the blob store.</param>
/// <param name="Size">Bytes.</param>
public sealed record StoredSnapshot(SnapshotName Name, DateTimeOffset WrittenAt, long Size = 0);

/// <summary>
/// Which snapshots stay besides the newest ones: the last good one of each day, for so many days; and what a restore in place has undone, for it
/// may have been one too far back.
/// </summary>
/// <remarks>Days are counted from the newest snapshot's, and all times are the blob store's: no node's clock that is wrong removes anything. With S3 that is the server's
/// clock; of a folder it is that of the machine which has it, and as right as that.</remarks>
public static class SnapshotRetention
{
    /// <summary>After a restore another one, from a later snapshot, finds for so long what that needs.</summary>
    public static readonly TimeSpan UndoneStays = TimeSpan.FromDays(30);

    /// <summary>The snapshots of each of the days of which one is to stay, the first of them that is good.</summary>
    /// <param name="snapshots">Newest first.</param>
    /// <param name="days">UTC; the day of the newest snapshot is the first. 0: none.</param>
    public static IReadOnlyList<IReadOnlyList<SnapshotName>> ByDay(IReadOnlyList<StoredSnapshot> snapshots, int days)
    {
        if (days == 0 || snapshots.Count == 0)
        {
            return [];
        }

        var oldest = DayOf(snapshots.Max(snapshot => snapshot.WrittenAt)).AddDays(1 - days);
        return [.. snapshots
            .GroupBy(snapshot => DayOf(snapshot.WrittenAt), snapshot => snapshot.Name)
            .Where(day => day.Key >= oldest)
            .Select(day => day.ToList())];
    }

    /// <summary>The snapshots that restores have made lately, and all those below each, newest first: the first good ones of them were the last of what was undone.</summary>
    /// <param name="snapshots">Newest first.</param>
    public static IReadOnlyList<(SnapshotName Restored, IReadOnlyList<SnapshotName> Below)> Undone(IReadOnlyList<StoredSnapshot> snapshots)
    {
        if (snapshots.Count == 0)
        {
            return [];
        }

        var oldest = snapshots.Max(snapshot => snapshot.WrittenAt) - UndoneStays;
        return [.. snapshots
            .Where(snapshot => snapshot.Name.IsRestored && snapshot.WrittenAt > oldest)
            .Select(restored => (restored.Name, Below(restored.Name)))];

        IReadOnlyList<SnapshotName> Below(SnapshotName restored) => [.. snapshots.Select(snapshot => snapshot.Name).Where(name => name.Index < restored.Index)];
    }

    private static DateOnly DayOf(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime);
}
