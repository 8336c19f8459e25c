using DChat.Core.Messages;

namespace DChat.Storage.Tests.Messages;

/// <summary>Repeats, edits, deletions and reactions.</summary>
public abstract partial class MessageStoreSpec
{
    [Fact]
    public async Task G4_every_change_repeated_gets_its_first_answer_and_changes_nothing()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(3);
        RoomChange[] changes =
        [
            Post("bob", "post", "x"),
            Edit("alice", "edit", 1, "edited"),
            Delete("alice", "delete", 2),
            React("bob", "react", 3, "👍"),
        ];
        var first = (await room.WriteAsync(changes)).Select(result => result.Answer).ToList();
        Assert.Equal([new ChangeAnswer(4, 4, 1_003), new(1, 5, 0), new(2, 6, 0), new(3, 7, 0)], first);

        await ReopenAsync();
        RoomChange[] repeats =
        [
            Post("bob", "post", "another text", at: 9_999, replyTo: 77),
            Edit("alice", "edit", 3, "another text"),
            Delete("alice", "delete", 999),
            React("bob", "react", 3, "👎", on: false),
        ];
        foreach (var batch in new[] { repeats, [.. repeats, .. repeats] })
        {
            var results = await room.WriteAsync(batch);
            Assert.All(results, result => Assert.Equal((ChangeRefusal.None, null), (result.Refusal, result.Event)));
            Assert.Equal(batch.Length == 4 ? first : [.. first, .. first], results.Select(result => result.Answer));
        }

        Assert.Equal(7, room.Rev);
        Assert.Equal(first[0], await Store.FindAnswerAsync("room", "bob", "post", default));
        Assert.Null(await Store.FindAnswerAsync("room", "alice", "post", default));
        Assert.Null(await Store.FindAnswerAsync("elsewhere", "bob", "post", default));
    }

    [Fact]
    public async Task G4_a_repeat_within_one_batch_is_one_message()
    {
        var room = await OpenRoomAsync();
        var results = await room.WriteAsync(Post("a", "1", "first"), Post("a", "1", "second"), Post("b", "1", "third"));
        Assert.Equal([1, 1, 2], results.Select(result => result.Answer.Seq));
        Assert.Equal([true, false, true], results.Select(result => result.Event is not null));
        Assert.Equal(["first", "third"], (await room.BeforeAsync()).Messages.Select(message => message.Body));
    }

    [Fact]
    public async Task G4_answers_outlive_retention()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(3);
        RoomChange[] changes = [Post("bob", "reply", replyTo: 2, at: 1_004), Edit("alice", "edit", 1, "x"), Delete("alice", "delete", 2), React("bob", "react", 3, "👍")];
        var first = await room.WriteAsync(changes);
        Assert.False(await Store.RetainAsync(new RoomAtEpoch("room", 1), long.MaxValue, 0, 100, default));
        await ReopenAsync();

        var again = await room.WriteAsync(changes);
        Assert.Equal(first.Select(result => result.Answer), again.Select(result => result.Answer));
        Assert.All(again, result => Assert.Null(result.Event));
        Assert.Empty((await room.BeforeAsync()).Messages);
    }

    [Fact]
    public async Task A_change_that_changes_nothing_takes_no_rev_but_its_answer_is_kept()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(2);
        await room.WriteAsync(Delete("alice", "d", 2), React("bob", "r", 1, "👍"));
        var results = await room.WriteAsync(
            Edit("alice", "same", 1, "m1"), Delete("alice", "twice", 2), React("bob", "has", 1, "👍"), React("eve", "has not", 1, "👍", on: false));

        Assert.All(results, result => Assert.Equal((ChangeRefusal.None, 4L, null), (result.Refusal, result.Answer.Rev, result.Event)));
        Assert.Equal(4, room.Rev);
        await room.PostManyAsync(1);
        Assert.Equal(4, (await room.WriteOneAsync(Edit("alice", "same", 1, "now another"))).Answer.Rev);
        Assert.Equal("m1", (await room.FindAsync(1))?.Body);
    }

    [Fact]
    public async Task A_refused_change_leaves_no_trace()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(1);
        await room.WriteOneAsync(Post("", "system", "topic", kind: MessageKind.System));
        (RoomChange Change, ChangeRefusal Refusal)[] refused =
        [
            (Edit("bob", "1", 1, "x"), ChangeRefusal.Forbidden),
            (Edit("alice", "2", 9, "x"), ChangeRefusal.NotFound),
            (Edit("", "3", 2, "x"), ChangeRefusal.Forbidden),
            (Delete("bob", "4", 1), ChangeRefusal.Forbidden),
            (Delete("bob", "5", 0), ChangeRefusal.NotFound),
            (Delete("bob", "6", 2, asModerator: true), ChangeRefusal.Forbidden),
            (React("bob", "7", -1, "👍"), ChangeRefusal.NotFound),
            (Post("bob", "8", replyTo: 3), ChangeRefusal.InvalidArgument),
            (Post("bob", "9", replyTo: 0), ChangeRefusal.InvalidArgument),
            (Post("bob", "10", replyTo: long.MaxValue), ChangeRefusal.InvalidArgument),
        ];
        var results = await room.WriteAsync([.. refused.Select(one => one.Change)]);
        Assert.Equal(refused.Select(one => one.Refusal), results.Select(result => result.Refusal));
        Assert.All(results, result => Assert.Equal((default, null), (result.Answer, result.Event)));
        Assert.Equal(2, room.Rev);

        // The same id may be used again: nothing was answered with it.
        Assert.Equal(3, (await room.WriteOneAsync(Post("bob", "8", replyTo: 1))).Answer.Seq);
    }

    [Fact]
    public async Task A_reply_may_name_a_message_of_its_own_batch_but_not_one_that_comes_later()
    {
        var room = await OpenRoomAsync();
        var results = await room.WriteAsync(Post("a", "1"), Post("b", "2", replyTo: 1), Post("c", "3", replyTo: 3));
        Assert.Equal([ChangeRefusal.None, ChangeRefusal.None, ChangeRefusal.InvalidArgument], results.Select(result => result.Refusal));
    }

    [Fact]
    public async Task A_reply_to_a_message_that_retention_removed_is_refused()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(2);
        await Store.RetainAsync(new RoomAtEpoch("room", 1), 1_002, 0, 10, default);
        var results = await room.WriteAsync(Post("bob", "1", replyTo: 1), Post("bob", "2", replyTo: 2), Edit("alice", "3", 1, "x"));
        Assert.Equal([ChangeRefusal.InvalidArgument, ChangeRefusal.None, ChangeRefusal.NotFound], results.Select(result => result.Refusal));
    }

    [Fact]
    public async Task An_edit_replaces_the_body_and_a_deletion_takes_everything_but_the_seq()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(1);
        var edited = await room.WriteOneAsync(Edit("alice", "e", 1, "better"));
        Assert.Equal((RoomEventKind.Edited, 2L, "better", 2_000L), (edited.Event!.Kind, edited.Event.Rev, edited.Event.Message.Body, edited.Event.Message.EditedAt));

        await room.WriteAsync(React("bob", "r", 1, "👍"), Delete("mod", "d", 1, asModerator: true));
        var message = await room.FindAsync(1, "bob");
        Assert.Equivalent(
            new Message(1, 4, MessageKind.Text, "alice", "c1", 1_001, "", null, 2_000, 3_000, [], [], []), message, strict: true);
        var late = await room.WriteAsync(Edit("alice", "e2", 1, "x"), React("bob", "r2", 1, "👍"));
        Assert.All(late, result => Assert.Equal(ChangeRefusal.NotFound, result.Refusal));
    }

    [Fact]
    public async Task Reactions_name_the_first_ten_users_and_count_them_all()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(1);
        for (var i = 1; i <= 12; i++)
        {
            await room.WriteOneAsync(React($"u{i}", $"r{i}", 1, "👍"));
        }

        await AssertReactionAsync(room, 12, [.. Users(1, 10)]);
        var taken = await room.WriteOneAsync(React("u12", "off12", 1, "👍", on: false));
        Assert.Equivalent(new ReactionChange("u12", "👍", false), taken.Event!.Reaction);
        await AssertReactionAsync(room, 11, [.. Users(1, 10)]);
        await room.WriteOneAsync(React("u3", "off3", 1, "👍", on: false));
        await AssertReactionAsync(room, 10, [.. Users(1, 2), .. Users(4, 11)]);
        await room.WriteOneAsync(React("u3", "on3", 1, "👍"));
        await AssertReactionAsync(room, 11, [.. Users(1, 2), .. Users(4, 11)]);
        await ReopenAsync();
        await room.WriteOneAsync(React("u1", "off1", 1, "👍", on: false));
        await AssertReactionAsync(room, 10, ["u2", .. Users(4, 11), "u3"]);

        Assert.Equal(["👍"], (await room.FindAsync(1, "u3"))!.Mine);
        Assert.Equal([], (await room.FindAsync(1, "u1"))!.Mine);

        static IEnumerable<string> Users(int from, int to) => Enumerable.Range(from, to - from + 1).Select(i => $"u{i}");
    }

    [Fact]
    public async Task The_reader_of_a_page_sees_the_own_reactions_also_beyond_the_first_ten()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(2);
        await room.WriteAsync([.. Enumerable.Range(1, 11).Select(i => React($"u{i}", $"r{i}", 2, "👍"))]);
        await room.WriteAsync(React("u11", "h", 2, "❤️"), React("u1", "h", 2, "❤️"));

        Assert.Equal([[], ["👍", "❤️"]], (await room.BeforeAsync(reader: "u11")).Messages.Select(message => message.Mine));
        Assert.Equal(["👍", "❤️"], (await room.AfterAsync(2, reader: "u11")).Messages.Single().Mine);
        Assert.Equal(["👍"], (await room.FindAsync(2, "u5"))!.Mine);
        Assert.Empty((await room.FindAsync(2))!.Mine);
    }

    [Fact]
    public async Task A_message_takes_twenty_emoji_and_not_one_more()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(1);
        await room.WriteAsync([.. Enumerable.Range(0, MessageLimits.EmojiPerMessage).Select(i => React("bob", $"r{i}", 1, $"e{i}"))]);
        Assert.Equal(ChangeRefusal.InvalidArgument, (await room.WriteOneAsync(React("bob", "more", 1, "another"))).Refusal);
        Assert.Equal(ChangeRefusal.None, (await room.WriteOneAsync(React("eve", "same", 1, "e7"))).Refusal);

        await room.WriteOneAsync(React("bob", "off", 1, "e0", on: false));
        Assert.Equal(ChangeRefusal.None, (await room.WriteOneAsync(React("bob", "more", 1, "another"))).Refusal);
        Assert.Equal("another", (await room.FindAsync(1))!.Reactions[^1].Emoji);
    }

    private static async Task AssertReactionAsync(HostedRoom room, int count, string[] users)
    {
        var reaction = Assert.Single((await room.FindAsync(1))!.Reactions);
        Assert.Equal(("👍", count), (reaction.Emoji, reaction.Count));
        Assert.Equal(users, reaction.Users);
    }
}
