using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Worker.Joining;

namespace DChat.Server.Tests.Worker.Joining;

/// <summary>When a worker that hears a coordinator sends its clients away all the same.</summary>
public sealed class PassedOverVerdictTests
{
    /// <summary>
    /// What is seen at each second, after 3 s: it is well (w), or in trouble and unfit by the leader's word (u), or fit by it, or it hears none (f).
    /// </summary>
    [Theory]
    [InlineData("wwwwww", "------")]
    [InlineData("wuuu", "----")]
    [InlineData("wuuuu", "----X")]
    [InlineData("wuuuuw", "----X-")]
    [InlineData("wffffff", "-------")] // Others are no better off, or it is the other that is cut off.
    [InlineData("wuuwuuu", "-------")]
    [InlineData("wuufuuu", "-------")]
    [InlineData("wuuuufffu", "----XXXXX")] // While another leader is elected, and finds that out anew, clients are not called back.
    [InlineData("wuuuufw", "----XX-")]
    [InlineData("wuuuuwuuu", "----X----")]
    public void A_worker_is_passed_over_that_is_in_trouble_and_for_so_long_is_given_no_rooms(string seen, string passedOver)
    {
        var verdict = new PassedOverVerdict(TimeSpan.FromSeconds(3));
        var found = "";
        foreach (var (what, second) in seen.Select((what, second) => (what, second)))
        {
            verdict.See(what != 'w', what == 'u', TimeSpan.FromSeconds(second));
            found += verdict.IsPassedOver ? 'X' : '-';
        }

        Assert.Equal(passedOver, found);
    }

    /// <summary>Workers, this one (a) first: its rooms, g of a gateway only, and d where it drains; whom it does not reach; whether its store answers; and what it lacks.</summary>
    [Theory]
    [InlineData("a0 b1", "", true, null)]
    [InlineData("a0 b1", "b", true, PassedOverVerdict.ReachesNoHosts)]
    [InlineData("a1 b1", "b", true, null)] // It hosts a room.
    [InlineData("a0 b0", "b", true, null)] // There is nothing to be reached.
    [InlineData("a0 b0 c1", "b", true, null)]
    [InlineData("a0 b1d c1", "b", true, null)] // Its rooms move by themselves.
    [InlineData("a0d b1", "b", true, null)] // It goes in any case.
    [InlineData("a0 b1", "", false, PassedOverVerdict.ReachesNoStore)]
    [InlineData("a1 b1", "", false, null)]
    [InlineData("a0 b0", "", false, null)]
    [InlineData("ag b1 c1", "b", true, PassedOverVerdict.ReachesNoHosts)]
    [InlineData("ag bg c1", "c", true, null)] // One hosts everything.
    public void A_worker_is_in_trouble_where_it_hosts_nothing_and_does_not_reach_those_that_do_or_the_store(string workers, string unreachable, bool hasStore, string? trouble)
    {
        var state = Do(RegistryState.Empty, new CreateAccount("", "", 0, "ann", null, [1, 2, 3]));
        foreach (var word in workers.Split(' '))
        {
            var name = word[..1];
            state = Do(state, new RegisterWorker("", "", 0, name, $"{name}:1", "i", word[1] == 'g' ? 0 : 1, [], WorkerState.Active));
            if (word[1] == '1')
            {
                state = Do(state, new CreateRoom("", "ann", 0, "in-" + name, "in " + name, null, RoomVisibility.Public, null, name));
            }
        }

        foreach (var word in workers.Split(' ').Where(word => word.EndsWith('d')))
        {
            state = Do(state, new SetWorkerState("", "", 0, word[..1], WorkerState.Draining));
        }

        Assert.Equal(trouble, PassedOverVerdict.TroubleOf(state, "a", [.. unreachable.Select(name => $"{name}")], hasStore));
    }

    private static RegistryState Do(RegistryState state, Command command)
    {
        var decision = RegistryMachine.Decide(state, command, RegistryLimits.None);
        Assert.True(decision.Outcome.IsOk, decision.Outcome.Text);
        return decision.Record is { } record ? RegistryMachine.Apply(state, state.Index + 1, record) : state;
    }
}
