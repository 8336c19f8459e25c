using DChat.Core.Messages;

namespace DChat.Storage.Tests.Messages;

/// <summary>Resuming, history, read marks, retention and deletion.</summary>
public abstract partial class MessageStoreSpec
{
    [Fact]
    public async Task G5_resuming_gives_each_changed_message_once_in_its_latest_state_by_rev()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(5);
        await room.WriteAsync(Edit("alice", "e1", 2, "x"), React("bob", "r", 4, "👍"), Edit("alice", "e2", 2, "y"));

        var page = await room.AfterAsync(3);
        Assert.Equal((false, 8L, false), (page.Reset, page.Rev, page.More));
        Assert.Equal([(5, 5), (4, 7), (2, 8)], page.Messages.Select(message => (message.Seq, message.Rev)));
        Assert.Equal("y", page.Messages[2].Body);

        var first = await room.AfterAsync(0, limit: 3);
        Assert.Equal([1, 3, 5], first.Messages.Select(message => message.Rev));
        Assert.True(first.More);
        var rest = await room.AfterAsync(first.Messages[^1].Rev, limit: 3);
        Assert.Equal([7, 8], rest.Messages.Select(message => message.Rev));
        Assert.False(rest.More);

        var current = await room.AfterAsync(8);
        Assert.Equal((false, 8L, 0, false), (current.Reset, current.Rev, current.Messages.Count, current.More));
    }

    [Fact]
    public async Task G5_a_rev_that_the_room_never_had_is_answered_with_reset_and_the_newest_page()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(5);
        var page = await room.AfterAsync(6, limit: 2);
        Assert.Equal((true, 5L, true), (page.Reset, page.Rev, page.More));
        Assert.Equal([4, 5], page.Messages.Select(message => message.Seq));

        var unknown = await Store.ReadAfterAsync("unknown", 1, 10, null, default);
        Assert.Equal((true, 0L, 0, false), (unknown.Reset, unknown.Rev, unknown.Messages.Count, unknown.More));
        Assert.False((await Store.ReadAfterAsync("unknown", 0, 10, null, default)).Reset);
    }

    [Fact]
    public async Task History_goes_back_page_by_page()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(7);
        await room.WriteOneAsync(Edit("alice", "e", 1, "x"));

        var newest = await room.BeforeAsync(limit: 3);
        Assert.Equal([5, 6, 7], newest.Messages.Select(message => message.Seq));
        Assert.True(newest.More);
        var middle = await room.BeforeAsync(5, limit: 3);
        Assert.Equal([2, 3, 4], middle.Messages.Select(message => message.Seq));
        Assert.True(middle.More);
        var oldest = await room.BeforeAsync(2, limit: 3);
        Assert.Equal([1], oldest.Messages.Select(message => message.Seq));
        Assert.False(oldest.More);

        Assert.Empty((await room.BeforeAsync(1)).Messages);
        Assert.Empty((await room.BeforeAsync(-5)).Messages);
        Assert.Equal(7, (await room.BeforeAsync(long.MaxValue)).Messages.Count);
        Assert.Empty((await Store.ReadBeforeAsync("unknown", null, 10, null, default)).Messages);
        Assert.Null(await room.FindAsync(8));
        Assert.Null(await room.FindAsync(0));
        Assert.Null(await room.FindAsync(long.MinValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(MessageLimits.Page + 1)]
    public async Task A_page_has_a_size(int limit)
    {
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Store.ReadBeforeAsync("room", null, limit, null, default));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Store.ReadAfterAsync("room", 0, limit, null, default));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Store.SearchAsync(new SearchQuery("x", [], null, limit, null), default));
    }

    [Fact]
    public async Task Unread_messages_and_mentions_are_counted_from_the_mark()
    {
        var room = await OpenRoomAsync();
        await room.WriteAsync(
            Post("a", "1", mentions: "bob"), Post("a", "2"), Post("a", "3", mentions: ["bob", "eve"]), Post("a", "4", mentions: "bob"));
        Assert.Equal(new ReadState(0, 4, 3), await room.ReadStateAsync("bob"));

        await Store.WriteMarksAsync([new ReadMark("bob", "room", 1), new ReadMark("eve", "room", 4), new ReadMark("bob", "unknown", 4)], default);
        await ReopenAsync();
        Assert.Equal(new ReadState(1, 3, 2), await room.ReadStateAsync("bob"));
        Assert.Equal(new ReadState(4, 0, 0), await room.ReadStateAsync("eve"));

        var states = await Store.ReadMarksAsync("bob", ["unknown", "room"], default);
        Assert.Equal([default, new ReadState(1, 3, 2)], states);
    }

    [Fact]
    public async Task Many_who_ask_for_their_marks_at_once_get_their_own()
    {
        const int Users = 200;
        var room = await OpenRoomAsync();
        await room.PostManyAsync(Users);
        await Store.WriteMarksAsync([.. Enumerable.Range(1, Users).Select(i => new ReadMark($"user{i}", "room", i))], default);
        var reading = Enumerable.Range(1, Users).Select(i => Store.ReadMarksAsync(
            $"user{i}", [.. Enumerable.Repeat("unknown", i % 9), "room"], default)).ToList();
        for (var i = 1; i <= Users; i++)
        {
            var states = await reading[i - 1];
            Assert.Equal([.. Enumerable.Repeat(default(ReadState), i % 9), new ReadState(i, Users - i, 0)], states);
        }
    }

    [Fact]
    public async Task A_mark_never_moves_back_nor_beyond_the_newest_message()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(5);
        await Store.WriteMarksAsync([new ReadMark("bob", "room", 3), new ReadMark("bob", "room", 2)], default);
        Assert.Equal(new ReadState(3, 2, 0), await room.ReadStateAsync("bob"));
        await Store.WriteMarksAsync([new ReadMark("bob", "room", 99)], default);
        Assert.Equal(new ReadState(5, 0, 0), await room.ReadStateAsync("bob"));
    }

    [Fact]
    public async Task Mentions_follow_edits_and_deletions()
    {
        var room = await OpenRoomAsync();
        await room.WriteAsync(Post("a", "1", mentions: "bob"), Post("a", "2", mentions: "bob"), Post("a", "3"));
        await room.WriteAsync(Edit("a", "e1", 1, "x", "eve"), Delete("a", "d", 2), Edit("a", "e3", 3, "y", "bob", "eve"));
        Assert.Equal(1, (await room.ReadStateAsync("bob")).Mentions);
        Assert.Equal(2, (await room.ReadStateAsync("eve")).Mentions);
        await room.WriteOneAsync(Edit("a", "e4", 3, "z", "eve"));
        Assert.Equal(0, (await room.ReadStateAsync("bob")).Mentions);
        Assert.Equal(2, (await room.ReadStateAsync("eve")).Mentions);
    }

    [Fact]
    public async Task Mentions_are_counted_up_to_their_limit()
    {
        var room = await OpenRoomAsync();
        const int count = MessageLimits.MentionsCounted + 5;
        await room.WriteAsync([.. Enumerable.Range(0, count).Select(i => Post("a", $"{i}", mentions: "bob"))]);
        Assert.Equal(new ReadState(0, count, MessageLimits.MentionsCounted), await room.ReadStateAsync("bob"));
    }

    [Fact]
    public async Task Retention_removes_the_oldest_and_what_is_below_is_answered_with_reset()
    {
        var room = await OpenRoomAsync();
        await room.WriteAsync([.. Enumerable.Range(1, 6).Select(i => Post("alice", $"c{i}", $"m{i}", 1_000 + i, null, MessageKind.Text, "bob"))]);
        await room.WriteAsync(Edit("alice", "e", 2, "x", "bob"), React("eve", "r", 1, "👍"));

        Assert.True(await Store.RetainAsync(new RoomAtEpoch("room", 1), 1_004, 0, 2, default));
        Assert.False(await Store.RetainAsync(new RoomAtEpoch("room", 1), 1_004, 0, 2, default));
        Assert.False(await Store.RetainAsync(new RoomAtEpoch("room", 1), 1_004, 0, 2, default));
        await ReopenAsync();

        var history = await room.BeforeAsync();
        Assert.Equal([4, 5, 6], history.Messages.Select(message => message.Seq));
        Assert.False(history.More);
        Assert.Null(await room.FindAsync(3));
        Assert.Equal(new ReadState(0, 3, 3), await room.ReadStateAsync("bob"));

        // The edit of message 2 and the reaction to message 1 were the revs 7 and 8.
        var below = await room.AfterAsync(7);
        Assert.Equal((true, 8L), (below.Reset, below.Rev));
        Assert.Equal([4, 5, 6], below.Messages.Select(message => message.Seq));
        Assert.False((await room.AfterAsync(8)).Reset);
        Assert.Equal(7, (await room.WriteOneAsync(Post("alice", "next"))).Answer.Seq);
        Assert.False(await Store.RetainAsync(new RoomAtEpoch("unknown", 1), long.MaxValue, 0, 2, default));
    }

    [Fact]
    public async Task Retention_takes_nothing_that_is_young_by_the_stores_own_clock_nor_for_a_host_that_was_replaced()
    {
        var room = await OpenRoomAsync();
        var now = TimeProvider.System.GetUtcNow();
        await room.WriteAsync(
            Post("alice", "older", at: (now - TimeSpan.FromDays(8)).ToUnixTimeMilliseconds()), Post("alice", "old", at: (now - TimeSpan.FromDays(6)).ToUnixTimeMilliseconds()), Post("alice", "new", at: now.ToUnixTimeMilliseconds()));
        var kept = (long)TimeSpan.FromDays(7).TotalMilliseconds;
        var wrong = now.AddDays(30).ToUnixTimeMilliseconds(); // The caller's clock is ahead.
        Assert.False(await Store.RetainAsync(new RoomAtEpoch("room", 1), wrong, kept, 10, default));
        Assert.Equal([2, 3], (await room.BeforeAsync()).Messages.Select(message => message.Seq));

        // A room that was taken over and not opened yet stands at the epoch before.
        await Store.OpenAsync([new RoomAtEpoch("room", 5)], default);
        Assert.False(await Store.RetainAsync(new RoomAtEpoch("room", 4), wrong, 0, 10, default));
        Assert.Equal([2, 3], (await room.BeforeAsync()).Messages.Select(message => message.Seq));
        Assert.True(await Store.RetainAsync(new RoomAtEpoch("room", 5), wrong, 0, 1, default));
        Assert.False(await Store.RetainAsync(new RoomAtEpoch("room", 6), wrong, 0, 10, default));
        Assert.Empty((await room.BeforeAsync()).Messages);
    }

    [Fact]
    public async Task A_room_of_which_nothing_is_left_goes_on_counting()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(3);
        Assert.False(await Store.RetainAsync(new RoomAtEpoch("room", 1), long.MaxValue, 0, 100, default));
        Assert.Empty((await room.BeforeAsync()).Messages);
        Assert.Equal(default, await room.ReadStateAsync("bob"));
        Assert.Equal(new RoomOpening(RoomStatus.Ok, 3, 3, 1_003), (await Store.OpenAsync([new RoomAtEpoch("room", 2)], default))[0]);
    }

    [Fact]
    public async Task A_closed_room_is_closed_for_ever_and_reads_as_if_it_had_never_been()
    {
        var room = await OpenRoomAsync();
        await room.WriteAsync(Post("a", "1", mentions: "bob"), Post("a", "2"), React("b", "3", 1, "👍"));
        await Store.WriteMarksAsync([new ReadMark("bob", "room", 1)], default);
        var other = await OpenRoomAsync("other");
        await other.PostManyAsync(2);
        await Store.CloseAsync("room", default);
        await Store.CloseAsync("room", default);
        await Store.CloseAsync("never opened", default);
        await AssertClosedAsync();

        for (var i = 0; await Store.PurgeAsync(1, default); i++)
        {
            Assert.InRange(i, 0, 20);
        }

        await ReopenAsync();
        await AssertClosedAsync();
        Assert.False(await Store.PurgeAsync(10, default));
        Assert.Equal(2, (await other.BeforeAsync()).Messages.Count);

        async Task AssertClosedAsync()
        {
            Assert.Equal([long.MaxValue, long.MaxValue], await Store.ReadEpochsAsync(["room", "never opened"], default));
            Assert.All(
                await Store.OpenAsync([new RoomAtEpoch("room", 99), new RoomAtEpoch("never opened", 99)], default),
                opening => Assert.Equal(RoomStatus.Closed, opening.Status));
            Assert.Equal(RoomStatus.Closed, (await Store.WriteAsync([room.Batch(Post("a", "late"))], default))[0].Status);
            Assert.Empty((await room.BeforeAsync()).Messages);
            Assert.Null(await room.FindAsync(1));
            Assert.Null(await Store.FindAnswerAsync("room", "a", "1", default));
            Assert.Equal(default, await room.ReadStateAsync("bob"));
            Assert.True((await room.AfterAsync(1)).Reset);
        }
    }
}
