using DChat.Core.ControlLog;

namespace DChat.Storage.Tests.ControlLog;

/// <summary>What the engines that several coordinators share promise on top.</summary>
public abstract class SharedControlLogSpec : ControlLogSpec
{
    /// <summary>Makes the leader lose its leadership without its doing, as a lease that ran out.</summary>
    protected abstract Task DeposeAsync();

    [Fact]
    public async Task The_standby_leads_when_the_leader_is_gone_and_sees_all_that_it_committed()
    {
        await using var b = await OpenAsync();
        var a = await OpenAsync();
        var first = await a.CampaignAsync("a:1", InTime);
        await AppendManyAsync(a, first.Term, 1, 3);
        var waiting = b.CampaignAsync("b:1", InTime);

        await a.DisposeAsync();

        await using var second = await waiting;
        Assert.True(first.Lost.IsCancellationRequested);
        Assert.True(second.Term > first.Term);
        Assert.Equal(new LeaderInfo(second.Term, "b:1"), await b.ReadLeaderAsync(InTime));
        Assert.Equal(new LogBounds(1, 3), await b.ReadBoundsAsync(InTime));
        await AppendManyAsync(b, second.Term, 4, 4);
    }

    [Fact]
    public async Task A_deposed_leader_is_told_and_fenced_while_the_next_one_writes()
    {
        await using var a = await OpenAsync();
        await using var b = await OpenAsync();
        await using var first = await a.CampaignAsync("a:1", InTime);
        await AppendManyAsync(a, first.Term, 1, 1);
        var lost = new TaskCompletionSource();
        await using var registration = first.Lost.Register(lost.SetResult);

        await DeposeAsync();

        await lost.Task.WaitAsync(InTime);
        await using var second = await b.CampaignAsync("b:1", InTime);
        Assert.Equal(AppendOutcome.Fenced, await AppendAsync(a, first.Term, 2, "late"));
        Assert.Equal(AppendOutcome.Committed, await AppendAsync(b, second.Term, 2, "mine"));
        Assert.False(await a.TruncateAsync(first.Term, 1, InTime));
        await first.DisposeAsync();
        Assert.False(second.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_follower_on_one_node_sees_what_another_commits()
    {
        await using var a = await OpenAsync();
        await using var b = await OpenAsync();
        await using var leadership = await a.CampaignAsync("a:1", InTime);

        var seen = ReadAsync(b, 1, 20);
        await AppendManyAsync(a, leadership.Term, 1, 20);

        Assert.Equal(20, (await seen)[^1].Index);
    }
}
