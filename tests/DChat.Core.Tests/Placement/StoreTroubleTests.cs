using DChat.Core.Placement;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Core.Tests.Placement;

/// <summary>Workers check their store once a second, each at its own moment, and report then what the latest check that ended found.</summary>
public sealed class StoreTroubleTests
{
    private const int CheckLimitMs = 2_000;
    private const int AnswersMs = 5;
    private const int ReportWaitsMs = 200;
    private const int OutageAtMs = 10_000;

    /// <summary>How long a worker that alone has lost its way to the store may keep its rooms: a check begins within 1 s and takes 2 s to fail, and another's report is 1 s old.</summary>
    private const int FoundWithinMs = 4_500;

    private static readonly TimeSpan ChecksApart = Seconds(1.5);
    private static readonly StoreTroubleOptions Options = new(Apart: Seconds(1), Lasting: Seconds(1.75), Recovery: Seconds(3));

    [Fact]
    public void One_that_cannot_use_its_store_while_others_can_is_alone_and_they_are_better_off()
    {
        var alone = StoreTrouble.Of([("a", Ill(10, 12)), ("b", Well(1, 11.5)), ("c", Well(1, 11.2))], Options);
        Assert.Equal(["a"], alone.Keys);
        Assert.Equal(["b", "c"], alone["a"].Order());
    }

    [Fact]
    public void What_another_found_before_or_at_about_the_same_time_says_nothing() =>
        Assert.Empty(StoreTrouble.Of([("a", Ill(10, 15)), ("b", Well(1, 10.9)), ("c", Well(1, 9))], Options));

    [Fact]
    public void Trouble_that_has_just_begun_may_pass() =>
        Assert.Empty(StoreTrouble.Of([("a", Ill(10, 11.7)), ("b", Well(1, 11.5))], Options));

    [Fact]
    public void The_first_to_say_that_the_store_is_back_is_not_better_off_before_the_others_could_say_so_too()
    {
        Assert.Empty(StoreTrouble.Of([("a", Ill(10, 32.9)), ("b", Well(30, 32.5))], Options));
        Assert.Equal(["a"], StoreTrouble.Of([("a", Ill(10, 33)), ("b", Well(30, 32.5))], Options).Keys);
    }

    [Fact]
    public void Where_nobody_can_use_it_nobody_is_alone() => Assert.Empty(StoreTrouble.Of([("a", Ill(10, 20)), ("b", Ill(11, 20))], Options));

    [Fact]
    public void A_report_continues_what_the_ones_before_told()
    {
        var told = Tell(null, isWell: true, 9.9, 10);
        Assert.Equal(Well(10, 9.9), told);
        told = Tell(told, isWell: true, 11, 11.1);
        Assert.Equal(Well(10, 11), told);
        told = Tell(told, isWell: false, 12, 14);
        Assert.Equal(Ill(12, 14), told);
        told = Tell(told, isWell: false, 14, 15);
        Assert.Equal(Ill(12, 15), told);
        Assert.Equal(Well(16.5, 16), Tell(told, isWell: true, 16, 16.5));
    }

    [Fact]
    public void Who_waited_for_an_answer_says_so_anew_when_it_comes()
    {
        var told = Tell(Well(1, 10), isWell: true, 10, 11.2); // The next check is not answered yet.
        Assert.Equal(Well(1, 10), told);
        told = Tell(told, isWell: true, 12, 12);
        Assert.Equal(Well(12, 12), told);
    }

    [Fact]
    public void A_store_that_is_away_for_all_is_nobodys_own_trouble_not_when_it_comes_back_either() => Prop.ForAll(Arb.From(Outages), outage =>
    {
        foreach (var (at, alone) in Run(outage))
        {
            Assert.True(alone.Count == 0, $"{outage}: {string.Join(' ', alone.Keys)} at {at} ms");
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Whoever_alone_has_lost_its_way_to_the_store_is_found_soon_and_nobody_else() => Prop.ForAll(Arb.From(Cuts), cut =>
    {
        var lost = Lost(cut);
        var found = new Dictionary<string, int>();
        foreach (var (at, alone) in Run(cut))
        {
            Assert.True(lost.IsSupersetOf(alone.Keys), $"{cut}: {string.Join(' ', alone.Keys)} at {at} ms");
            Assert.All(alone.Values, others => Assert.Empty(others.Intersect(lost)));
            foreach (var worker in alone.Keys)
            {
                found.TryAdd(worker, at);
            }
        }

        Assert.True(found.Count == lost.Count && found.Values.All(at => at <= OutageAtMs + FoundWithinMs), $"{cut}: {string.Join(' ', found)}");
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Whoever_does_not_find_the_store_again_when_it_is_back_for_the_others_is_found_soon() => Prop.ForAll(Arb.From(LeftBehind), outage =>
    {
        var lost = Lost(outage);
        var last = Run(outage).Last().Alone;
        Assert.True(lost.SetEquals(last.Keys), $"{outage}: {string.Join(' ', last.Keys)}");
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    /// <param name="PhaseMs">When in a second it checks.</param>
    /// <param name="FromMs">When it lost the store; -1: it did not.</param>
    /// <param name="UntilMs">When it has it again; -1: never.</param>
    /// <param name="IsSilent">A check is not answered, and fails when its time is over; else it fails at once.</param>
    /// <param name="IsStuck">A check that began before the store was back is not answered then either.</param>
    /// <param name="DelayMs">How long its reports take.</param>
    private sealed record Checker(int PhaseMs, int FromMs, int UntilMs, bool IsSilent, bool IsStuck, int DelayMs);

    private sealed record Scene(IReadOnlyList<Checker> Workers, int RunsMs)
    {
        public override string ToString() => $"{string.Join(' ', Workers)}, {RunsMs} ms";
    }

    private static Gen<Scene> Outages =>
        from lasts in Gen.Choose(100, 30_000)
        from workers in Away(lasts).NonEmptyListOf()
        where workers.Count is >= 2 and <= 8
        select new Scene([.. workers], OutageAtMs + lasts + 20_000);

    private static Gen<Checker> Away(int lasts) =>
        from one in Any
        where lasts > CheckLimitMs || !one.IsStuck
        from noticed in Gen.Choose(0, 300)
        from back in Gen.Choose(0, 400)
        select one with { FromMs = OutageAtMs + noticed, UntilMs = OutageAtMs + 300 + lasts + back };

    private static Gen<Scene> Cuts =>
        from workers in (from one in Any from isLost in Gen.Elements(true, false) select isLost ? one with { FromMs = OutageAtMs } : one).NonEmptyListOf()
        where workers.Count is >= 2 and <= 8
        select new Scene([workers[0] with { FromMs = -1 }, .. workers.Skip(1)], OutageAtMs + 20_000);

    private static Gen<Scene> LeftBehind =>
        from lasts in Gen.Choose(300, 10_000)
        from workers in (from one in Any from isLost in Gen.Elements(true, false) select one with { FromMs = OutageAtMs, UntilMs = isLost ? -1 : OutageAtMs + lasts }).NonEmptyListOf()
        where workers.Count is >= 2 and <= 8
        select new Scene([workers[0] with { UntilMs = OutageAtMs + lasts }, .. workers.Skip(1)], OutageAtMs + lasts + 6_000);

    private static Gen<Checker> Any =>
        from phase in Gen.Choose(0, 999)
        from isSilent in Gen.Elements(true, false)
        from isStuck in Gen.Elements(true, false)
        from delay in Gen.Choose(0, 150)
        select new Checker(phase, -1, -1, isSilent, isStuck, delay);

    private static HashSet<string> Lost(Scene scene) =>
        scene.Workers.Select((worker, number) => (worker, number)).Where(each => each.worker is { FromMs: >= 0, UntilMs: -1 }).Select(each => $"{each.number}").ToHashSet();

    private static IEnumerable<(int AtMs, IReadOnlyDictionary<string, IReadOnlySet<string>> Alone)> Run(Scene scene)
    {
        var stores = new Dictionary<string, StoreHealth>();
        var reports = scene.Workers.SelectMany((worker, number) => Reports(worker, scene.RunsMs).Select(report => (Worker: $"{number}", report.AtMs, report.IsWell, report.AgeMs))).OrderBy(report => report.AtMs);
        foreach (var (worker, atMs, isWell, ageMs) in reports)
        {
            stores[worker] = StoreHealth.Told(stores.TryGetValue(worker, out var before) ? before : null, isWell, Ms(atMs - ageMs), Ms(atMs), ChecksApart);
            yield return (atMs, StoreTrouble.Of([.. stores.Select(store => (store.Key, store.Value))], Options));
        }
    }

    /// <summary>What a worker does: a check runs at a time, one begins at each tick where none is, and at once after one that took long.</summary>
    private static IEnumerable<(int AtMs, bool IsWell, int AgeMs)> Reports(Checker worker, int untilMs)
    {
        var (began, ends, isWell) = (-1_000, -1_000, true);
        var (last, lastBegan) = (true, 0);
        for (var tick = worker.PhaseMs; tick < untilMs; tick += 1_000)
        {
            Begin(tick);
            var at = Math.Min(Math.Max(tick, ends), tick + ReportWaitsMs);
            Begin(at);
            yield return (at + worker.DelayMs, last, at - lastBegan);
        }

        void Begin(int now)
        {
            if (ends <= now)
            {
                (last, lastBegan) = (isWell, began);
                if (now - began >= 500)
                {
                    began = now;
                    (ends, isWell) = Check(worker, now);
                }
            }
        }
    }

    private static (int EndsMs, bool IsWell) Check(Checker worker, int began)
    {
        var isAway = worker.FromMs >= 0 && began + AnswersMs > worker.FromMs && (worker.UntilMs < 0 || began < worker.UntilMs);
        return !isAway ? (began + AnswersMs, true)
            : !worker.IsSilent ? (began + 1, false)
            : !worker.IsStuck && worker.UntilMs >= 0 && worker.UntilMs + AnswersMs < began + CheckLimitMs ? (worker.UntilMs + AnswersMs, true)
            : (began + CheckLimitMs, false);
    }

    private static StoreHealth Tell(StoreHealth? before, bool isWell, double checkedAt, double now) => StoreHealth.Told(before, isWell, Seconds(checkedAt), Seconds(now), ChecksApart);

    private static StoreHealth Well(double since, double lastAt) => new(true, Seconds(since), Seconds(lastAt));

    private static StoreHealth Ill(double since, double lastAt) => new(false, Seconds(since), Seconds(lastAt));

    private static TimeSpan Ms(int ms) => TimeSpan.FromMilliseconds(ms);

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
