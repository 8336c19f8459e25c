using System.Text.Json;
using DChat.Core.Messages;
using DChat.Storage.Tests.Postgres;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Storage.Tests.Archive;

/// <summary>All that a store holds, taken from either engine to either.</summary>
[Collection(PostgresTests.Name)]
public sealed class MessageArchiveTests(PostgresFixture postgres, ITestOutputHelper output)
{
    private static readonly RoomLift Lift = new(1_000, 1L << 32, 1L << 33);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task What_one_engine_gives_the_other_takes(bool fromPostgres, bool toPostgres)
    {
        var history = new RandomHistory(Seed.Print(output));
        await using var from = new ArchiveStore(postgres, fromPostgres);
        await using var to = new ArchiveStore(postgres, toPostgres);
        await using var source = await from.OpenAsync();
        await history.WriteAsync(source, 60);

        var id = await CopyAsync(from, to); // While the source is open.
        await using var copy = await to.OpenAsync();
        Assert.Equal(id, await copy.ReadIdAsync(default));
        Assert.NotEqual(id, await source.ReadIdAsync(default));
        await SameAsync(history, source, copy);
        foreach (var (room, opened) in RandomHistory.Rooms.Zip(await copy.OpenAsync([.. RandomHistory.Rooms.Select(room => new RoomAtEpoch(room, 1_001))], default)))
        {
            var before = (await source.OpenAsync([new RoomAtEpoch(room, 7)], default))[0];
            Assert.Equal((RoomStatus.Ok, before.Seq, before.LastSentAt, Lift.Of(before.Rev)), (opened.Status, opened.Seq, opened.LastSentAt, opened.Rev));
        }

        // It goes on where it was: a repeat is answered, and the next message has the next number.
        var first = (await source.ReadBeforeAsync("b", 2, 1, null, default)).Messages[0];
        var (author, clientId) = (first.Author, first.ClientId);
        var known = await source.FindAnswerAsync("b", author, clientId, default);
        var last = (await copy.OpenAsync([new RoomAtEpoch("b", 1_001)], default))[0];
        var results = (await copy.WriteAsync([new RoomWrite("b", 1_001, last.Rev, [Post(author, clientId), Post("u1", "new one")])], default))[0].Changes;
        Assert.Equal(known, results[0].Answer);
        Assert.Equal((last.Seq + 1, last.Rev + 1), (results[1].Answer.Seq, results[1].Answer.Rev));
    }

    [Theory]
    [InlineData(false, 1L << 33)]
    [InlineData(true, 1L << 33)]
    [InlineData(false, 5)]
    [InlineData(true, 5)]
    public async Task A_store_that_is_lifted_answers_whoever_resumes_with_reset_and_refuses_its_former_hosts(bool isPostgres, long floor)
    {
        var lift = Lift with { Floor = floor };
        var history = new RandomHistory(Seed.Print(output));
        await using var store = new ArchiveStore(postgres, isPostgres);
        RoomOpening before;
        await using (var source = await store.OpenAsync())
        {
            await history.WriteAsync(source, 40);
            before = (await source.OpenAsync([new RoomAtEpoch("b", 7)], default))[0];
            await IndexedAsync(source, "apple", "b");
        }

        await using (var archive = await store.ArchiveAsync())
        {
            Assert.Equal((7L, false), ((await archive.LookAsync(default)).EpochMax, (await archive.LookAsync(default)).Unfinished));
            await EventuallyUnusedAsync(archive);
            await archive.LiftAsync(lift, RandomHistory.Rooms, default);
        }

        await using var lifted = await store.OpenAsync();
        Assert.Equal(RoomStatus.Fenced, (await lifted.OpenAsync([new RoomAtEpoch("b", 999)], default))[0].Status);
        var opened = (await lifted.OpenAsync([new RoomAtEpoch("b", 1_001)], default))[0];
        Assert.Equal((RoomStatus.Ok, before.Seq, lift.Of(before.Rev)), (opened.Status, opened.Seq, opened.Rev));
        foreach (var rev in (long[])[0, 1, before.Rev, before.Rev + 1, before.Rev + 1_000, opened.Rev - 1, opened.Rev + 1])
        {
            var page = await lifted.ReadAfterAsync("b", rev, 10, null, default);
            Assert.True(page.Reset && page.Rev == opened.Rev, $"rev {rev}: {page.Reset}, {page.Rev}");
            Assert.Equal(Math.Min(10, before.Seq), page.Messages.Count);
        }

        Assert.False((await lifted.ReadAfterAsync("b", opened.Rev, 10, null, default)).Reset);
        await lifted.WriteAsync([new RoomWrite("b", 1_001, opened.Rev, [Post("u1", "after")])], default);
        Assert.Equal([opened.Rev + 1], (await lifted.ReadAfterAsync("b", opened.Rev, 10, null, default)).Messages.Select(message => message.Rev));
        await IndexedAsync(lifted, "apple", "b");
        Assert.True(lifted.SearchLag.Messages < 100_000, $"{lifted.SearchLag}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_room_that_was_deleted_since_is_there_again_with_what_was_not_purged(bool isPostgres)
    {
        await using var store = new ArchiveStore(postgres, isPostgres);
        await using (var source = await store.OpenAsync())
        {
            await source.OpenAsync([new RoomAtEpoch("known", 1), new RoomAtEpoch("unknown", 1)], default);
            await source.WriteAsync([new RoomWrite("known", 1, 0, [.. Enumerable.Range(1, 9).Select(i => Post("u1", $"c{i}"))])], default);
            await source.CloseAsync("known", default);
            await source.CloseAsync("unknown", default);
            await source.PurgeAsync(4, default);
        }

        await using (var archive = await store.ArchiveAsync())
        {
            await EventuallyUnusedAsync(archive);
            await archive.LiftAsync(Lift, ["known"], default);
            Assert.Equal([("known", false), ("unknown", true)], (await AllAsync(archive.RoomsAsync(default))).Select(room => (room.Room, room.Closed)).Order());
        }

        await using var lifted = await store.OpenAsync();
        Assert.Equal([RoomStatus.Ok, RoomStatus.Closed], (await lifted.OpenAsync([new RoomAtEpoch("known", 1_001), new RoomAtEpoch("unknown", 1_001)], default)).Select(room => room.Status));
        Assert.Equal([5L, 6, 7, 8, 9], (await lifted.ReadBeforeAsync("known", null, 99, null, default)).Messages.Select(message => message.Seq));
        await Eventually.Holds(async () => (await lifted.SearchAsync(new SearchQuery("hello", ["known"], null, 99, null), default)).Hits.Count == 5);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Whoever_saw_a_room_of_which_nothing_is_there_any_more_is_answered_with_reset_and_misses_nothing(bool isPostgres, bool isFilled)
    {
        string[] known = ["there", "gone", .. Enumerable.Range(0, 2_000).Select(i => $"gone{i}")];
        await using var store = new ArchiveStore(postgres, isPostgres);
        if (isFilled)
        {
            await using var filling = await store.ArchiveAsync();
            await filling.BeginFillAsync(null, default);
            await filling.FillAsync(new RoomHead("there", 0, Lift.Of(5), 0, 0, Lift.Of(5)), Lift.Epoch, default);
            await filling.EndFillAsync(Lift, known, default);
        }
        else
        {
            await using (var source = await store.OpenAsync())
            {
                await source.OpenAsync([new RoomAtEpoch("there", 1), new RoomAtEpoch("stranger", 1)], default);
            }

            await using var archive = await store.ArchiveAsync();
            await EventuallyUnusedAsync(archive);
            await archive.LiftAsync(Lift, known, default);
        }

        await GoesOnAsync(Lift.First);
        await using (var again = await store.ArchiveAsync())
        {
            await EventuallyUnusedAsync(again);
            await again.LiftAsync(Lift with { Epoch = 2_000 }, known, default); // Restored a second time, from the same snapshot.
            Assert.Equal(known.Length + (isFilled ? 0 : 1), (await again.LookAsync(default)).Rooms);
            Assert.Equal(2_000, (await again.LookAsync(default)).EpochMax);
        }

        await GoesOnAsync(Lift.First + 60 + Lift.Gap);

        async Task GoesOnAsync(long first)
        {
            await using var lifted = await store.OpenAsync();
            Assert.Equal([isFilled ? 0 : (await lifted.ReadEpochsAsync(["stranger"], default))[0], 0], await lifted.ReadEpochsAsync(["stranger", "deleted"], default));
            var epoch = (await lifted.ReadEpochsAsync(["gone7"], default))[0];
            Assert.Equal([RoomStatus.Fenced, RoomStatus.Fenced], (await lifted.OpenAsync([new RoomAtEpoch("gone", epoch - 1), new RoomAtEpoch("gone7", epoch - 1)], default)).Select(room => room.Status));
            var opened = (await lifted.OpenAsync([new RoomAtEpoch("gone", epoch + 1)], default))[0];
            Assert.Equal((RoomStatus.Ok, first), (opened.Status, opened.Rev));
            Assert.False((await lifted.ReadAfterAsync("gone", first, 99, null, default)).Reset);
            var before = opened.Seq;
            var posts = Enumerable.Range(1, 60).Select(i => Post("u1", $"c{before + i}")).ToArray();
            Assert.Equal(RoomStatus.Ok, (await lifted.WriteAsync([new RoomWrite("gone", epoch + 1, first, posts)], default))[0].Status);
            foreach (var rev in (long[])[0, 1, 40, 60, 61, first - 1, first + 61])
            {
                var page = await lifted.ReadAfterAsync("gone", rev, 99, null, default);
                Assert.True(page.Reset && page.Rev == first + 60 && page.Messages.Count == Math.Min(99, before + 60), $"rev {rev}: {page.Reset}, {page.Rev}, {page.Messages.Count}");
            }

            Assert.Equal(Enumerable.Range(1, 60).Select(i => first + i), (await lifted.ReadAfterAsync("gone", first, 99, null, default)).Messages.Select(message => message.Rev));
            await Eventually.Holds(async () => (await lifted.SearchAsync(new SearchQuery("hello", ["gone"], null, 200, null), default)).Hits.Count == before + 60);
            Assert.True(lifted.SearchLag.Messages < 100_000, $"{lifted.SearchLag}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_store_whose_filling_was_interrupted_is_opened_by_nobody_and_can_be_filled_anew(bool isPostgres)
    {
        var history = new RandomHistory(Seed.Print(output));
        await using var from = new ArchiveStore(postgres, isPostgres: false);
        await using var source = await from.OpenAsync();
        await history.WriteAsync(source, 10);
        await using var to = new ArchiveStore(postgres, isPostgres);
        await using (var interrupted = await to.ArchiveAsync())
        {
            Assert.Equal(new ArchiveSummary("", 0, 0, 0, false, null), await interrupted.LookAsync(default));
            await interrupted.BeginFillAsync(null, default);
            await interrupted.FillAsync(new RoomHead("stranger", 3, 3, 0, 0, 0), 5, default);
        }

        var refusal = await Assert.ThrowsAsync<MessageStoreDamagedException>(to.OpenAsync);
        Assert.Contains("dchat-server restore", refusal.Message, StringComparison.Ordinal);
        await using (var archive = await to.ArchiveAsync())
        {
            Assert.True((await archive.LookAsync(default)).Unfinished);
        }

        await CopyAsync(from, to);
        await using var copy = await to.OpenAsync();
        await SameAsync(history, source, copy);
        Assert.Equal([0], await copy.ReadEpochsAsync(["stranger"], default));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_store_that_holds_something_or_is_in_use_is_not_touched(bool isPostgres)
    {
        await using var to = new ArchiveStore(postgres, isPostgres);
        await using var archive = await to.ArchiveAsync();
        await using (var used = await to.OpenAsync())
        {
            await used.CheckAsync(default);
            Assert.NotNull((await archive.LookAsync(default)).InUse);
            await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => archive.BeginFillAsync(null, default));
            await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => archive.LiftAsync(Lift, [], default));
            await used.OpenAsync([new RoomAtEpoch("room", 1)], default);
        }

        await EventuallyUnusedAsync(archive);
        var refusal = await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => archive.BeginFillAsync(null, default));
        Assert.Contains("holds 1 rooms", refusal.Message, StringComparison.Ordinal);
        await using var again = await to.OpenAsync();
        Assert.Equal([1], await again.ReadEpochsAsync(["room"], default));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Two_do_not_fill_a_store_at_once(bool isPostgres)
    {
        await using var to = new ArchiveStore(postgres, isPostgres);
        await using var second = await to.ArchiveAsync();
        await using (var first = await to.ArchiveAsync())
        {
            await first.BeginFillAsync(null, default);
            await first.FillAsync(new RoomHead("room", 0, 5, 0, 0, 0), 1, default);
            var refusal = await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => second.BeginFillAsync(null, default));
            Assert.Contains("Remedy: ", refusal.Message, StringComparison.Ordinal);
            await first.FillAsync(new RoomHead("other", 0, 5, 0, 0, 0), 1, default);
        } // It was interrupted.

        var id = await second.BeginFillAsync(null, default);
        await second.EndFillAsync(Lift, [], default);
        await using var store = await to.OpenAsync();
        Assert.Equal(id, await store.ReadIdAsync(default));
        Assert.Equal([0], await store.ReadEpochsAsync(["room"], default));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_store_that_was_filled_is_emptied_for_whoever_names_it_only(bool isPostgres)
    {
        await using var to = new ArchiveStore(postgres, isPostgres);
        string first;
        await using (var filling = await to.ArchiveAsync())
        {
            first = await filling.BeginFillAsync(null, default);
            await filling.FillAsync(new RoomHead("room", 0, 5, 0, 0, 0), 1, default);
            await filling.EndFillAsync(Lift, [], default);
        }

        await using var archive = await to.ArchiveAsync();
        foreach (var wrong in new[] { null, "", "another" })
        {
            await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => archive.BeginFillAsync(wrong, default));
        }

        Assert.Equal((first, 1), ((await archive.LookAsync(default)).Id, (await archive.LookAsync(default)).Rooms));
        var second = await archive.BeginFillAsync(first, default);
        await archive.EndFillAsync(Lift, [], default);
        Assert.NotEqual(first, second);
        Assert.Equal((second, 0), ((await archive.LookAsync(default)).Id, (await archive.LookAsync(default)).Rooms));
    }

    [Fact]
    public async Task A_filling_ends_only_the_store_that_it_began()
    {
        await using var to = new ArchiveStore(postgres, isPostgres: true);
        await using var filling = await to.ArchiveAsync();
        await filling.BeginFillAsync(null, default);
        await to.ExecuteAsync("UPDATE store SET id = 'unfinished-another'");
        var refusal = await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => filling.EndFillAsync(Lift, [], default));
        Assert.Contains("another has begun there since", refusal.Message, StringComparison.Ordinal);
        await using var archive = await to.ArchiveAsync();
        Assert.Equal(("unfinished-another", true), ((await archive.LookAsync(default)).Id, (await archive.LookAsync(default)).Unfinished));
    }

    private static async Task<string> CopyAsync(ArchiveStore from, ArchiveStore to)
    {
        await using var reading = await from.ArchiveAsync();
        await using var filling = await to.ArchiveAsync();
        var id = await filling.BeginFillAsync(null, default);
        await foreach (var piece in reading.ReadAsync(default))
        {
            await filling.FillAsync(piece is RoomHead head ? head with { Rev = Lift.Of(head.Rev), RemovedRev = Lift.Of(head.Rev) } : piece, Lift.Epoch, default);
        }

        await filling.EndFillAsync(Lift, [], default);
        return id;
    }

    private static async Task SameAsync(RandomHistory history, IMessageStore one, IMessageStore other)
    {
        foreach (var room in RandomHistory.Rooms)
        {
            foreach (var reader in RandomHistory.Users)
            {
                for (long? before = null; ;)
                {
                    var page = await one.ReadBeforeAsync(room, before, 200, reader, default);
                    Same(page, await other.ReadBeforeAsync(room, before, 200, reader, default));
                    if (!page.More)
                    {
                        break;
                    }

                    before = page.Messages[0].Seq;
                }
            }
        }

        foreach (var user in RandomHistory.Users)
        {
            Same(await one.ReadMarksAsync(user, RandomHistory.Rooms, default), await other.ReadMarksAsync(user, RandomHistory.Rooms, default));
        }

        foreach (var (room, author, clientId) in history.Sent)
        {
            Same(await one.FindAnswerAsync(room, author, clientId, default), await other.FindAnswerAsync(room, author, clientId, default));
        }

        foreach (var word in (string[])["apple", "pear", "plum", "ünïcode"])
        {
            await Eventually.Holds(async () => (await FoundAsync(one, word)).SequenceEqual(await FoundAsync(other, word)));
        }

        Assert.NotEmpty(await FoundAsync(other, "apple"));
    }

    private static async Task<List<(string, long)>> FoundAsync(IMessageStore store, string word)
    {
        var hits = new List<(string, long)>();
        for (string? after = null; ;)
        {
            var page = await store.SearchAsync(new SearchQuery(word, RandomHistory.Rooms, after, 200, null), default);
            hits.AddRange(page.Hits.Select(hit => (hit.Room, hit.Message.Seq)));
            if ((after = page.Next) is null)
            {
                return [.. hits.Order()];
            }
        }
    }

    private static Task IndexedAsync(IMessageStore store, string word, string room) => Eventually.Holds(async () =>
    {
        var page = await store.ReadBeforeAsync(room, null, 200, null, default);
        var expected = page.Messages.Count(message => message.Kind != MessageKind.System && message.Body.Contains(word, StringComparison.Ordinal));
        return (await store.SearchAsync(new SearchQuery(word, [room], null, 200, null), default)).Hits.Count >= expected;
    });

    // A server's connections end a moment after it let them go.
    private static Task EventuallyUnusedAsync(IMessageArchive archive) => Eventually.Holds(async () => (await archive.LookAsync(default)).InUse is null);

    private static async Task<List<T>> AllAsync<T>(IAsyncEnumerable<T> items)
    {
        var all = new List<T>();
        await foreach (var item in items)
        {
            all.Add(item);
        }

        return all;
    }

    private static PostMessage Post(string author, string clientId) => new(author, clientId, 9_000_000, MessageKind.Text, "hello", null, [], []);

    private static void Same<T>(T expected, T actual) => Assert.Equal(JsonSerializer.Serialize(expected), JsonSerializer.Serialize(actual));
}
