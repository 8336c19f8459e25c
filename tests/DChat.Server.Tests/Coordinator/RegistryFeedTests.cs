using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

public sealed class RegistryFeedTests : IDisposable
{
    private readonly RegistryReplica _replica = new(TimeProvider.System);
    private readonly CancellationTokenSource _stop = new(Eventually.DefaultLimit);

    public void Dispose() => _stop.Dispose();

    [Fact]
    public async Task A_follower_gets_each_entry_as_it_is_applied()
    {
        using var feed = new RegistryFeed(_replica);
        var follower = new RegistryReplica(TimeProvider.System);
        var feeding = feed.FeedAsync(follower, _stop.Token);
        await Eventually.Holds(() => feed.Followers == 1);

        ApplyMany(1, 100);

        Assert.True(await follower.WaitForAsync(100, Eventually.DefaultLimit, _stop.Token));
        RegistryBench.AssertSame(_replica.State, follower.State);
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => feeding.Within());
        Assert.Equal(0, feed.Followers);
    }

    [Fact]
    public async Task A_new_follower_gets_the_state_and_one_that_comes_back_only_what_it_missed()
    {
        ApplyMany(1, 10);
        using var feed = new RegistryFeed(_replica);
        ApplyMany(11, 20);

        await using var fresh = feed.FollowAsync(1, _stop.Token).GetAsyncEnumerator(_stop.Token);
        Assert.True(await fresh.MoveNextAsync());
        Assert.Equal(20, Assert.IsType<StateUpdate>(fresh.Current).State.Index);

        await using var back = feed.FollowAsync(15, _stop.Token).GetAsyncEnumerator(_stop.Token);
        for (var index = 15; index <= 20; index++)
        {
            Assert.True(await back.MoveNextAsync());
            Assert.Equal(index, Assert.IsType<EntryUpdate>(back.Current).Index);
        }

        await using var current = feed.FollowAsync(21, _stop.Token).GetAsyncEnumerator(_stop.Token);
        var next = current.MoveNextAsync();
        ApplyMany(21, 21);
        Assert.True(await next);
        Assert.Equal(21, Assert.IsType<EntryUpdate>(current.Current).Index);
    }

    [Fact]
    public async Task A_follower_that_lags_gets_the_state_instead_and_nobody_waits_for_it()
    {
        using var feed = new RegistryFeed(_replica);
        await using var slow = feed.FollowAsync(1, _stop.Token).GetAsyncEnumerator(_stop.Token);
        ApplyMany(1, 1);
        Assert.True(await slow.MoveNextAsync());
        const int Last = RegistryFeed.KeptEntries + 100;

        ApplyMany(2, Last);

        var expected = 2L;
        while (true)
        {
            Assert.True(await slow.MoveNextAsync());
            if (slow.Current is StateUpdate whole)
            {
                Assert.Equal(Last, whole.Index);
                break;
            }

            Assert.Equal(expected++, slow.Current.Index);
        }

        ApplyMany(Last + 1, Last + 1);
        Assert.True(await slow.MoveNextAsync());
        Assert.Equal(Last + 1, Assert.IsType<EntryUpdate>(slow.Current).Index);
    }

    /// <summary>The state of a large registry takes seconds, in which many entries are made.</summary>
    [Fact]
    public async Task What_is_made_while_the_state_is_on_its_way_comes_as_entries()
    {
        const int Meanwhile = 2_000;
        ApplyMany(1, 10);
        using var feed = new RegistryFeed(_replica);
        await using var slow = feed.FollowAsync(1, _stop.Token).GetAsyncEnumerator(_stop.Token);
        Assert.True(await slow.MoveNextAsync());
        Assert.Equal(10, Assert.IsType<StateUpdate>(slow.Current).Index);

        ApplyMany(11, Meanwhile);
        for (var index = 11; index <= Meanwhile; index++)
        {
            Assert.True(await slow.MoveNextAsync());
            Assert.Equal(index, Assert.IsType<EntryUpdate>(slow.Current).Index);
        }
    }

    [Fact]
    public async Task Followers_follow_a_replica_that_jumps_itself()
    {
        using var feed = new RegistryFeed(_replica);
        var follower = new RegistryReplica(TimeProvider.System);
        var feeding = feed.FeedAsync(follower, _stop.Token);
        var other = new RegistryReplica(TimeProvider.System);
        for (var index = 1; index <= 5; index++)
        {
            other.Apply(index, RegistryReplicaTests.Entry(RegistryBench.Account($"user{index}")));
        }

        _replica.Replace(other.State);
        ApplyMany(6, 7);

        Assert.True(await follower.WaitForAsync(7, Eventually.DefaultLimit, _stop.Token));
        RegistryBench.AssertSame(_replica.State, follower.State);
        Assert.False(feeding.IsFaulted);
    }

    private void ApplyMany(int from, int through)
    {
        for (var index = from; index <= through; index++)
        {
            _replica.Apply(index, RegistryReplicaTests.Entry(RegistryBench.Account($"user{index}")));
        }
    }
}
