using DChat.Core.Placement;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Core.Tests.Placement;

public sealed class FailureDetectorTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);
    private static readonly FailureDetectorOptions Options = new(Silence: Seconds(3), Closed: Seconds(0.3), ReportInterval: Seconds(1), Patience: Seconds(3));

    [Fact]
    public void One_that_is_silent_or_closed_is_dead_when_its_time_is_over()
    {
        var heard = new Hearing[] { new("a", Seconds(10), null), new("b", Seconds(12.5), null), new("c", Seconds(12.9), Seconds(12.6)) };
        Assert.Empty(Look(Seconds(12.8), heard).Dead);
        var verdict = Look(Seconds(13.1), heard);
        Assert.Equal(new Dictionary<string, Death> { ["a"] = Death.Silent, ["c"] = Death.Closed }, verdict.Dead);
    }

    [Fact]
    public void Most_that_fell_silent_within_an_interval_are_waited_for()
    {
        Hearing[] heard = [new("a", Seconds(10), null), new("b", Seconds(10.5), null), new("c", Seconds(10.9), null), new("d", Seconds(12.9), null)];
        var detector = new FailureDetector(TimeSpan.Zero);
        (detector, var verdict) = detector.Look(Seconds(13.1), heard, Options);
        Assert.Equal(["a"], verdict.Held);
        Assert.Empty(verdict.Dead);

        heard[3] = heard[3] with { HeardAt = Seconds(15.9) };
        (detector, verdict) = detector.Look(Seconds(16.01), heard, Options);
        Assert.Equal(["b", "c"], verdict.Held.Order());
        Assert.Equal(["a"], verdict.Dead.Keys);
    }

    [Fact]
    public void When_one_of_them_is_back_the_others_are_given_the_time_to_come_back_too()
    {
        Hearing[] heard = [new("a", Seconds(10), null), new("b", Seconds(10.5), null), new("c", Seconds(10.9), null), new("d", Seconds(13), null)];
        var detector = new FailureDetector(TimeSpan.Zero);
        (detector, _) = detector.Look(Seconds(13.1), heard, Options);
        (heard[0], heard[3]) = (heard[0] with { HeardAt = Seconds(15.9) }, heard[3] with { HeardAt = Seconds(15.9) });
        (detector, var verdict) = detector.Look(Seconds(16), heard, Options);
        Assert.Equal((0, 0), (verdict.Held.Count, verdict.Dead.Count));
        (heard[0], heard[3]) = (heard[0] with { HeardAt = Seconds(22) }, heard[3] with { HeardAt = Seconds(22) });
        (detector, verdict) = detector.Look(Seconds(21.9), heard, Options);
        Assert.Empty(verdict.Dead);
        (_, verdict) = detector.Look(Seconds(22.1), heard, Options);
        Assert.Equal(["b", "c"], verdict.Dead.Keys.Order());
    }

    [Fact]
    public void A_leader_that_hears_nobody_buries_nobody_and_gives_all_their_time_when_it_hears_one()
    {
        Hearing[] heard = [new("a", Seconds(10), null), new("b", Seconds(10.5), null), new("c", Seconds(10.9), Seconds(11))];
        var detector = new FailureDetector(TimeSpan.Zero);
        foreach (var now in new[] { 11.2, 11.31 })
        {
            (detector, var early) = detector.Look(Seconds(now), heard, Options);
            Assert.Equal(now > 11.3 ? ["c"] : [], early.Dead.Keys); // The others may still be heard.
        }

        heard = [heard[0], heard[1]];
        foreach (var now in new[] { 13.1, 13.6, 60, 600 })
        {
            (detector, var verdict) = detector.Look(Seconds(now), heard, Options);
            Assert.Equal((0, now > 13.5), (verdict.Dead.Count, verdict.IsDeaf));
        }

        heard[0] = heard[0] with { HeardAt = Seconds(600.1) };
        (detector, var back) = detector.Look(Seconds(600.2), heard, Options);
        Assert.False(back.IsDeaf);
        heard[0] = heard[0] with { HeardAt = Seconds(606) };
        Assert.Empty(detector.Look(Seconds(605.9), heard, Options).Verdict.Dead);
        Assert.Equal(["b"], detector.Look(Seconds(606.1), heard, Options).Verdict.Dead.Keys);
    }

    [Fact]
    public void What_closed_while_the_leader_was_held_up_says_no_more_than_silence()
    {
        Hearing[] heard = [new("a", Seconds(20.1), null), new("b", Seconds(10), Seconds(19.9)), new("c", Seconds(10), Seconds(20.1)), new("d", Seconds(20.2), null), new("e", Seconds(20.9), Seconds(21.1))];
        var detector = new FailureDetector(TimeSpan.Zero).Anew(Seconds(20));
        Assert.Empty(detector.Look(Seconds(20.5), heard[..4], Options).Verdict.Dead);
        Assert.Equal(["e"], detector.Look(Seconds(21.5), heard, Options).Verdict.Dead.Keys);
        (heard[0], heard[3]) = (heard[0] with { HeardAt = Seconds(23) }, heard[3] with { HeardAt = Seconds(23) });
        Assert.Empty(detector.Look(Seconds(22.9), heard[..4], Options).Verdict.Dead);
        Assert.Equal(["b", "c"], detector.Look(Seconds(23.1), heard[..4], Options).Verdict.Dead.Keys.Order());
    }

    [Fact]
    public void When_all_were_killed_and_one_is_back_the_others_are_dead_after_a_silence()
    {
        Hearing[] heard = [new("a", Seconds(10), Seconds(10.2)), new("b", Seconds(10.1), Seconds(10.3))];
        var detector = new FailureDetector(TimeSpan.Zero);
        for (var now = Seconds(10.3); now < Seconds(20); now += Tick)
        {
            (detector, var verdict) = detector.Look(now, heard, Options);
            Assert.Equal((0, true), (verdict.Dead.Count, verdict.IsDeaf));
        }

        heard[0] = new("a", Seconds(20), null);
        (detector, _) = detector.Look(Seconds(20), heard, Options);
        heard[0] = new("a", Seconds(23), null);
        Assert.Empty(detector.Look(Seconds(22.9), heard, Options).Verdict.Dead);
        Assert.Equal(["b"], detector.Look(Seconds(23.1), heard, Options).Verdict.Dead.Keys);
    }

    [Fact]
    public void Several_of_many_that_are_killed_together_are_dead_at_once()
    {
        Hearing[] heard = [new("a", Seconds(10), Seconds(10.2)), new("b", Seconds(10.1), Seconds(10.2)), new("c", Seconds(10.2), null)];
        Assert.Equal(["a", "b"], Look(Seconds(10.6), heard).Dead.Keys.Order());
    }

    [Fact]
    public void A_single_worker_is_dead_when_it_is_silent() => Assert.Equal(["a"], Look(Seconds(20), [new("a", Seconds(1), null)]).Dead.Keys);

    [Fact]
    public void Whoever_lives_and_is_reached_again_soon_is_never_buried() => Prop.ForAll(Arb.From(Cuts), cut =>
    {
        foreach (var (at, dead) in Run(cut))
        {
            Assert.True(dead < 0, $"{cut}: worker {dead} was buried at {at}");
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Whoever_dies_while_others_are_heard_is_buried_within_five_silences() => Prop.ForAll(Arb.From(Deaths), cut =>
    {
        var buried = Run(cut).Select(found => found.Dead).ToHashSet();
        Assert.Equal(Enumerable.Range(0, cut.Workers.Count).Where(worker => cut.Workers[worker].BackMs < 0), buried.Order());
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void A_few_that_die_are_buried_at_once() => Prop.ForAll(Arb.From(Deaths), cut =>
    {
        var few = cut with { Workers = [.. cut.Workers.Select((worker, number) => number == 0 ? worker with { BackMs = -1 } : worker with { BackMs = 0 })], RunsMs = 4_100 };
        Assert.Equal([0], Run(few).Select(found => found.Dead));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(100));

    /// <summary>All are silenced at one moment, after 5 s; each comes back so long after it, or never.</summary>
    /// <param name="PhaseMs">When in a second it reports.</param>
    /// <param name="BackMs">-1: it died.</param>
    private sealed record Silenced(int PhaseMs, int BackMs);

    private sealed record Cut(IReadOnlyList<Silenced> Workers, int RunsMs)
    {
        public override string ToString() => $"{string.Join(' ', Workers)}";
    }

    /// <summary>All, or most, are cut off for longer than a report and a half, and come back one after the other.</summary>
    private static Gen<Cut> Cuts =>
        from lasts in Gen.Choose(2_600, 60_000)
        from partly in Gen.Elements(false, true)
        from workers in (from phase in Gen.Choose(0, 999) from late in Gen.Choose(0, 2_000) select (phase, late)).NonEmptyListOf()
        where workers.Count is >= 3 and <= 8
        let few = partly ? (workers.Count - 1) / 2 : 0
        let ends = partly ? Math.Min(lasts, 2_900) : lasts // Where others are heard, a cut is taken for death sooner or later.
        select new Cut([.. workers.Select((worker, number) => new Silenced(worker.phase, number < few ? 0 : ends + worker.late))], ends + 30_000);

    private static Gen<Cut> Deaths =>
        from workers in (from phase in Gen.Choose(0, 999) from dies in Gen.Elements(true, true, false) select new Silenced(phase, dies ? -1 : 0)).NonEmptyListOf()
        where workers.Count is >= 3 and <= 8
        select new Cut([workers[0] with { BackMs = 0 }, .. workers.Skip(1)], 15_000);

    private static IEnumerable<(TimeSpan At, int Dead)> Run(Cut cut)
    {
        var from = Seconds(5);
        var detector = new FailureDetector(TimeSpan.Zero);
        var gone = new HashSet<int>();
        for (var now = Seconds(2); now < from + TimeSpan.FromMilliseconds(cut.RunsMs); now += Tick)
        {
            var hearings = cut.Workers.Select((worker, number) => (worker, number)).Where(each => !gone.Contains(each.number))
                .Select(each => new Hearing($"{each.number}", HeardAt(each.worker, now, from), null)).ToList();
            (detector, var verdict) = detector.Look(now, hearings, Options);
            foreach (var dead in verdict.Dead.Keys.Select(name => int.Parse(name, System.Globalization.CultureInfo.InvariantCulture)))
            {
                gone.Add(dead);
                yield return (now, dead);
            }
        }
    }

    private static TimeSpan HeardAt(Silenced worker, TimeSpan now, TimeSpan cutAt)
    {
        var back = worker.BackMs < 0 ? TimeSpan.MaxValue : cutAt + TimeSpan.FromMilliseconds(worker.BackMs);
        return now < cutAt ? Report(worker, now) : now < back ? Report(worker, cutAt) : Later(Report(worker, now), worker.BackMs == 0 ? TimeSpan.Zero : back);
    }

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;

    /// <summary>The latest report before that moment.</summary>
    private static TimeSpan Report(Silenced worker, TimeSpan before)
    {
        var phase = TimeSpan.FromMilliseconds(worker.PhaseMs);
        return phase + Seconds(Math.Floor((before - phase).TotalSeconds));
    }

    private static FailureVerdict Look(TimeSpan now, Hearing[] heard) => new FailureDetector(TimeSpan.Zero).Look(now, heard, Options).Verdict;

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
