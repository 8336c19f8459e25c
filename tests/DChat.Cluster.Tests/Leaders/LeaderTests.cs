using System.Diagnostics;
using DChat.Cluster.Tests.Cluster;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Leaders;

/// <summary>
/// Three coordinators that share an etcd of three members, and workers. Whatever becomes of the leader: no send in a running room fails, and
/// what changes the registry is answered, late at most, or <c>unavailable</c>, and is never done twice.
/// </summary>
public sealed class LeaderTests(ITestOutputHelper output)
{
    private const int Users = 4;

    /// <summary>Ahead, back beyond where it was, and right again.</summary>
    private static readonly int[] JumpMinutes = [5, -5, 0];

    /// <summary>Whether each coordinator runs an etcd of its own, as shipped, which goes with it; in the long form one that is there, too.</summary>
    public static TheoryData<bool> WithItsMember => LongTests.Pick<TheoryData<bool>>([true], [true, false]);

    /// <summary>Whether each coordinator runs an etcd of its own, which does not freeze with it; so in the long form.</summary>
    public static TheoryData<bool> WithoutItsMember => LongTests.Pick<TheoryData<bool>>([false], [false, true]);

    [Theory]
    [MemberData(nameof(WithItsMember))]
    public async Task A_killed_leader_is_followed_by_a_standby_and_comes_back_as_one(bool ownMembers)
    {
        await using var run = await Run.StartAsync(output, workers: 2, leaseSeconds: 60, ownMembers: ownMembers); // The lease is not to be waited for.
        var first = await run.Sight.LeaderAsync();
        await run.Sight.WholeAsync(standbys: 2);

        var killed = Stopwatch.GetTimestamp();
        await first.KillAsync();
        await run.GoOnAsync();
        run.Say("killed", killed);
        await Eventually.Holds(() => run.Cluster.CoordinatorNodes.SelectMany(node => node.Log.Lines).Any(line => line.Contains("is gone: nobody listens there any more", StringComparison.Ordinal)));
        var second = await run.Sight.NextLeaderAsync(first, standbys: 1);

        await first.RestartAsync();
        await run.Sight.WholeAsync(standbys: 2);
        Assert.Equal(second, await run.Sight.LeaderAsync());
        Assert.Equal((0, 1), (await Metrics.ReadAsync(first, "dchat_coordinator_leads"), await Metrics.ReadAsync(second, "dchat_coordinator_leads")));

        var stopped = Stopwatch.GetTimestamp();
        Assert.Equal(0, await second.TerminateAsync());
        await run.GoOnAsync();
        run.Say("stopped", stopped);
        await run.Sight.NextLeaderAsync(second, standbys: 1);
        await run.EndAsync();
    }

    [Theory]
    [MemberData(nameof(WithoutItsMember))]
    public async Task A_frozen_leader_that_wakes_after_its_time_can_append_nothing(bool ownMembers)
    {
        await using var run = await Run.StartAsync(output, workers: 2, ownMembers: ownMembers);
        var first = await run.Sight.LeaderAsync();
        await run.Sight.WholeAsync(standbys: 2);

        var frozen = Stopwatch.GetTimestamp();
        first.Freeze(); // With commands on their way, which it goes on with when it wakes.
        await run.GoOnAsync();
        run.Say("frozen", frozen);
        await run.Sight.NextLeaderAsync(first, standbys: 1);

        first.Thaw();
        await run.Sight.WholeAsync(standbys: 2);
        await run.GoOnAsync();
        await run.EndAsync();
        await first.SaysAsync("ended: Lost");
        Assert.DoesNotContain(run.Cluster.CoordinatorNodes.SelectMany(node => node.Log.Lines), line => line.Contains(" is gone: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_leader_that_was_held_up_within_its_time_leads_on_and_buries_nobody()
    {
        await using var run = await Run.StartAsync(output, workers: 2, leaseSeconds: 60);
        var leader = await run.Sight.LeaderAsync();
        await run.Sight.WholeAsync(standbys: 2);

        leader.Freeze();
        await Eventually.Holds(async () => await Metrics.ReadAsync(run.Cluster.Workers[0], "dchat_worker_linked") + await Metrics.ReadAsync(run.Cluster.Workers[1], "dchat_worker_linked") == 0);
        leader.Thaw();
        await run.Sight.WholeAsync(standbys: 2);
        await run.GoOnAsync();
        Assert.Equal(leader, await run.Sight.LeaderAsync());
        await leader.SaysAsync("this coordinator was held up for");
        Assert.DoesNotContain(leader.Log.Lines, line => line.Contains(" is gone: ", StringComparison.Ordinal) || line.Contains("ended: Lost", StringComparison.Ordinal));
        await run.EndAsync();
    }

    [Fact]
    public async Task A_clock_that_jumps_ends_no_leadership_buries_nobody_and_signs_nobody_out()
    {
        await using var run = await Run.StartAsync(output, workers: 2, leaseSeconds: 15, ownClocks: true); // Shorter than the jumps, and longer than a busy machine holds anybody up.
        var leader = await run.Sight.LeaderAsync();
        await run.Sight.WholeAsync(standbys: 2);
        foreach (var (node, ahead) in new[] { leader, run.Cluster.Workers[0] }.SelectMany(node => JumpMinutes.Select(minutes => (node, TimeSpan.FromMinutes(minutes)))))
        {
            node.Clock!.Set(ahead);
            await Eventually.Holds(async () => (await Metrics.ReadTimeAsync(node) - TimeProvider.System.GetUtcNow() - ahead).Duration() < TimeSpan.FromMinutes(1));
            var renewals = await run.Cluster.Etcd!.LeaseRenewalsAsync();
            await run.GoOnAsync();
            await using var late = await HubProbe.ConnectAsync(run.Cluster.Workers[0].Client, run.Token); // It was given out by another clock.
            await late.CallAsync("sync", new { });
            await Eventually.Holds(async () => await run.Cluster.Etcd.LeaseRenewalsAsync() > renewals); // The leader saw the jump when it looked how much of its time is left.
        }

        Assert.Equal(leader, await run.Sight.LeaderAsync());
        Assert.DoesNotContain(run.Cluster.CoordinatorNodes.SelectMany(node => node.Log.Lines), line => line.Contains(" is gone: ", StringComparison.Ordinal) || line.Contains("ended: Lost", StringComparison.Ordinal));
        await run.EndAsync();
    }

    public static TheoryData<string> CutFrom => LongTests.Pick<TheoryData<string>>(["everybody"], ["everybody", "etcd", "the workers"]);

    [Theory]
    [MemberData(nameof(CutFrom))]
    public async Task A_leader_that_is_cut_off_is_followed_by_another(string from)
    {
        await using var run = await Run.StartAsync(output, workers: 3, ownHosts: true);
        var first = await run.Sight.LeaderAsync();
        await run.Sight.WholeAsync(standbys: 2);
        if (from == "the workers")
        {
            first.Log.ExpectErrors("This coordinator resigns, it seems to be cut off");
        }

        var cluster = run.Cluster;
        var others = cluster.CoordinatorNodes.Where(node => node != first).Select(node => node.Host!.Address);
        var workers = cluster.Workers.Select(worker => worker.Host!.Address);
        var etcd = cluster.Etcd!.Members.Select(member => member.Host!.Address);
        var cut = Stopwatch.GetTimestamp();
        await first.Host!.CutAsync(from switch
        {
            "etcd" => etcd,
            "the workers" => workers,
            _ => [.. others, .. workers, .. etcd, cluster.Network!.Address],
        });
        await run.GoOnAsync();
        await run.Sight.NextLeaderAsync(first, standbys: from == "the workers" ? 2 : 1);
        run.Say($"cut off from {from}", cut);

        await first.Host!.HealAsync();
        await run.Sight.WholeAsync(standbys: 2);
        await run.GoOnAsync();
        await run.EndAsync();
    }

    [Fact]
    public async Task A_leader_that_dies_with_most_workers_is_followed_by_one_that_gives_their_rooms_away()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 3, coordinators: 3);
        using var sight = await LeaderSight.OpenAsync(cluster, cluster.Workers[0]);
        using var http = cluster.Workers[0].CreateHttpClient();
        await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 6, rooms: 6);
        await sight.WholeAsync(standbys: 2);
        var rooms = (long)(await sight.StatusAsync())!["rooms"]!;
        var leader = await sight.LeaderAsync();

        var died = Stopwatch.GetTimestamp();
        ServerProcess[] dead = [cluster.Workers[1], cluster.Workers[2]];
        await Task.WhenAll(dead.Append(leader).Select(node => node.KillAsync()));
        cluster.Workers.RemoveAll(dead.Contains);
        await Eventually.Holds(async () => (await sight.StatusAsync())?["workers"]!.AsArray() is { } workers
            && workers.Count(worker => (string)worker!["state"]! == "gone" && (long)worker["rooms"]! == 0) == 2
            && workers.Single(worker => (string)worker!["state"]! == "active")!["rooms"]!.GetValue<long>() == rooms);
        output.WriteLine($"rooms of the dead were given away after {Stopwatch.GetElapsedTime(died).TotalMilliseconds:0} ms");
        Assert.DoesNotContain(cluster.CoordinatorNodes.SelectMany(node => node.Log.Lines), line => line.Contains("This coordinator resigns", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_worker_that_cannot_reach_the_leader_is_served_by_a_standby()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 2, ownHosts: true, coordinators: 3);
        using var sight = await LeaderSight.OpenAsync(cluster, cluster.Workers[0]);
        using var http = cluster.Workers[0].CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 1);
        await sight.WholeAsync(standbys: 2);
        var leader = await sight.LeaderAsync();
        await using var making = await RoomMaking.StartAsync(cluster.Workers[1], crowd.Token(0), "made");
        await making.GoesOnAsync();

        await cluster.Workers[1].Host!.CutAsync([leader.Host!.Address]);
        await Eventually.Holds(async () => await Metrics.ReadAsync(cluster.Workers[1], "dchat_worker_linked") == 0);
        await making.GoesOnAsync();
        Assert.Equal(leader, await sight.LeaderAsync());
        Assert.Equal(0, await Metrics.ReadAsync(cluster.Workers[1], "dchat_worker_linked"));

        await cluster.Workers[1].Host!.HealAsync();
        await Eventually.Holds(async () => await Metrics.ReadAsync(cluster.Workers[1], "dchat_worker_linked") == 1);
        await making.GoesOnAsync();
        await making.EndAsync(sight);
    }

    /// <summary>A cluster in which people chat and make rooms all the time.</summary>
    private sealed class Run : IAsyncDisposable
    {
        private readonly ITestOutputHelper _output;

        private Run(ITestOutputHelper output, ClusterUnderTest cluster) => (_output, Cluster) = (output, cluster);

        public ClusterUnderTest Cluster { get; }

        public LeaderSight Sight { get; private set; } = null!;

        /// <summary>Somebody's.</summary>
        public string Token { get; private set; } = "";

        private OngoingChat Chat { get; set; } = null!;

        private RoomMaking Making { get; set; } = null!;

        public static async Task<Run> StartAsync(ITestOutputHelper output, int workers, bool ownHosts = false, int leaseSeconds = 3, bool ownClocks = false, bool ownMembers = false)
        {
            var run = new Run(output, await ClusterUnderTest.StartAsync(workers, ownHosts: ownHosts, coordinators: 3, leaseSeconds: leaseSeconds, ownClocks: ownClocks, ownMembers: ownMembers));
            try
            {
                var cluster = run.Cluster;
                run.Sight = await LeaderSight.OpenAsync(cluster, cluster.Workers[0]);
                using var http = cluster.Workers[0].CreateHttpClient();
                var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, Users, rooms: Users);
                run.Token = crowd.Token(0);
                run.Chat = await OngoingChat.StartAsync(crowd, user => cluster.Workers[user % cluster.Workers.Count]);
                run.Making = await RoomMaking.StartAsync(cluster.Workers[1], crowd.Token(0), "made");
                await run.GoOnAsync();
                return run;
            }
            catch
            {
                await run.DisposeAsync();
                throw;
            }
        }

        public async Task GoOnAsync()
        {
            await Chat.GoesOnAsync();
            await Making.GoesOnAsync();
            await Chat.GoesOnAsync();
        }

        public void Say(string what, long since) =>
            _output.WriteLine($"{what}: commands went on after {Stopwatch.GetElapsedTime(since).TotalMilliseconds:0} ms; {Making.Seen}");

        public async Task EndAsync()
        {
            await Chat.EndAsync();
            await Making.EndAsync(Sight);
            await LogCheck.AssertEachEntryIsItsLeadersAsync(Cluster);
            _output.WriteLine(Making.Seen);
        }

        public async ValueTask DisposeAsync()
        {
            await (Chat?.DisposeAsync() ?? default);
            await (Making?.DisposeAsync() ?? default);
            Sight?.Dispose();
            await Cluster.DisposeAsync();
        }
    }
}
