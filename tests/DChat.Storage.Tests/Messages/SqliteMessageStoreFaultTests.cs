using DChat.Core.Messages;
using DChat.Storage.Sqlite;
using DChat.Storage.Sqlite.Messages;
using DChat.TestKit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Messages;

/// <summary>Full disks, damage, other versions: what only an engine in files meets.</summary>
public sealed class SqliteMessageStoreFaultTests : IDisposable
{
    private static readonly TimeSpan Limit = Eventually.DefaultLimit;

    private readonly TemporaryFolder _folder = new();

    private string File => _folder["messages.db"];

    private string SearchFile => _folder["messages.search.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_full_disk_refuses_writes_loses_nothing_and_is_forgotten_when_there_is_room()
    {
        await using var store = Open();
        await store.OpenAsync([new RoomAtEpoch("room", 1)], default);
        await PostAsync(store, 0, "kept");
        await store.ExecuteOnWriterAsync("PRAGMA max_page_count = 40");
        var body = new string('x', 8_000);
        long rev = 1;
        var refused = await Assert.ThrowsAsync<MessageStoreUnavailableException>(async () =>
        {
            while (rev < 1_000)
            {
                rev = await PostAsync(store, rev, body);
            }
        });
        Assert.Contains(File, refused.Message);
        await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => PostAsync(store, rev, body));
        Assert.Equal(rev, (await store.ReadAfterAsync("room", 0, 1, null, default)).Rev);

        await store.ExecuteOnWriterAsync("PRAGMA max_page_count = 1000000");
        Assert.Equal(rev + 1, await PostAsync(store, rev, body));
        Assert.Equal("kept", (await store.FindMessageAsync("room", 1, null, default))?.Body);
    }

    [Fact]
    public async Task A_store_that_may_not_write_says_so_and_recovers()
    {
        await using var store = Open();
        await store.OpenAsync([new RoomAtEpoch("room", 1)], default);
        await store.ExecuteOnWriterAsync("PRAGMA query_only = 1");
        await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => store.CheckAsync(default));
        await store.CheckAsync(default);
        Assert.Equal(1, await PostAsync(store, 0, "hello"));
    }

    [Fact]
    public async Task A_lock_that_another_program_holds_is_waited_for_and_then_told()
    {
        await using var store = Open();
        await store.OpenAsync([new RoomAtEpoch("room", 1)], default);
        await using (var other = SqliteFile.Open(File, SqliteSynchronous.Normal))
        {
            SqliteFile.Execute(other, "BEGIN IMMEDIATE");
            await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => PostAsync(store, 0, "hello"));
        }

        Assert.Equal(1, await PostAsync(store, 0, "hello"));
    }

    [Fact]
    public async Task A_closed_store_takes_no_more()
    {
        var store = Open();
        await store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.CheckAsync(default));
    }

    [Fact]
    public async Task Closing_waits_for_those_who_read_and_search()
    {
        await FillAsync(200);
        var store = Open();
        var reads = Enumerable.Range(0, 200).Select(i => Task.Run<object>(async () => i % 4 == 0
            ? await store.SearchAsync(new SearchQuery("message", ["room"], null, 50, null), default)
            : await store.ReadBeforeAsync("room", null, 200, null, default))).ToList();
        await reads[0];
        await store.DisposeAsync().AsTask().WaitAsync(Limit);
        foreach (var read in reads)
        {
            try
            {
                await read.WaitAsync(Limit);
            }
            catch (Exception error) when (error is ObjectDisposedException or MessageStoreUnavailableException)
            {
                continue;
            }
        }
    }

    [Fact]
    public async Task The_file_belongs_to_one_store()
    {
        await using (Open())
        {
            Assert.Throws<SqliteInUseException>(() => Open());
        }

        await Open().DisposeAsync();
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(100, 3_996)]
    public async Task A_damaged_file_is_refused_with_its_name_and_a_remedy(int from, int count)
    {
        await FillAsync(10);
        await OverwriteAsync(File, from, count);
        var damaged = Assert.Throws<MessageStoreDamagedException>(() => Open());
        Assert.Contains(File, damaged.Message);
        Assert.Contains("Remedy", damaged.Message);
    }

    [Fact]
    public async Task Damage_that_only_reading_meets_is_told_then()
    {
        await FillAsync(2_000);
        await OverwriteAsync(File, 32 * 4_096, (int)new FileInfo(File).Length - (32 * 4_096));
        await using var store = Open();
        await Assert.ThrowsAsync<MessageStoreDamagedException>(async () =>
        {
            for (long seq = 1; seq <= 2_000; seq++)
            {
                await store.FindMessageAsync("room", seq, null, default);
            }
        });
    }

    [Fact]
    public async Task A_missing_table_is_damage()
    {
        await FillAsync(1);
        ExecuteOnFile(File, "DROP TABLE answers");
        Assert.Contains("answers", Assert.Throws<MessageStoreDamagedException>(() => Open()).Message);
    }

    [Fact]
    public async Task A_newer_schema_is_refused()
    {
        await FillAsync(1);
        ExecuteOnFile(File, "INSERT INTO schema_versions VALUES (99, 0)");
        var refused = Assert.Throws<SqliteSchemaException>(() => Open());
        Assert.Contains("99", refused.Message);
        Assert.Contains("Remedy", refused.Message);
    }

    [Fact]
    public void The_database_of_another_program_is_refused()
    {
        using (var other = SqliteFile.Open(File, SqliteSynchronous.Normal))
        {
            SqliteFile.Execute(other, "CREATE TABLE theirs(x)");
        }

        Assert.Contains("another program", Assert.Throws<SqliteSchemaException>(() => Open()).Message);
    }

    [Fact]
    public async Task A_store_of_schema_1_is_brought_up_to_date_once_and_keeps_its_content()
    {
        await FillAsync(3);
        SqliteMigration[] newer = [.. MessageSchema.Migrations, new SqliteMigration(MessageSchema.Migrations.Count + 1, "ALTER TABLE messages ADD COLUMN added TEXT; UPDATE messages SET body = body || '!'")];
        for (var i = 0; i < 2; i++)
        {
            await using var store = SqliteMessageStore.Open(Options(), newer, TimeProvider.System, NullLogger<SqliteMessageStore>.Instance);
            Assert.Equal(["message 1!", "message 2!", "message 3!"], (await store.ReadBeforeAsync("room", null, 10, null, default)).Messages.Select(message => message.Body));
        }

        Assert.Throws<SqliteSchemaException>(() => Open());
    }

    [Fact]
    public async Task A_migration_that_fails_changes_nothing()
    {
        await FillAsync(3);
        SqliteMigration[] broken = [.. MessageSchema.Migrations, new SqliteMigration(MessageSchema.Migrations.Count + 1, "DELETE FROM messages; nonsense")];
        Assert.ThrowsAny<Exception>(() => SqliteMessageStore.Open(Options(), broken, TimeProvider.System, NullLogger<SqliteMessageStore>.Instance));
        await using var store = Open();
        Assert.Equal(3, (await store.ReadBeforeAsync("room", null, 10, null, default)).Messages.Count);
    }

    [Fact]
    public async Task A_search_index_that_is_lost_is_made_again()
    {
        await FillAsync(5);
        System.IO.File.Delete(SearchFile);
        await AssertFoundAsync(5);
    }

    [Fact]
    public async Task A_search_index_that_is_damaged_is_made_again()
    {
        await FillAsync(5);
        await OverwriteAsync(SearchFile, 0, (int)new FileInfo(SearchFile).Length);
        await AssertFoundAsync(5);
    }

    [Fact]
    public async Task A_search_index_whose_damage_only_a_search_meets_is_made_again()
    {
        await FillAsync(2_000);
        await OverwriteAsync(SearchFile, 20 * 4_096, (int)new FileInfo(SearchFile).Length - (20 * 4_096));
        await AssertFoundAsync(2_000);
    }

    [Fact]
    public async Task A_search_index_of_other_messages_is_made_again()
    {
        await FillAsync(5);
        foreach (var file in Directory.GetFiles(_folder.Path, "messages.db*"))
        {
            System.IO.File.Delete(file);
        }

        await FillAsync(2);
        await AssertFoundAsync(2);
    }

    [Fact]
    public async Task A_search_index_that_is_ahead_of_older_messages_is_made_again()
    {
        await FillAsync(2);
        System.IO.File.Copy(File, File + ".backup");
        await FillAsync(5);
        System.IO.File.Move(File + ".backup", File, overwrite: true);
        await AssertFoundAsync(2);
    }

    [Fact]
    public async Task What_is_deleted_removed_or_closed_leaves_the_search_index()
    {
        await FillAsync(5);
        await using var store = Open();
        await using var index = SqliteFile.Open(SearchFile, SqliteSynchronous.Normal);
        var other = new RoomWrite("other", 1, 0, [new PostMessage("alice", "1", 1, MessageKind.Text, "message 6", null, [], [])]);
        await store.OpenAsync([new RoomAtEpoch("other", 1)], default);
        await store.WriteAsync([other], default);
        await Eventually.Holds(() => Indexed() == "1, 2, 3, 4, 5, 6");

        await store.WriteAsync([new RoomWrite("room", 1, 5, [new DeleteMessage("alice", "d", 9, 4, false)])], default);
        await store.RetainAsync(new RoomAtEpoch("room", 1), 3, 0, 10, default);
        await store.CloseAsync("other", default);
        await Eventually.Holds(() => Indexed() == "3, 5");

        string Indexed() => SqliteFile.ReadText(index, "SELECT group_concat(substr(body, 9), ', ') FROM (SELECT body FROM search ORDER BY rowid)");
    }

    [Fact]
    public async Task A_search_that_spends_its_budget_goes_on_where_it_stopped()
    {
        const int count = 600;
        await using var store = SqliteMessageStore.Open(
            Options() with { SearchBudget = TimeSpan.Zero }, TimeProvider.System, NullLogger<SqliteMessageStore>.Instance);
        string[] rooms = [.. Enumerable.Range(1, count).Select(i => $"room{i}")];
        await store.OpenAsync([.. rooms.Select(room => new RoomAtEpoch(room, 1))], default);
        await store.WriteAsync(
            [.. rooms.Select((room, i) => new RoomWrite(room, 1, 0, [new PostMessage("a", "1", i, MessageKind.Text, i % 300 == 0 ? "needle" : "hay", null, [], [])]))],
            default);
        await Eventually.Holds(() => store.SearchLag == default);

        var found = new List<string>();
        string? after = null;
        var pages = 0;
        do
        {
            var page = await store.SearchAsync(new SearchQuery("needle", rooms, after, 50, null), default).WaitAsync(Limit);
            found.AddRange(page.Hits.Select(hit => hit.Room));
            after = page.Next;
            pages++;
        }
        while (after is not null);

        Assert.Equal(["room301", "room1"], found);
        Assert.Equal(3, pages);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(RowId.RoomKeyMax, RowId.SeqMax)]
    public void A_row_id_holds_room_and_seq(long roomKey, long seq)
    {
        var id = RowId.Of(roomKey, seq);
        Assert.Equal((roomKey, seq, true), (RowId.RoomKey(id), RowId.Seq(id), id > 0));
    }

    [Theory]
    [InlineData(RowId.RoomKeyMax + 1, 1)]
    [InlineData(1, RowId.SeqMax + 1)]
    [InlineData(-1, 1)]
    [InlineData(1, -1)]
    public void A_row_id_does_not_overflow(long roomKey, long seq) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => RowId.Of(roomKey, seq));

    private SqliteMessageStoreOptions Options() => new() { Path = File, IndexDelay = TimeSpan.FromMilliseconds(5) };

    private SqliteMessageStore Open() => SqliteMessageStore.Open(Options(), TimeProvider.System, NullLogger<SqliteMessageStore>.Instance);

    private static async Task<long> PostAsync(SqliteMessageStore store, long rev, string body)
    {
        var post = new PostMessage("alice", $"c{rev}", 1_000, MessageKind.Text, body, null, [], []);
        var result = (await store.WriteAsync([new RoomWrite("room", 1, rev, [post])], default).WaitAsync(Limit))[0];
        Assert.Equal(RoomStatus.Ok, result.Status);
        return result.Rev;
    }

    /// <summary>Makes the room hold "message 1" to "message n", indexed.</summary>
    private async Task FillAsync(int count)
    {
        await using var store = Open();
        var rev = (await store.OpenAsync([new RoomAtEpoch("room", 1)], default))[0].Rev;
        var posts = Enumerable.Range((int)rev + 1, count - (int)rev)
            .Select(i => (RoomChange)new PostMessage("alice", $"c{i}", i, MessageKind.Text, $"message {i}", null, [], []));
        await store.WriteAsync([new RoomWrite("room", 1, rev, [.. posts])], default).WaitAsync(Limit);
        await UntilFoundAsync(store, count);
    }

    private async Task AssertFoundAsync(int count)
    {
        await using var store = Open();
        await UntilFoundAsync(store, count);
    }

    private static async Task UntilFoundAsync(SqliteMessageStore store, int count)
    {
        await Eventually.Holds(async () => await CountAsync() == count);

        async Task<int> CountAsync()
        {
            var found = 0;
            string? after = null;
            do
            {
                SearchPage page;
                try
                {
                    page = await store.SearchAsync(new SearchQuery("message", ["room"], after, 200, null), default);
                }
                catch (MessageStoreUnavailableException)
                {
                    return -1;
                }

                found += page.Hits.Count;
                after = page.Next;
            }
            while (after is not null);
            return found;
        }
    }

    private static async Task OverwriteAsync(string path, int from, int count)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        file.Seek(from, SeekOrigin.Begin);
        await file.WriteAsync(Enumerable.Repeat((byte)0xA5, count).ToArray());
    }

    private static void ExecuteOnFile(string path, string sql)
    {
        using SqliteConnection connection = SqliteFile.Open(path, SqliteSynchronous.Full);
        SqliteFile.Execute(connection, sql);
    }
}
