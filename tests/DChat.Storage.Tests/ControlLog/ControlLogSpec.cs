using System.Text;
using DChat.Core.ControlLog;
using DChat.TestKit;

namespace DChat.Storage.Tests.ControlLog;

/// <summary>What every engine of <see cref="IControlLog"/> promises. An engine's tests inherit it.</summary>
public abstract class ControlLogSpec : IDisposable
{
    protected static readonly TimeSpan Limit = Eventually.DefaultLimit;

    private readonly CancellationTokenSource _limit = new(Limit);

    protected CancellationToken InTime => _limit.Token;

    public virtual void Dispose()
    {
        _limit.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the log under test; called again after the former was disposed, it opens the same log.</summary>
    protected abstract Task<IControlLog> OpenAsync();

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected async Task<AppendOutcome> AppendAsync(IControlLog log, long term, long index, string text) =>
        await log.AppendAsync(term, index, Bytes(text), InTime);

    protected async Task AppendManyAsync(IControlLog log, long term, long from, long through)
    {
        for (var index = from; index <= through; index++)
        {
            Assert.Equal(AppendOutcome.Committed, await AppendAsync(log, term, index, $"entry {index}"));
        }
    }

    /// <summary>The next <paramref name="count"/> entries from an index on.</summary>
    protected async Task<List<LogEntry>> ReadAsync(IControlLog log, long from, int count)
    {
        var entries = new List<LogEntry>();
        if (count > 0)
        {
            await foreach (var entry in log.FollowAsync(from, InTime))
            {
                entries.Add(entry);
                if (entries.Count == count)
                {
                    break;
                }
            }
        }

        return entries;
    }

    [Fact]
    public async Task A_new_log_is_empty_and_has_no_leader()
    {
        await using var log = await OpenAsync();

        Assert.Equal(new LogBounds(1, 0), await log.ReadBoundsAsync(InTime));
        Assert.Null(await log.ReadLeaderAsync(InTime));
    }

    [Fact]
    public async Task A_new_log_can_begin_behind_an_index()
    {
        const long Index = 1L << 41;
        await using (var log = await OpenAsync())
        {
            await using var leadership = await log.CampaignAsync("a:1", InTime);
            Assert.True(await log.BeginAfterAsync(leadership.Term, Index, InTime));
            Assert.True(await log.BeginAfterAsync(leadership.Term, Index, InTime)); // A repeat.
            Assert.Equal(new LogBounds(Index + 1, Index), await log.ReadBoundsAsync(InTime));
            Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(log, leadership.Term, 1, "first"));
            Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(log, leadership.Term, Index + 2, "a hole"));
            await Assert.ThrowsAsync<EntryTruncatedException>(() => ReadAsync(log, Index, 1));
            await AppendManyAsync(log, leadership.Term, Index + 1, Index + 3);
        }

        await using (var log = await OpenAsync())
        {
            Assert.Equal(new LogBounds(Index + 1, Index + 3), await log.ReadBoundsAsync(InTime));
            Assert.Equal([Index + 1, Index + 2, Index + 3], (await ReadAsync(log, Index + 1, 3)).Select(entry => entry.Index));
        }
    }

    [Fact]
    public async Task Who_lost_its_term_is_told_that_the_log_begins_where_it_said()
    {
        await using var log = await OpenAsync();
        var leadership = await log.CampaignAsync("a:1", InTime);
        Assert.True(await log.BeginAfterAsync(leadership.Term, 7, InTime)); // As if nobody had been told.
        await leadership.DisposeAsync();

        Assert.True(await log.BeginAfterAsync(leadership.Term, 7, InTime));
        Assert.False(await log.BeginAfterAsync(leadership.Term, 8, InTime));
    }

    [Fact]
    public async Task A_log_that_held_an_entry_begins_nowhere_else()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 2);
        await Assert.ThrowsAsync<InvalidOperationException>(() => log.BeginAfterAsync(leadership.Term, 7, InTime));
        Assert.True(await log.TruncateAsync(leadership.Term, 2, InTime));
        await Assert.ThrowsAsync<InvalidOperationException>(() => log.BeginAfterAsync(leadership.Term, 7, InTime));
        Assert.Equal(new LogBounds(3, 2), await log.ReadBoundsAsync(InTime));
    }

    [Fact]
    public async Task Only_a_leader_says_where_a_log_begins()
    {
        await using var log = await OpenAsync();
        var leadership = await log.CampaignAsync("a:1", InTime);
        await leadership.DisposeAsync();
        Assert.False(await log.BeginAfterAsync(leadership.Term, 7, InTime));
        Assert.Equal(new LogBounds(1, 0), await log.ReadBoundsAsync(InTime));
    }

    [Fact]
    public async Task Appended_entries_are_followed_in_order_with_their_term_and_content()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);

        await AppendManyAsync(log, leadership.Term, 1, 200);

        var entries = await ReadAsync(log, 1, 200);
        Assert.Equal(Enumerable.Range(1, 200).Select(i => (long)i), entries.Select(entry => entry.Index));
        Assert.All(entries, entry =>
        {
            Assert.Equal(leadership.Term, entry.Term);
            Assert.Equal(Bytes($"entry {entry.Index}"), entry.Payload.ToArray());
        });
        Assert.Equal(150, (await ReadAsync(log, 150, 1))[0].Index);
        Assert.Equal(new LogBounds(1, 200), await log.ReadBoundsAsync(InTime));
    }

    [Fact]
    public async Task A_follower_sees_each_entry_as_it_is_committed()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 1);
        await using var follower = log.FollowAsync(1, InTime).GetAsyncEnumerator(InTime);
        Assert.True(await follower.MoveNextAsync());

        for (var index = 2L; index < 20; index++)
        {
            var next = follower.MoveNextAsync();
            await AppendManyAsync(log, leadership.Term, index, index);
            Assert.True(await next);
            Assert.Equal(index, follower.Current.Index);
        }
    }

    [Fact]
    public async Task A_follower_from_beyond_the_end_waits_for_that_entry()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);

        var third = ReadAsync(log, 3, 1);
        await AppendManyAsync(log, leadership.Term, 1, 3);

        Assert.Equal(3, (await third)[0].Index);
    }

    [Fact]
    public async Task A_cancelled_follower_stops()
    {
        await using var log = await OpenAsync();
        using var stop = new CancellationTokenSource();
        await using var follower = log.FollowAsync(1, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = follower.MoveNextAsync();

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next.AsTask().WaitAsync(InTime));
    }

    [Fact]
    public async Task An_index_is_taken_once()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 2);

        Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(log, leadership.Term, 2, "another"));

        Assert.Equal(Bytes("entry 2"), (await ReadAsync(log, 2, 1))[0].Payload.ToArray());
    }

    [Fact]
    public async Task There_are_no_holes()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);

        Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(log, leadership.Term, 2, "too early"));
        await AppendManyAsync(log, leadership.Term, 1, 1);
        Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(log, leadership.Term, 3, "too early"));

        Assert.Equal(new LogBounds(1, 1), await log.ReadBoundsAsync(InTime));
    }

    [Fact]
    public async Task An_identical_repeat_is_committed_and_changes_nothing()
    {
        await using var log = await OpenAsync();
        var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 3);

        Assert.Equal(AppendOutcome.Committed, await AppendAsync(log, leadership.Term, 2, "entry 2"));
        await leadership.DisposeAsync();

        Assert.Equal(AppendOutcome.Committed, await AppendAsync(log, leadership.Term, 3, "entry 3"));
        Assert.Equal(new LogBounds(1, 3), await log.ReadBoundsAsync(InTime));
    }

    [Fact]
    public async Task Terms_rise_and_a_former_leader_is_fenced()
    {
        await using var log = await OpenAsync();
        var first = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, first.Term, 1, 1);
        await first.DisposeAsync();
        Assert.Equal(AppendOutcome.Fenced, await AppendAsync(log, first.Term, 2, "late"));

        await using var second = await log.CampaignAsync("a:2", InTime);

        Assert.True(second.Term > first.Term);
        Assert.Equal(AppendOutcome.Fenced, await AppendAsync(log, first.Term, 2, "late"));
        Assert.False(await log.TruncateAsync(first.Term, 1, InTime));
        Assert.Equal(AppendOutcome.Fenced, await AppendAsync(log, second.Term + 1, 2, "never elected"));
        Assert.Equal(AppendOutcome.Committed, await AppendAsync(log, second.Term, 2, "mine"));
        Assert.Equal(new LogBounds(1, 2), await log.ReadBoundsAsync(InTime));
    }

    [Fact]
    public async Task Resigning_cancels_the_token_and_lets_the_next_one_lead()
    {
        await using var log = await OpenAsync();
        var first = await log.CampaignAsync("a:1", InTime);
        var waiting = log.CampaignAsync("a:2", InTime);
        Assert.False(waiting.IsCompleted);
        Assert.False(first.Lost.IsCancellationRequested);

        await first.DisposeAsync();

        await using var second = await waiting;
        Assert.True(first.Lost.IsCancellationRequested);
        Assert.False(second.Lost.IsCancellationRequested);
        await first.DisposeAsync();
        Assert.False(second.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_campaign_can_be_given_up()
    {
        await using var log = await OpenAsync();
        var first = await log.CampaignAsync("a:1", InTime);
        using var giveUp = new CancellationTokenSource();
        var waiting = log.CampaignAsync("a:2", giveUp.Token);

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(InTime));
        await first.DisposeAsync();
        await using var third = await log.CampaignAsync("a:3", InTime);
        Assert.Equal(new LeaderInfo(third.Term, "a:3"), await log.ReadLeaderAsync(InTime));
    }

    [Fact]
    public async Task The_leader_can_be_asked_for()
    {
        await using var log = await OpenAsync();
        var first = await log.CampaignAsync("a:1", InTime);
        Assert.Equal(new LeaderInfo(first.Term, "a:1"), await log.ReadLeaderAsync(InTime));

        await first.DisposeAsync();

        Assert.Null(await log.ReadLeaderAsync(InTime));
    }

    [Fact]
    public async Task A_leader_of_whom_it_is_known_that_it_is_gone_is_deposed()
    {
        await using var log = await OpenAsync();
        await using var first = await log.CampaignAsync("a:1", InTime);
        var lost = new TaskCompletionSource();
        await using var registration = first.Lost.Register(lost.SetResult);
        var waiting = log.CampaignAsync("a:2", InTime);

        Assert.False(await log.DeposeAsync(first.Term + 1, InTime));
        Assert.True(await log.DeposeAsync(first.Term, InTime));

        await using var second = await waiting;
        await lost.Task.WaitAsync(InTime);
        Assert.False(await log.DeposeAsync(first.Term, InTime));
        Assert.False(second.Lost.IsCancellationRequested);
        Assert.Equal(AppendOutcome.Fenced, await AppendAsync(log, first.Term, 1, "late"));
    }

    [Fact]
    public async Task Truncation_removes_the_oldest_and_no_more()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 10);

        Assert.True(await log.TruncateAsync(leadership.Term, 6, InTime));
        Assert.True(await log.TruncateAsync(leadership.Term, 3, InTime));

        Assert.Equal(new LogBounds(7, 10), await log.ReadBoundsAsync(InTime));
        var error = await Assert.ThrowsAsync<EntryTruncatedException>(() => ReadAsync(log, 6, 1));
        Assert.Equal(7, error.First);
        Assert.Equal([7L, 8, 9, 10], (await ReadAsync(log, 7, 4)).Select(entry => entry.Index));
        Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(log, leadership.Term, 6, "again"));
    }

    [Fact]
    public async Task A_wholly_truncated_log_goes_on_where_it_ended()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 4);

        Assert.True(await log.TruncateAsync(leadership.Term, 4, InTime));
        Assert.True(await log.TruncateAsync(leadership.Term, 4, InTime)); // A repeat.

        Assert.Equal(new LogBounds(5, 4), await log.ReadBoundsAsync(InTime));
        Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(log, leadership.Term, 1, "from the start"));
        Assert.Equal(AppendOutcome.Committed, await AppendAsync(log, leadership.Term, 5, "on"));
    }

    [Fact]
    public async Task What_another_logs_snapshot_holds_truncates_nothing()
    {
        await using var log = await OpenAsync();
        var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 4);

        await Assert.ThrowsAsync<InvalidOperationException>(() => log.TruncateAsync(leadership.Term, 5, InTime));
        await Assert.ThrowsAsync<InvalidOperationException>(() => log.TruncateAsync(leadership.Term, 1L << 41, InTime));

        Assert.Equal(new LogBounds(1, 4), await log.ReadBoundsAsync(InTime));
        await AppendManyAsync(log, leadership.Term, 5, 5);
        await leadership.DisposeAsync();
        Assert.False(await log.TruncateAsync(leadership.Term, 1L << 41, InTime)); // Whoever leads no more is told that first.
        Assert.Equal(new LogBounds(1, 5), await log.ReadBoundsAsync(InTime));
    }

    [Fact]
    public async Task A_follower_that_is_overtaken_by_truncation_is_told()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 1);
        await using var follower = log.FollowAsync(1, InTime).GetAsyncEnumerator(InTime);
        Assert.True(await follower.MoveNextAsync());

        await AppendManyAsync(log, leadership.Term, 2, 5);
        Assert.True(await log.TruncateAsync(leadership.Term, 4, InTime));

        // Or it was told everything before: never a hole.
        var next = 2L;
        try
        {
            for (; next <= 5; next++)
            {
                Assert.True(await follower.MoveNextAsync());
                Assert.Equal((next, $"entry {next}"), (follower.Current.Index, Encoding.UTF8.GetString(follower.Current.Payload.Span)));
            }
        }
        catch (EntryTruncatedException overtaken)
        {
            Assert.Equal(5, overtaken.First);
            Assert.True(next < 5);
        }
    }

    [Fact]
    public async Task Entries_bounds_and_terms_survive_reopening()
    {
        long term;
        await using (var log = await OpenAsync())
        {
            await using var leadership = await log.CampaignAsync("a:1", InTime);
            term = leadership.Term;
            await AppendManyAsync(log, term, 1, 9);
            Assert.True(await log.TruncateAsync(term, 4, InTime));
        }

        await using var reopened = await OpenAsync();
        Assert.Equal(new LogBounds(5, 9), await reopened.ReadBoundsAsync(InTime));
        Assert.Equal(Bytes("entry 5"), (await ReadAsync(reopened, 5, 5))[0].Payload.ToArray());
        await using var next = await reopened.CampaignAsync("a:1", InTime);
        Assert.True(next.Term > term);
        Assert.Equal(AppendOutcome.Fenced, await AppendAsync(reopened, term, 10, "late"));
        await AppendManyAsync(reopened, next.Term, 10, 10);
    }

    [Fact]
    public async Task Of_concurrent_appenders_one_wins()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);

        for (var index = 1L; index <= 10; index++)
        {
            var at = index;
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
                Task.Run(() => AppendAsync(log, leadership.Term, at, $"from {i}"), InTime)));

            Assert.Equal(1, outcomes.Count(outcome => outcome == AppendOutcome.Committed));
            Assert.Equal(7, outcomes.Count(outcome => outcome == AppendOutcome.WrongIndex));
        }

        Assert.Equal(new LogBounds(1, 10), await log.ReadBoundsAsync(InTime));
    }

    [Fact]
    public async Task The_largest_entry_fits_and_a_larger_or_empty_one_is_refused()
    {
        await using var log = await OpenAsync();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        var largest = new byte[ControlLogLimits.EntryBytesMax];
        new Random(1).NextBytes(largest);

        Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, 1, largest, InTime));
        Assert.Equal(largest, (await ReadAsync(log, 1, 1))[0].Payload.ToArray());

        await Assert.ThrowsAsync<ArgumentException>(() => log.AppendAsync(leadership.Term, 2, new byte[largest.Length + 1], InTime));
        await Assert.ThrowsAsync<ArgumentException>(() => log.AppendAsync(leadership.Term, 2, Array.Empty<byte>(), InTime));
    }
}
