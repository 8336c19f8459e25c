using System.Globalization;
using DChat.Server.Coordinator.Snapshots;

namespace DChat.Server.Tests.Coordinator;

public sealed class SnapshotRetentionTests
{
    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "7 6")]
    [InlineData(2, "7 6|5 4")]
    [InlineData(3, "7 6|5 4")]
    [InlineData(4, "7 6|5 4|3")]
    [InlineData(400, "7 6|5 4|3|2|1")]
    public void Days_are_counted_from_the_newest_snapshots_in_UTC(int days, string expected)
    {
        var byDay = SnapshotRetention.ByDay(
            [At(7, "2026-03-01T00:00:01Z"), At(6, "2026-03-01T01:00:00+01:00"), At(5, "2026-02-28T23:59:59Z"), At(4, "2026-02-28T00:00:00Z"), At(3, "2026-02-26T12:00:00Z"), At(2, "2026-02-01T12:00:00Z"), At(1, "2025-12-31T12:00:00Z")],
            days);

        Assert.Equal(expected, string.Join('|', byDay.Select(day => string.Join(' ', day.Select(name => name.Index)))));
    }

    [Fact]
    public void Where_the_store_sets_its_clock_back_nothing_of_the_later_days_goes()
    {
        var byDay = SnapshotRetention.ByDay([At(3, "2026-03-01T12:00:00Z"), At(2, "2026-03-09T12:00:00Z"), At(1, "2026-03-08T12:00:00Z")], 2);

        Assert.Equal([2, 1], byDay.Select(day => day[0].Index));
    }

    [Fact]
    public void Over_a_month_of_snapshots_every_ten_minutes_the_last_one_of_each_of_the_last_days_is_there_and_little_else()
    {
        const int Last = 3;
        const int Days = 7;
        var start = DateTimeOffset.Parse("2026-02-10T00:05:00Z", CultureInfo.InvariantCulture);
        List<StoredSnapshot> stored = [];
        for (var i = 0; i < 30 * 24 * 6; i++)
        {
            stored.Insert(0, new StoredSnapshot(Name(i + 1), start.AddMinutes(10 * i)));
            var kept = SnapshotRetention.ByDay(stored, Days).Select(day => day[0]).Concat(stored.Take(Last).Select(snapshot => snapshot.Name)).ToHashSet();
            stored.RemoveAll(snapshot => !kept.Contains(snapshot.Name));

            Assert.InRange(stored.Count, Math.Min(i + 1, Last), Last + Days);
            Assert.Equal(Math.Min(Days, (i / 144) + 1), stored.Select(snapshot => snapshot.WrittenAt.UtcDateTime.Date).Distinct().Count());
            Assert.All(stored.Skip(Last), snapshot => Assert.Equal(new TimeSpan(23, 55, 0), snapshot.WrittenAt.TimeOfDay));
        }
    }

    [Fact]
    public void What_restores_of_the_last_month_have_undone_is_named_and_no_other()
    {
        List<StoredSnapshot> stored = [At(900, "2026-03-31T12:00:00Z"), Restored(800, "2026-03-20T12:00:00Z"), At(510, "2026-03-10T12:00:00Z"), Restored(500, "2026-03-01T12:00:01Z"), At(7, "2026-02-28T12:00:00Z"), At(6, "2026-02-27T12:00:00Z")];

        Assert.Equal(
            ["800: 510 500 7 6", "500: 7 6"],
            SnapshotRetention.Undone(stored).Select(each => $"{each.Restored.Index}: {string.Join(' ', each.Below.Select(name => name.Index))}"));

        stored.Insert(0, At(901, "2026-03-31T12:00:01Z"));
        Assert.Equal([800], SnapshotRetention.Undone(stored).Select(each => each.Restored.Index));
        Assert.Empty(SnapshotRetention.Undone([]));
    }

    private static StoredSnapshot Restored(long index, string time) => At(index, time) with { Name = Name(index) with { Term = SnapshotName.RestoredTerm } };

    private static StoredSnapshot At(long index, string time) => new(Name(index), DateTimeOffset.Parse(time, CultureInfo.InvariantCulture));

    private static SnapshotName Name(long index) => new(index, 1, new string('0', 32));
}
