using DChat.Core.Placement;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Core.Tests.Placement;

public sealed class DrainPaceTests
{
    private const int PerSecond = 2_000;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);
    private static readonly DrainPace Pace = new(PerSecond, Within: TimeSpan.FromSeconds(5), Tick);

    [Fact]
    public void Few_rooms_go_at_the_least_pace_and_many_in_the_time_there_is()
    {
        Assert.Equal(100, Pace.Look(TimeSpan.Zero, [("w", 10_000)]).Due["w"]);
        Assert.Equal(1_000, Pace.Look(TimeSpan.Zero, [("w", 100_000)]).Due["w"]);
        Assert.Equal(30, Pace.Look(TimeSpan.Zero, [("w", 30)]).Due["w"]);
    }

    [Fact]
    public void A_leader_that_was_held_up_makes_up_for_a_second_at_most()
    {
        var (pace, _) = Pace.Look(TimeSpan.Zero, [("w", 10_000)]);
        Assert.Equal(2_000, pace.Look(TimeSpan.FromSeconds(30), [("w", 9_900)]).Due["w"]);
    }

    [Fact]
    public void A_worker_that_was_not_to_be_emptied_meanwhile_begins_anew()
    {
        var (pace, _) = Pace.Look(TimeSpan.Zero, [("w", 100_000)]);
        (pace, _) = pace.Look(Tick, []);
        Assert.Equal(100, pace.Look(Tick * 2, [("w", 5_000)]).Due["w"]);
    }

    [Fact]
    public void However_many_rooms_and_however_slow_the_leader_all_are_gone_in_time_and_none_too_fast() => Prop.ForAll(Arb.From(Drains), drain =>
    {
        var (pace, now, left) = (Pace, TimeSpan.Zero, drain.Rooms);
        var least = TimeSpan.FromSeconds(Math.Min((double)drain.Rooms / PerSecond, Pace.Within.TotalSeconds));
        var (look, most) = (0, Math.Max(PerSecond, drain.Rooms / Pace.Within.TotalSeconds));
        for (; left > 0; look++)
        {
            (pace, var due) = pace.Look(now, [("w", left)]);
            Assert.InRange(due["w"], 1, left);
            left -= due["w"];
            if (left > 0)
            {
                now += TimeSpan.FromMilliseconds(drain.TicksMs[look % drain.TicksMs.Length]);
            }
        }

        var whole = TimeSpan.FromSeconds(look / most); // Each look takes whole rooms.
        Assert.InRange(now, least - Tick - whole, least + TimeSpan.FromMilliseconds(drain.TicksMs.Max()));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    private static Gen<(int Rooms, int[] TicksMs)> Drains =>
        from rooms in Gen.OneOf(Gen.Choose(1, 20_000), Gen.Choose(20_000, 1_000_000))
        from ticks in Gen.Choose(50, 900).ArrayOf()
        where ticks.Length > 0
        select (rooms, ticks);
}
