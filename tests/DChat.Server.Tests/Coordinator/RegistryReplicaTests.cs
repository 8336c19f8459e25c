using System.Collections.Concurrent;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

public sealed class RegistryReplicaTests
{
    private readonly RegistryReplica _replica = new(TimeProvider.System);

    internal static RegistryEntry Entry(params Command[] commands)
    {
        var state = RegistryState.Empty;
        return new RegistryEntry(RegistryEntryCodec.Version, 1, [.. commands.Select(command => RegistryMachine.Decide(state, command, RegistryLimits.None).Record!)]);
    }

    [Fact]
    public async Task A_waiter_goes_on_when_its_entry_is_applied_and_not_before()
    {
        var second = _replica.WaitForAsync(2, Eventually.DefaultLimit, CancellationToken.None);

        _replica.Apply(1, Entry(RegistryBench.Account("ann")));
        Assert.False(second.IsCompleted);
        _replica.Apply(2, Entry(RegistryBench.Account("bob")));

        Assert.True(await second.Within());
        Assert.True(await _replica.WaitForAsync(1, TimeSpan.Zero, CancellationToken.None));
    }

    [Fact]
    public async Task A_wait_ends_with_its_limit_or_its_cancellation()
    {
        Assert.False(await _replica.WaitForAsync(1, TimeSpan.FromMilliseconds(1), CancellationToken.None).Within());
        Assert.False(await _replica.WaitForAsync(1, TimeSpan.Zero, CancellationToken.None).Within());
        using var stop = new CancellationTokenSource();
        var waiting = _replica.WaitForAsync(1, Eventually.DefaultLimit, stop.Token);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Within());
    }

    [Fact]
    public async Task Observers_are_told_in_order_and_before_whoever_waits_goes_on()
    {
        var inside = new TaskCompletionSource();
        using var leave = new ManualResetEventSlim();
        var seen = new ConcurrentQueue<long>();
        using var subscription = _replica.Subscribe(new Observer((before, after, index) =>
        {
            Assert.Equal(before.Index + 1, after.Index);
            Assert.Same(after, _replica.State);
            seen.Enqueue(index);
            if (index == 2)
            {
                inside.SetResult();
                Assert.True(leave.Wait(Eventually.DefaultLimit));
            }
        }), out var current);
        Assert.Equal(0, current.Index);
        _replica.Apply(1, Entry(RegistryBench.Account("ann")));
        var waiting = _replica.WaitForAsync(2, Eventually.DefaultLimit, CancellationToken.None);

        var applying = Task.Run(() => _replica.Apply(2, Entry(RegistryBench.Account("bob"))));
        await inside.Task.Within();

        Assert.False(waiting.IsCompleted);
        Assert.Equal(1, _replica.Index);
        Assert.False(await _replica.WaitForAsync(2, TimeSpan.Zero, CancellationToken.None));
        leave.Set();
        await applying.Within();
        Assert.True(await waiting.Within());
        Assert.Equal([1L, 2], seen);
    }

    [Fact]
    public void An_unsubscribed_observer_is_told_nothing_more()
    {
        var seen = 0;
        var subscription = _replica.Subscribe(new Observer((_, _, _) => seen++), out _);
        _replica.Apply(1, Entry(RegistryBench.Account("ann")));

        subscription.Dispose();
        _replica.Apply(2, Entry(RegistryBench.Account("bob")));

        Assert.Equal(1, seen);
    }

    [Fact]
    public void An_entry_is_applied_once_and_none_is_left_out()
    {
        _replica.Apply(1, Entry(RegistryBench.Account("ann")));

        _replica.Apply(1, Entry(RegistryBench.Account("bob")));

        Assert.Null(_replica.State.FindAccount("bob"));
        Assert.Throws<ArgumentException>(() => _replica.Apply(3, Entry(RegistryBench.Account("cat"))));
    }

    [Fact]
    public void Another_entry_of_the_last_index_is_no_repeat()
    {
        var entry = Entry(RegistryBench.Account("ann"));
        _replica.Apply(1, entry);
        _replica.Apply(1, entry with { });
        Assert.Throws<RegistryForkException>(() => _replica.Apply(1, entry with { At = entry.At + 1 }));
        Assert.Throws<RegistryForkException>(() => _replica.Apply(1, Entry(RegistryBench.Account("ann", id: "another"))));
        Assert.Equal(1, _replica.Index);
    }

    [Fact]
    public async Task A_later_state_replaces_and_an_earlier_one_does_not()
    {
        var later = RegistryMachine.Apply(RegistryState.Empty, 1, Entry(RegistryBench.Account("ann")));
        var replaced = new List<(long, long)>();
        using var subscription = _replica.Subscribe(new Observer((_, _, _) => { }, (before, after) => replaced.Add((before.Index, after.Index))), out _);
        var waiting = _replica.WaitForAsync(1, Eventually.DefaultLimit, CancellationToken.None);

        _replica.Replace(later);
        _replica.Replace(RegistryState.Empty);

        Assert.True(await waiting.Within());
        Assert.Same(later, _replica.State);
        Assert.Equal([(0L, 1L)], replaced);
    }

    internal sealed class Observer(Action<RegistryState, RegistryState, long> applied, Action<RegistryState, RegistryState>? replaced = null) : IRegistryObserver
    {
        public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry) => applied(before, after, index);

        public void Replaced(RegistryState before, RegistryState after) => replaced?.Invoke(before, after);
    }
}
