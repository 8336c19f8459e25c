using DChat.Core.Messages;
using DChat.TestKit;

namespace DChat.Storage.Tests.Messages;

/// <summary>Search, whose index follows the commits.</summary>
public abstract partial class MessageStoreSpec
{
    [Fact]
    public async Task A_message_is_found_by_its_words_within_the_rooms_asked_for()
    {
        var (one, two) = (await OpenRoomAsync("one"), await OpenRoomAsync("two"));
        await one.WriteAsync(Post("a", "1", "The quick brown fox", at: 10), Post("a", "2", "a lazy dog", at: 30));
        await two.WriteAsync(Post("b", "1", "Quick, quick!", at: 20), Post("", "2", "quick system", kind: MessageKind.System, at: 40));

        await UntilFoundAsync("quick", ["one", "two"], ("two", 1), ("one", 1));
        await UntilFoundAsync("quick", ["one"], ("one", 1));
        await UntilFoundAsync("quick", []);
        await UntilFoundAsync("quick", ["unknown"]);
        await UntilFoundAsync("QUICK fox", ["one", "two"], ("one", 1));
        await UntilFoundAsync("quick dog", ["one", "two"]);
        var hit = (await FindAsync("dog", ["one"])).Hits.Single();
        Assert.Equivalent(await one.FindAsync(2), hit.Message, strict: true);
    }

    [Theory]
    [InlineData("\"brown fox\"", true)]
    [InlineData("\"fox brown\"", false)]
    [InlineData("bro*", true)]
    [InlineData("row*", false)]
    [InlineData("\"quick bro\"*", true)]
    [InlineData("\"quick bro\"", false)]
    [InlineData("\"brown fox", true)]
    [InlineData("jose", true)]
    [InlineData("JOSÉ", true)]
    [InlineData("well-known", true)]
    [InlineData("known-well", false)]
    [InlineData("c3po*", true)]
    [InlineData("fox AND", false)]
    [InlineData("NOT fox", false)]
    [InlineData("body:fox", false)]
    [InlineData("fox OR nothing", false)]
    [InlineData("NEAR(brown fox)", false)]
    [InlineData("^quick", true)]
    [InlineData("-fox", true)]
    [InlineData("(fox)", true)]
    [InlineData("fox ***", true)]
    [InlineData("f*", false)]
    public async Task What_people_type_means_what_it_says(string text, bool found)
    {
        var room = await OpenRoomAsync();
        await room.WriteOneAsync(Post("a", "1", "Quick brown fox; José is well-known: c3po42"));
        await UntilFoundAsync("quick", ["room"], ("room", 1));
        Assert.Equal(found ? 1 : 0, (await FindAsync(text, ["room"])).Hits.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("\"")]
    [InlineData("\"\"\"")]
    [InlineData("*")]
    [InlineData("** \"*\" *")]
    [InlineData("🎉")]
    [InlineData("'; DROP TABLE messages; --")]
    [InlineData("\0")]
    [InlineData("a\0b")]
    [InlineData("{body} : x")]
    [InlineData("+ - ^ ( ) { } : , ' ` \\ / % _ $")]
    [InlineData("\ud800")]
    [InlineData("NEAR(a b, 99999999999999999999)")]
    public async Task No_text_is_an_error(string text)
    {
        var room = await OpenRoomAsync();
        await room.WriteOneAsync(Post("a", "1", "hello"));
        await UntilFoundAsync("hello", ["room"], ("room", 1));
        Assert.Empty((await FindAsync(text, ["room"])).Hits);
    }

    [Fact]
    public async Task Random_text_is_no_error()
    {
        var seed = Seed.Print(output);
        var random = new Random(seed);
        const string alphabet = "ab\"*'()-+^:{}, \\\0\u0301é漢🎉ANDORNEAR\t";
        var room = await OpenRoomAsync();
        await room.WriteOneAsync(Post("a", "1", "hello"));
        await UntilFoundAsync("hello", ["room"], ("room", 1));
        for (var i = 0; i < 2_000; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(1, 200)).Select(_ => alphabet[random.Next(alphabet.Length)])]);
            try
            {
                await FindAsync(text, ["room"]);
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}: {text}: {error}");
            }
        }
    }

    [Fact]
    public async Task The_index_follows_edits_deletions_retention_and_closing()
    {
        var (room, gone) = (await OpenRoomAsync(), await OpenRoomAsync("gone"));
        await gone.WriteOneAsync(Post("a", "1", "apple", at: 1));
        await room.WriteAsync(Post("a", "1", "apple", at: 2), Post("a", "2", "apple", at: 3), Post("a", "3", "apple", at: 4), Post("a", "4", "apple", at: 5));
        await UntilFoundAsync("apple", ["room", "gone"], ("room", 4), ("room", 3), ("room", 2), ("room", 1), ("gone", 1));

        await room.WriteAsync(Edit("a", "e", 2, "pear"), Delete("a", "d", 3));
        await Store.RetainAsync(new RoomAtEpoch("room", 1), 3, 0, 10, default);
        await Store.CloseAsync("gone", default);
        await UntilFoundAsync("apple", ["room", "gone"], ("room", 4));
        await UntilFoundAsync("pear", ["room"], ("room", 2));
        await room.WriteAsync(React("b", "r", 4, "👍"), Edit("a", "e2", 2, "apple and pear"));
        await UntilFoundAsync("apple", ["room"], ("room", 4), ("room", 2));
        Assert.Equal("👍", (await FindAsync("apple", ["room"])).Hits[0].Message.Reactions.Single().Emoji);

        await ReopenAsync();
        await UntilFoundAsync("apple", ["room", "gone"], ("room", 4), ("room", 2));
        await Eventually.Holds(() => Store.SearchLag == default);
    }

    [Fact]
    public async Task Pages_of_hits_join_without_gap_or_repeat()
    {
        var seed = Seed.Print(output);
        var random = new Random(seed);
        var names = Enumerable.Range(0, 7).Select(i => $"room{i}").ToArray();
        var expected = new List<(string Room, long Seq, long SentAt)>();
        var rooms = new List<HostedRoom>();
        foreach (var name in names)
        {
            rooms.Add(await OpenRoomAsync(name));
        }

        for (var i = 0; i < 60; i++)
        {
            var room = rooms[random.Next(rooms.Count)];
            var word = random.Next(3) == 0 ? "needle" : "hay";
            var posts = Enumerable.Range(0, random.Next(1, 9)).Select(j => (RoomChange)Post("a", $"{i}.{j}", $"some {word}", at: 1_000 + (i / 4)));
            foreach (var result in await room.WriteAsync([.. posts]))
            {
                if (word == "needle")
                {
                    expected.Add((room.Id, result.Answer.Seq, result.Answer.SentAt));
                }
            }
        }

        await Eventually.Holds(async () => (await FindAsync("needle", names, limit: 200)).Hits.Count == Math.Min(expected.Count, 200));
        var found = new List<(string Room, long Seq, long SentAt)>();
        string? after = null;
        do
        {
            var page = await FindAsync("needle", names, after, limit: 4);
            found.AddRange(page.Hits.Select(hit => (hit.Room, hit.Message.Seq, hit.Message.SentAt)));
            after = page.Next;
            Assert.True(found.Count <= expected.Count, $"seed {seed}");
        }
        while (after is not null);

        Assert.True(expected.OrderBy(hit => hit).SequenceEqual(found.OrderBy(hit => hit)), $"seed {seed}");
        Assert.True(found.Zip(found.Skip(1)).All(pair => pair.First.SentAt >= pair.Second.SentAt), $"seed {seed}: not newest first");
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("________________________________")]
    public async Task A_cursor_that_is_none_is_refused(string cursor) =>
        await Assert.ThrowsAsync<FormatException>(() => FindAsync("x", ["room"], cursor));

    [Fact]
    public async Task The_lag_of_the_index_is_told()
    {
        var room = await OpenRoomAsync();
        await room.PostManyAsync(50);
        await Eventually.Holds(() => Store.SearchLag == default);
        Assert.Equal(11, (await FindAsync("m1*", ["room"])).Hits.Count);
    }

    protected Task<SearchPage> FindAsync(string text, string[] rooms, string? after = null, int limit = 50, string? reader = null) =>
        Store.SearchAsync(new SearchQuery(text, rooms, after, limit, reader), default).WaitAsync(Limit);

    protected Task UntilFoundAsync(string text, string[] rooms, params (string Room, long Seq)[] hits) => Eventually.Holds(async () =>
        (await FindAsync(text, rooms)).Hits.Select(hit => (hit.Room, hit.Message.Seq)).SequenceEqual(hits));
}
