using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Tests.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>For how long a leader bears it that workers do not reach each other.</summary>
public sealed class IsolationLookoutTests
{
    private static readonly string[] Workers = ["a", "b", "c", "d"];
    private readonly HandTime _time = new();
    private readonly RegistryReplica _replica;
    private readonly WorkerWatch _watch;
    private readonly StoreLookout _stores;
    private readonly IsolationLookout _lookout;
    private readonly HashSet<string> _unheard = new(StringComparer.Ordinal);

    public IsolationLookoutTests()
    {
        _replica = new RegistryReplica(_time);
        _watch = new WorkerWatch(_time);
        _stores = new StoreLookout(_replica, _watch, NullLogger.Instance);
        _lookout = new IsolationLookout(_replica, _watch, _time, NullLogger.Instance);
        var state = RegistryState.Empty;
        foreach (var worker in Workers.Select(worker => LinkPair.Hello(worker)))
        {
            var decision = RegistryMachine.Decide(state, new RegisterWorker("", "", 0, worker.Node, worker.Address, worker.Incarnation, 1, [], WorkerState.Active), RegistryLimits.None);
            state = RegistryMachine.Apply(state, state.Index + 1, decision.Record!);
        }

        _replica.Replace(state);
    }

    [Fact]
    public void Whom_most_do_not_reach_is_borne_for_a_second()
    {
        Pass(0.9, "d-a d-b");
        Assert.Equal("", Isolated("d-a d-b"));
        Pass(0.2, "d-a d-b");
        Assert.Equal("d", Isolated("d-a d-b"));
        Assert.Equal("", Isolated(""));
    }

    [Fact]
    public void Of_two_that_do_not_reach_each_other_one_is_borne_for_longer_and_isolated_until_they_do()
    {
        Pass(4.9, "a-b");
        Assert.Equal("", Isolated("a-b"));
        Assert.Equal(["b"], Workers.Where(_lookout.IsSuspected)); // It is given no more meanwhile.
        Pass(0.2, "a-b");
        Assert.Equal("b", Isolated("a-b"));
        Assert.Equal("b", Isolated("b-a"));
        Assert.Equal("", Isolated("")); // And once more from the beginning.
        Assert.DoesNotContain(Workers, _lookout.IsSuspected);
        Pass(4.9, "a-b");
        Assert.Equal("", Isolated("a-b"));
    }

    [Fact]
    public void After_a_moment_in_which_nobody_reached_anybody_nobody_is_isolated()
    {
        const string Nobody = "a-b a-c a-d b-c b-d c-d";
        Pass(4.5, Nobody);
        Assert.Equal("", Isolated(Nobody));
        Assert.Equal("", Isolated(""));
    }

    [Fact]
    public void Who_cannot_reach_those_that_are_not_heard_or_alone_have_no_store_is_none_the_worse()
    {
        _unheard.UnionWith(["b", "c"]);
        Pass(10, "a-b a-c");
        Assert.Equal("", Isolated("a-b a-c"));
        _unheard.Clear();
        for (var second = 0; second < 10; second++)
        {
            Pass(1, "a-b", storeAwayOf: "b");
        }

        Assert.NotNull(_stores.BetterOffThan("b"));
        Assert.Equal("", Isolated("a-b", storeAwayOf: "b"));
    }

    private void Pass(double seconds, string cuts, string storeAwayOf = "")
    {
        Isolated(cuts, storeAwayOf);
        _time.Now += TimeSpan.FromSeconds(seconds);
    }

    /// <summary>All say whom they do not reach; who is isolated by that.</summary>
    private string Isolated(string cuts, string storeAwayOf = "")
    {
        foreach (var worker in Workers)
        {
            var unreachable = cuts.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(cut => cut.StartsWith(worker, StringComparison.Ordinal)).Select(cut => cut[2..]);
            _watch.Reported(LinkPair.Hello(worker), new WorkerReport(0, 0, 0, 0, worker == storeAwayOf ? "away" : null, [.. unreachable], [], []));
        }

        _stores.Look();
        _lookout.Look(worker => !_unheard.Contains(worker.Id), _stores);
        return string.Join(' ', Workers.Where(_lookout.IsIsolated));
    }
}
