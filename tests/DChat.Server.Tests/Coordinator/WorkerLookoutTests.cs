using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Nodes;
using DChat.Server.Worker;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>When one of several coordinators thinks that another should lead, by a clock that only the test moves.</summary>
public sealed class WorkerLookoutTests
{
    private static readonly string[] Workers = ["a", "b", "c"];

    [Fact]
    public void A_leader_of_several_that_hears_nobody_for_a_silence_should_resign_and_buries_nobody()
    {
        using var sight = new LeadersSight();
        sight.Pass(seconds: 10, Workers);
        Assert.Null(sight.Pass(seconds: 2.9).CutOff);
        Assert.Equal("none of 3 workers is heard", sight.Pass(seconds: 0.3).CutOff);
        Assert.Empty(sight.Buried);
    }

    [Fact]
    public void One_that_hears_a_few_only_should_resign_and_buries_nobody()
    {
        using var sight = new LeadersSight();
        sight.Pass(seconds: 10, Workers);
        Assert.Equal("2 of 3 workers fell silent together", sight.Pass(seconds: 3.1, "a").CutOff);
        Assert.Empty(sight.Buried);
    }

    [Fact]
    public void The_only_coordinator_has_nobody_to_resign_for()
    {
        using var sight = new LeadersSight(isOnly: true);
        sight.Pass(seconds: 10, Workers);
        Assert.Null(sight.Pass(seconds: 60).CutOff);
        Assert.Empty(sight.Buried);
    }

    [Fact]
    public void One_that_was_held_up_judges_nobody_before_it_has_listened()
    {
        using var sight = new LeadersSight();
        sight.Pass(seconds: 10, Workers);
        Assert.Null(sight.Freeze(seconds: 100).CutOff);
        Assert.Null(sight.Pass(seconds: 5.9).CutOff);
        Assert.Null(sight.Pass(seconds: 60, Workers).CutOff);
        Assert.Empty(sight.Buried);
    }

    [Fact]
    public void One_that_was_held_up_and_hears_nobody_afterwards_should_resign()
    {
        using var sight = new LeadersSight();
        sight.Pass(seconds: 10, Workers);
        sight.Freeze(seconds: 100);
        Assert.Equal("none of 3 workers is heard", sight.Pass(seconds: 6.1).CutOff);
        Assert.Empty(sight.Buried);
    }

    [Fact]
    public void One_that_was_held_up_buries_whom_it_does_not_hear_afterwards_while_it_hears_others()
    {
        using var sight = new LeadersSight();
        sight.Pass(seconds: 10, Workers);
        sight.Freeze(seconds: 100);
        Assert.Null(sight.Pass(seconds: 6.2, "a").CutOff);
        Assert.Equal(["b", "c"], sight.Buried.Order());
    }

    /// <summary>Reports wait for a store that is silent, for a moment, and a leader does not notice that it was held up for less than a second.</summary>
    [Fact]
    public void With_the_least_silence_that_can_be_set_a_late_report_to_a_leader_that_was_held_up_is_no_death()
    {
        using var sight = new LeadersSight(isOnly: true, ServerOptions.WorkerSilenceMsMin);
        sight.Pass(seconds: 10, Workers);
        for (var i = 0; i < 20; i++)
        {
            sight.Pass(seconds: 0.1, Workers);
            sight.Pass(seconds: (WorkerReports.Interval + StoreCheck.AnswersWithin).TotalSeconds, "a");
            sight.Freeze(seconds: 0.95);
        }

        Assert.Empty(sight.Buried);
    }

    [Fact]
    public void One_to_which_nobody_came_since_its_election_lets_another_try_after_a_while()
    {
        using var sight = new LeadersSight();
        Assert.Null(sight.Pass(seconds: 29.9).CutOff);
        Assert.Equal("none of 3 workers is heard", sight.Pass(seconds: 0.2).CutOff);
        Assert.Empty(sight.Buried);
    }

    [Fact]
    public async Task One_to_which_nobody_came_stays_long_while_its_standbys_hear_nobody_either()
    {
        using var sight = new LeadersSight();
        await using var standby = await sight.StandbyAsync();
        sight.Standbys.Reported(standby, index: 1, workers: 0, clockMs: null);
        Assert.Null(sight.Pass(seconds: 299.9).CutOff);

        sight.Standbys.Reported(standby, index: 1, workers: 1, clockMs: null);
        Assert.Equal("none of 3 workers is heard", sight.Pass(seconds: 0.2).CutOff);
        Assert.Empty(sight.Buried);
    }

    [Fact]
    public async Task One_to_which_nobody_came_resigns_soon_for_a_standby_that_hears_some()
    {
        using var sight = new LeadersSight();
        await using var standby = await sight.StandbyAsync();
        sight.Standbys.Reported(standby, index: 1, workers: 2, clockMs: null);
        Assert.Null(sight.Pass(seconds: 5.9).CutOff);
        Assert.Equal("none of 3 workers is heard", sight.Pass(seconds: 0.3).CutOff);
    }

    [Fact]
    public async Task A_standby_that_does_not_say_whether_it_hears_workers_changes_nothing()
    {
        using var sight = new LeadersSight();
        await using var standby = await sight.StandbyAsync();
        sight.Standbys.Reported(standby, index: 1, workers: null, clockMs: null);
        Assert.Null(sight.Pass(seconds: 29.9).CutOff);
        Assert.NotNull(sight.Pass(seconds: 0.2).CutOff);
    }

    [Fact]
    public void One_to_which_most_workers_do_not_come_buries_them_and_stays()
    {
        using var sight = new LeadersSight();
        Assert.Null(sight.Pass(seconds: 5.9, "a").CutOff);
        Assert.Empty(sight.Buried);
        Assert.Null(sight.Pass(seconds: 60, "a").CutOff);
        Assert.Equal(["b", "c"], sight.Buried.Order());
    }

    [Fact]
    public void One_to_which_the_first_worker_comes_late_waits_for_the_others_from_then_on()
    {
        using var sight = new LeadersSight();
        sight.Pass(seconds: 8);
        Assert.Null(sight.Pass(seconds: 5.9, "a").CutOff);
        Assert.Empty(sight.Buried);
        Assert.Null(sight.Pass(seconds: 60, "a").CutOff);
        Assert.Equal(["b", "c"], sight.Buried.Order());
    }

    /// <summary>A lookout over three workers, which report every tenth of a second that passes.</summary>
    private sealed class LeadersSight : IDisposable
    {
        private static readonly WorkerReport Report = new(0, 0, 0, 0, null, [], [], []);

        private readonly HandTime _time = new();
        private readonly WorkerWatch _watch;
        private readonly WorkerLookout _lookout;
        private LinkPair? _pair;

        public LeadersSight(bool isOnly = false, int silenceMs = 3_000)
        {
            var replica = new RegistryReplica(_time);
            var state = RegistryState.Empty;
            foreach (var worker in Workers)
            {
                var hello = LinkPair.Hello(worker);
                var decision = RegistryMachine.Decide(state, new RegisterWorker("", "", 0, hello.Node, hello.Address, hello.Incarnation, 1, [], WorkerState.Active), RegistryLimits.None);
                state = RegistryMachine.Apply(state, state.Index + 1, decision.Record!);
            }

            replica.Replace(state);
            _watch = new WorkerWatch(_time);
            Standbys = new StandbyWatch(_time);
            _lookout = new WorkerLookout(replica, _watch, Standbys, new CoordinatorOptions { StartsAsLeader = isOnly, WorkerSilence = TimeSpan.FromMilliseconds(silenceMs) }, _time, NullLogger.Instance);
        }

        public HashSet<string> Buried { get; } = [];

        public StandbyWatch Standbys { get; }

        /// <summary>A standby's link, which the caller disposes.</summary>
        public async Task<NodeLink> StandbyAsync()
        {
            _pair = await LinkPair.ConnectAsync();
            return new NodeLink(LinkPair.Hello("standby"), _pair.LeftStream, new Nobody(), TimeProvider.System);
        }

        /// <returns>What the last look brought; the first that speaks of resigning is the last.</returns>
        public Findings Pass(double seconds, params string[] heard)
        {
            var found = Findings.None;
            for (var end = _time.Now + TimeSpan.FromSeconds(seconds); _time.Now < end && found.CutOff is null;)
            {
                _time.Now += TimeSpan.FromSeconds(0.1);
                foreach (var worker in heard)
                {
                    _watch.Reported(LinkPair.Hello(worker), Report);
                }

                found = Look();
            }

            return found;
        }

        public Findings Freeze(double seconds)
        {
            _time.Now += TimeSpan.FromSeconds(seconds);
            return Look();
        }

        public void Dispose()
        {
            _lookout.Dispose();
            _pair?.RightStream.Dispose();
        }

        private Findings Look()
        {
            var found = _lookout.Look();
            Buried.UnionWith(found.Dead.Select(dead => dead.Worker.Id));
            return found;
        }
    }
}
