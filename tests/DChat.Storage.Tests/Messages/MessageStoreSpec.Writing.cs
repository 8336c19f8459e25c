using DChat.Core.Messages;

namespace DChat.Storage.Tests.Messages;

/// <summary>Numbering, the fence, and what a batch of several rooms is.</summary>
public abstract partial class MessageStoreSpec
{
    [Fact]
    public async Task G3_messages_are_numbered_without_holes_across_batches_and_reopenings()
    {
        var room = await OpenRoomAsync();
        var answers = new List<ChangeAnswer>();
        for (var batch = 0; batch < 5; batch++)
        {
            var posts = Enumerable.Range(0, batch + 1).Select(i => (RoomChange)Post("alice", $"{batch}.{i}"));
            answers.AddRange((await room.WriteAsync([.. posts])).Select(result => result.Answer));
            if (batch == 2)
            {
                await ReopenAsync();
            }
        }

        Assert.Equal(Enumerable.Range(1, 15).Select(i => (long)i), answers.Select(answer => answer.Seq));
        Assert.Equal(answers.Select(answer => answer.Seq), answers.Select(answer => answer.Rev));
    }

    [Fact]
    public async Task A_post_is_read_as_it_was_written()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(1);
        var post = new PostMessage(
            "bob", "id", 5_000, MessageKind.Action, "zwei 🎉 \"'; --\n", 1, [new AttachedFile("f1", "a b.png", 12, "image/png")], ["alice"]);
        var result = await room.WriteOneAsync(post);

        var message = await room.FindAsync(2);
        Assert.NotNull(message);
        Assert.Equivalent(
            new Message(2, 2, MessageKind.Action, "bob", "id", 5_000, post.Body, 1, null, null, post.Files, [], []), message, strict: true);
        Assert.Equivalent(new RoomEvent(2, RoomEventKind.Posted, message), result.Event, strict: true);
        Assert.Equal(new ChangeAnswer(2, 2, 5_000), result.Answer);
    }

    [Fact]
    public async Task An_empty_body_and_an_empty_author_are_kept_as_they_are()
    {
        var room = await OpenRoomAsync();
        await room.WriteOneAsync(Post("", "id", "", kind: MessageKind.System));
        var message = await room.FindAsync(1);
        Assert.Equal(("", ""), (message?.Author, message?.Body));
    }

    [Fact]
    public async Task Time_never_goes_back_along_seq()
    {
        var room = await OpenRoomAsync();
        await room.WriteAsync(Post("a", "1", at: 500), Post("a", "2", at: 400));
        await ReopenAsync();
        var later = await room.WriteAsync(Post("a", "3", at: 300), Post("a", "4", at: 600));

        Assert.Equal([500, 600], later.Select(result => result.Answer.SentAt));
        Assert.Equal([500, 500, 500, 600], (await room.BeforeAsync()).Messages.Select(message => message.SentAt));
        Assert.Equal(600, (await Store.OpenAsync([new RoomAtEpoch("room", 1)], default))[0].LastSentAt);
    }

    [Fact]
    public async Task Opening_tells_where_a_room_stands()
    {
        var room = await OpenRoomAsync("one");
        await room.PostManyAsync(3);
        await room.WriteOneAsync(Edit("alice", "e", 2, "changed"));

        var openings = await Store.OpenAsync([new RoomAtEpoch("other", 7), new RoomAtEpoch("one", 2)], default);
        Assert.Equal([new RoomOpening(RoomStatus.Ok, 0, 0, 0), new RoomOpening(RoomStatus.Ok, 3, 4, 1_003)], openings);
        Assert.Equal([2, 7, 0], await Store.ReadEpochsAsync(["one", "other", "never"], default));
        Assert.Equal([1_003, 0, 0], await Store.ReadLastSentAsync(["one", "other", "never"], default));
    }

    [Fact]
    public async Task Only_the_host_with_the_highest_epoch_writes()
    {
        var old = await OpenRoomAsync(epoch: 5);
        await old.PostManyAsync(1);
        var current = await OpenRoomAsync(epoch: 6);

        var refused = (await Store.WriteAsync([old.Batch(Post("alice", "late"))], default))[0];
        Assert.Equal((RoomStatus.Fenced, 0), (refused.Status, refused.Changes.Count));
        Assert.Equal(RoomStatus.Fenced, (await Store.OpenAsync([new RoomAtEpoch("room", 5)], default))[0].Status);
        await ReopenAsync();
        Assert.Equal(RoomStatus.Fenced, (await Store.WriteAsync([old.Batch(Post("alice", "late"))], default))[0].Status);

        var again = await OpenRoomAsync(epoch: 6);
        Assert.Equal(current.Rev, again.Rev);
        Assert.Equal(2, (await again.WriteOneAsync(Post("alice", "late"))).Answer.Seq);
    }

    [Fact]
    public async Task A_host_that_did_not_open_a_room_cannot_write_it()
    {
        await OpenRoomAsync(epoch: 1);
        var results = await Store.WriteAsync(
            [new RoomWrite("room", 2, 0, [Post("a", "1")]), new RoomWrite("unknown", 1, 0, [Post("a", "1")])], default);
        Assert.All(results, result => Assert.Equal((RoomStatus.Stale, 0L), (result.Status, result.Seq)));
    }

    [Fact]
    public async Task A_host_that_does_not_know_the_latest_rev_is_stale()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(2);
        room.Rev = 1;
        var result = (await Store.WriteAsync([room.Batch(Post("alice", "new"))], default))[0];
        Assert.Equal((RoomStatus.Stale, 2L, 2L), (result.Status, result.Seq, result.Rev));
        Assert.Null(await room.FindAsync(3));
    }

    [Fact]
    public async Task A_refused_room_does_not_fail_the_others()
    {
        var fenced = await OpenRoomAsync("fenced", 1);
        await OpenRoomAsync("fenced", 2);
        var stale = await OpenRoomAsync("stale");
        stale.Rev = 9;
        var closed = await OpenRoomAsync("closed");
        await Store.CloseAsync("closed", default);
        var (first, last) = (await OpenRoomAsync("a"), await OpenRoomAsync("z"));

        HostedRoom[] rooms = [last, fenced, closed, stale, first];
        var results = await Store.WriteAsync([.. rooms.Select(room => room.Batch(Post("alice", "c")))], default);
        Assert.Equal(
            [RoomStatus.Ok, RoomStatus.Fenced, RoomStatus.Closed, RoomStatus.Stale, RoomStatus.Ok],
            results.Select(result => result.Status));
        Assert.NotNull(await first.FindAsync(1));
        Assert.NotNull(await last.FindAsync(1));
        Assert.Empty((await fenced.BeforeAsync()).Messages);
        Assert.Empty((await stale.BeforeAsync()).Messages);
    }

    [Fact]
    public async Task Many_rooms_are_opened_and_written_at_once()
    {
        const int count = 2_000;
        var names = Enumerable.Range(0, count).Select(i => $"room{i}").ToArray();
        var openings = await Store.OpenAsync([.. names.Select(name => new RoomAtEpoch(name, 3))], default).WaitAsync(Limit);
        Assert.All(openings, opening => Assert.Equal(new RoomOpening(RoomStatus.Ok, 0, 0, 0), opening));

        var results = await Store.WriteAsync([.. names.Select(name => new RoomWrite(name, 3, 0, [Post("a", name)]))], default).WaitAsync(Limit);
        Assert.All(results, result => Assert.Equal((RoomStatus.Ok, 1L), (result.Status, result.Rev)));
        Assert.All(await Store.ReadEpochsAsync(names, default), epoch => Assert.Equal(3, epoch));
    }

    [Fact]
    public async Task A_cancelled_write_that_waits_is_not_made()
    {
        var room = await OpenRoomAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.WriteAsync([room.Batch(Post("a", "1"))], new CancellationToken(canceled: true)));
        Assert.Equal(1, (await room.WriteOneAsync(Post("a", "2"))).Answer.Seq);
    }

    [Fact]
    public async Task Readers_see_whole_batches_while_a_writer_writes()
    {
        const int batches = 100;
        const int batchSize = 7;
        var room = await OpenRoomAsync();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < batches; i++)
            {
                await room.PostManyAsync(batchSize);
            }
        });

        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            long rev = 0;
            while (rev < batches * batchSize)
            {
                var page = await room.AfterAsync(rev, MessageLimits.Page);
                Assert.False(page.Reset);
                Assert.Equal(0, page.Rev % batchSize);
                Assert.Equal(Enumerable.Range(1, page.Messages.Count).Select(i => rev + i), page.Messages.Select(message => message.Rev));
                rev += page.Messages.Count;
                Assert.True(page.More || rev == page.Rev);
            }
        }));
        await Task.WhenAll([writing, .. readers]).WaitAsync(Limit);
    }

    [Fact]
    public async Task The_store_checks_itself() => await Store.CheckAsync(default).WaitAsync(Limit);
}
