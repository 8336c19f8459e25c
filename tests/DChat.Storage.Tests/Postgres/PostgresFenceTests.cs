using DChat.Core.Messages;
using DChat.Storage.Postgres;
using DChat.Storage.Postgres.Messages;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit.Abstractions;

namespace DChat.Storage.Tests.Postgres;

/// <summary>Several stores on one database: who may write, who indexes, who migrates.</summary>
[Collection(PostgresTests.Name)]
public sealed class PostgresFenceTests(PostgresFixture postgres, ITestOutputHelper output) : IAsyncLifetime
{
    private string _database = "";

    private string Url => postgres.Server.Url(_database);

    public async Task InitializeAsync() => _database = await postgres.Server.CreateDatabaseAsync();

    public Task DisposeAsync() => postgres.Server.DropDatabaseAsync(_database);

    [Fact]
    public async Task G1_G3_hosts_that_take_a_room_from_each_other_lose_double_and_reorder_nothing()
    {
        var random = new Random(Seed.Print(output));
        const int hosts = 3;
        var stores = new List<PostgresMessageStore>();
        var acknowledged = new List<(string ClientId, long Seq)>();
        long epoch = 0;
        try
        {
            stores.AddRange(Enumerable.Range(0, hosts).Select(_ => PostgresHost.OpenStore(Url)));
            await Task.WhenAll(stores.Select((store, i) => HostAsync(store, i, new Random(random.Next())))).Within(PostgresHost.Limit);

            var messages = await new PostgresHost(stores[0], "room", 1).ReadAllAsync();
            var bySeq = messages.ToDictionary(message => message.Seq, message => message.ClientId);
            Assert.Equal(messages.Count, messages.Select(message => message.ClientId).Distinct().Count());
            var epochs = messages.Select(message => long.Parse(message.ClientId.Split('.')[0])).ToList();
            Assert.Equal(epochs.Order(), epochs);
            Assert.True(epochs.Distinct().Count() > hosts);
            Assert.All(acknowledged, each => Assert.Equal(each.ClientId, bySeq[each.Seq]));
            output.WriteLine($"{acknowledged.Count} acknowledged of {messages.Count}, {epoch} epochs");
        }
        finally
        {
            foreach (var store in stores)
            {
                await store.DisposeAsync();
            }
        }

        async Task HostAsync(PostgresMessageStore store, int who, Random mine)
        {
            var id = 0;
            for (var turn = 0; turn < 15; turn++)
            {
                var mineNow = Interlocked.Increment(ref epoch);
                var host = new PostgresHost(store, "room", mineNow);
                if (await host.OpenAsync() != RoomStatus.Ok)
                {
                    continue;
                }

                // Until another takes it.
                for (var batches = mine.Next(1, 30); batches > 0; batches--)
                {
                    var posts = Enumerable.Range(0, mine.Next(1, 5)).Select(_ => (RoomChange)PostgresHost.Post($"{mineNow}.{who}.{id++}")).ToArray();
                    var result = await host.TryWriteAsync(posts);
                    if (result.Status != RoomStatus.Ok)
                    {
                        Assert.Equal(RoomStatus.Fenced, result.Status);
                        break;
                    }

                    lock (acknowledged)
                    {
                        acknowledged.AddRange(posts.Select((post, i) => (post.ClientId, result.Changes[i].Answer.Seq)));
                    }
                }
            }
        }
    }

    [Fact]
    public async Task Repeats_between_other_changes_are_found_in_every_kind_of_batch()
    {
        await using var store = PostgresHost.OpenStore(Url);
        var host = new PostgresHost(store, "room", 1);
        await host.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("a"), PostgresHost.Post("b"));
        var mixed = await host.TryWriteAsync(PostgresHost.Post("c"), PostgresHost.Post("a"), PostgresHost.Post("d"));
        Assert.Equal([3, 1, 4], mixed.Changes.Select(change => change.Answer.Seq));
        Assert.Equal((4, 4), (mixed.Seq, mixed.Rev));
        var posted = await host.TryWriteAsync(
            PostgresHost.Post("e"), new EditMessage("alice", "f", 2_000, 5, "edited at once", ["bob"]), new DeleteMessage("alice", "g", 2_001, 3, false), PostgresHost.Post("b"));
        Assert.Equal([5, 5, 3, 2], posted.Changes.Select(change => change.Answer.Seq));
        Assert.Equal(("edited at once", 6), ((await store.FindMessageAsync("room", 5, null, default))!.Body, (int)posted.Changes[1].Answer.Rev));
        Assert.Equal(1, (await store.ReadMarksAsync("bob", ["room"], default))[0].Mentions);
    }

    /// <summary>A host that takes a busy room over is sent again what the one before had committed: that must not cost the more, the more was said in the room.</summary>
    [Fact]
    public async Task Repeats_in_a_busy_room_are_found_without_reading_its_other_answers()
    {
        const int batch = 100;
        const int said = 5_000;
        await using (var store = PostgresHost.OpenStore(Url))
        {
            await postgres.Server.ExecuteAsync(_database, "ALTER TABLE dchat.answers SET (autovacuum_enabled = off)"); // The planner knows nothing of it.
            var host = new PostgresHost(store, "room", 1);
            await host.OpenAsync();
            for (var i = 0; i < said; i += batch)
            {
                await host.TryWriteAsync([.. Enumerable.Range(i, batch).Select(Post)]);
            }
        }

        await using (var store = PostgresHost.OpenStore(Url))
        {
            var host = new PostgresHost(store, "room", 2);
            await host.OpenAsync();
            var again = await host.TryWriteAsync([.. Enumerable.Range(said - (batch / 2), batch).Select(Post)]);
            Assert.Equal(Enumerable.Range(said - (batch / 2), batch), again.Changes.Select(change => (int)change.Answer.Seq - 1));
        }

        // Counted when the session ends.
        const string read = "SELECT {0} FROM pg_stat_user_indexes WHERE indexrelname = 'answers_pkey'";
        await Eventually.Holds(async () => (long)(await postgres.Server.ReadAsync(_database, string.Format(read, "idx_scan")))! >= batch);
        Assert.InRange((long)(await postgres.Server.ReadAsync(_database, string.Format(read, "idx_tup_read")))!, 0, said / 2);

        static RoomChange Post(int i) => new PostMessage($"user{i % 20}", $"id{i}", 1_000, MessageKind.Text, "hello", null, [], []);
    }

    [Fact]
    public async Task A_message_of_a_host_whose_clock_is_ahead_is_dated_by_the_servers_and_answered_as_it_is_written()
    {
        await using var store = PostgresHost.OpenStore(Url);
        var host = new PostgresHost(store, "room", 1);
        await host.OpenAsync();
        var ahead = TimeProvider.System.GetUtcNow().AddDays(3).ToUnixTimeMilliseconds();
        var plain = await host.TryWriteAsync(PostgresHost.Post("a", at: 1_000), PostgresHost.Post("b", at: ahead), PostgresHost.Post("c", at: 2_000));
        var decided = await host.TryWriteAsync(PostgresHost.Post("d", at: ahead), new EditMessage("alice", "e", ahead, 4, "edited", []), PostgresHost.Post("d", at: ahead));

        var latest = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + BatchRows.AheadMs;
        var written = await host.ReadAllAsync();
        Assert.Equal(1_000, written[0].SentAt);
        Assert.All(written[1..], message => Assert.InRange(message.SentAt, latest - (2 * BatchRows.AheadMs), latest));
        Assert.Equal(written.Select(message => message.SentAt), new[] { plain.Changes[0], plain.Changes[1], plain.Changes[2], decided.Changes[0] }.Select(change => change.Answer.SentAt));
        Assert.Equal(written.Select(message => message.SentAt), new[] { plain.Changes[0], plain.Changes[1], plain.Changes[2], decided.Changes[1] }.Select(change => change.Event!.Message.SentAt));
        Assert.Equal(decided.Changes[0].Answer, decided.Changes[2].Answer);
        Assert.Equal(decided.Changes[0].Answer, await store.FindAnswerAsync("room", "alice", "d", default));
        Assert.Equal([written[3].SentAt], await store.ReadLastSentAsync(["room"], default));
    }

    [Fact]
    public async Task A_session_whose_write_was_abandoned_is_ended_before_a_room_is_opened_again()
    {
        var url = PostgresUrl.Parse(Url);
        await using var strays = new Strays();
        await using var sources = new PostgresSources(url, strays, TimeProvider.System, NullLogger.Instance);
        var abandoned = new AbandonedWrites(sources, url);
        await using var connection = await sources.Writer.OpenAsync(default);
        await using var pool = await PostgresPoolsTests.TakeAllAsync(sources.Reader);
        abandoned.Add(connection.ProcessID);
        await abandoned.EndAsync(default).Within(PostgresHost.Limit);
        await using var command = new NpgsqlCommand("SELECT 1", connection);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => command.ExecuteScalarAsync());
    }

    [Fact]
    public async Task G4_an_error_in_the_middle_of_what_is_read_lets_nothing_be_taken_for_something_else()
    {
        // An account of its own: from an administrator no right can be taken.
        var role = $"owner_of_{_database}";
        await postgres.Server.ExecuteAsync(_database, $"CREATE ROLE {role} LOGIN PASSWORD '{role}'; CREATE SCHEMA dchat AUTHORIZATION {role}");
        await using var store = PostgresHost.OpenStore(Url.Replace($"{PostgresServer.User}:{Uri.EscapeDataString(PostgresServer.Password)}", $"{role}:{role}", StringComparison.Ordinal));
        var host = new PostgresHost(store, "room", 1);
        await host.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("a"));
        RoomChange edit = new EditMessage("alice", "b", 2_000, 1, "edited", []);
        await postgres.Server.ExecuteAsync(_database, $"REVOKE SELECT ON dchat.answers FROM {role}");
        for (var i = 0; i < 4; i++)
        {
            await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => host.TryWriteAsync(edit)); // The driver prepares what comes again.
        }

        await postgres.Server.ExecuteAsync(_database, $"GRANT SELECT ON dchat.answers TO {role}");
        await host.OpenAsync();
        var answer = (await host.TryWriteAsync(edit)).Changes[0].Answer;
        Assert.Equal((1L, 2L), (answer.Seq, answer.Rev));
        Assert.Equal("edited", (await host.ReadAllAsync()).Single().Body);
    }

    [Fact]
    public async Task Four_that_start_at_once_migrate_once()
    {
        var stores = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => PostgresHost.OpenStore(Url)))).Within(PostgresHost.Limit);
        foreach (var store in stores)
        {
            await store.CheckAsync(default).Within(PostgresHost.Limit);
            await store.DisposeAsync();
        }

        Assert.Equal(1L, await postgres.Server.ReadAsync(_database, "SELECT count(*) FROM dchat.schema_versions"));
    }

    [Fact]
    public async Task A_newer_schema_is_refused()
    {
        await PostgresHost.OpenStore(Url).DisposeAsync();
        await postgres.Server.ExecuteAsync(_database, "INSERT INTO dchat.schema_versions VALUES (99)");
        var refused = Assert.Throws<PostgresSchemaException>(() => PostgresHost.OpenStore(Url));
        Assert.Contains("99", refused.Message);
        Assert.Contains("Remedy", refused.Message);
        Assert.DoesNotContain(Uri.EscapeDataString(PostgresServer.Password), refused.Message);
    }

    [Fact]
    public async Task Checks_of_several_processes_do_not_wait_for_each_other()
    {
        await PostgresHost.OpenStore(Url).DisposeAsync();
        await postgres.Server.ExecuteAsync(_database, "DROP TABLE dchat.store_checks"); // It was made by an older version, which works beside this one.
        await using var first = PostgresHost.OpenStore(Url);
        await first.CheckAsync(default);
        await postgres.Server.ExecuteAsync(
            _database, "INSERT INTO dchat.store_checks (process, at) VALUES ('long gone', now() - interval '2 days'), ('lately', now() - interval '1 hour')");
        await using var busy = await postgres.Server.ConnectAsync(_database);
        await using var transaction = await busy.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("UPDATE dchat.store SET checks = checks + 1; UPDATE dchat.store_checks SET at = at", busy);
        await command.ExecuteNonQueryAsync();
        await using var second = PostgresHost.OpenStore(Url);
        await second.CheckAsync(default); // The rows of all others are locked, and that in which older versions count.
        await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => first.CheckAsync(default)); // A check that cannot write fails.

        await transaction.RollbackAsync();
        await first.CheckAsync(default);
        await using var third = PostgresHost.OpenStore(Url);
        await third.CheckAsync(default);
        Assert.Equal(4L, await postgres.Server.ReadAsync(_database, "SELECT count(*) FROM dchat.store_checks WHERE process <> 'long gone'"));
        Assert.Equal(4L, await postgres.Server.ReadAsync(_database, "SELECT count(*) FROM dchat.store_checks"));
    }

    [Fact]
    public async Task A_migration_that_fails_changes_nothing()
    {
        await PostgresHost.OpenStore(Url).DisposeAsync();
        PostgresMigration[] broken = [.. PostgresMigration.All, new(PostgresMigration.All.Count + 1, "DROP TABLE dchat.messages; nonsense")];
        Assert.ThrowsAny<Exception>(() => Open(broken));
        await using var store = PostgresHost.OpenStore(Url);
        Assert.Empty((await store.ReadBeforeAsync("room", null, 10, null, default)).Messages);
    }

    [Fact]
    public async Task One_store_indexes_for_all_and_another_takes_over()
    {
        var first = PostgresHost.OpenStore(Url);
        await using var second = PostgresHost.OpenStore(Url);
        await Eventually.Holds(async () => await TurnsAsync() == 1);
        var host = new PostgresHost(second, "room", 1);
        await host.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("a", "needle"));
        await UntilFoundAsync(1);
        Assert.Equal(1, await TurnsAsync());

        await first.DisposeAsync();
        await host.TryWriteAsync(PostgresHost.Post("b", "needle"));
        await UntilFoundAsync(2);
        await Eventually.Holds(() => second.SearchLag == default);

        async Task<long> TurnsAsync() => (long)(await postgres.Server.ReadAsync(
            _database, $"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = {PostgresMigrations.LockClass} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"))!;

        Task UntilFoundAsync(int count) => Eventually.Holds(async () =>
            (await second.SearchAsync(new SearchQuery("needle", ["room"], null, 10, null), default)).Hits.Count == count);
    }

    [Fact]
    public async Task A_search_that_spends_its_budget_goes_on_where_it_stopped()
    {
        const int count = 4_000;
        await using var store = PostgresHost.OpenStore(Url, searchBudget: TimeSpan.Zero);
        string[] rooms = [.. Enumerable.Range(1, count).Select(i => $"room{i}")];
        foreach (var some in rooms.Chunk(1_000))
        {
            await store.OpenAsync([.. some.Select(room => new RoomAtEpoch(room, 1))], default).Within(PostgresHost.Limit);
            await store.WriteAsync([.. some.Select(room => new RoomWrite(room, 1, 0, [PostgresHost.Post("1", Body(room), At(room))]))], default).Within(PostgresHost.Limit);
        }

        await Eventually.Holds(() => store.SearchLag == default, PostgresHost.Limit);
        var (found, pages) = await SearchAllAsync(store, rooms, 50);
        Assert.Equal(["room3001", "room1"], found.Select(hit => hit.Room));
        Assert.True(pages > 1);

        static string Body(string room) => At(room) % 3_000 == 1 ? "needle" : "hay";

        static long At(string room) => long.Parse(room[4..]);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(200)]
    public async Task All_hits_of_a_room_of_many_windows_are_found_once_and_in_order(int limit)
    {
        const int count = 12_000;
        await using var store = PostgresHost.OpenStore(Url);
        var host = new PostgresHost(store, "room", 1);
        await host.OpenAsync();
        for (var from = 1; from <= count; from += 1_000)
        {
            await host.TryWriteAsync([.. Enumerable.Range(from, 1_000).Select(i => PostgresHost.Post($"{i}", i % 97 == 0 ? "needle" : "hay", i / 50))]);
        }

        await Eventually.Holds(() => store.SearchLag == default, PostgresHost.Limit);
        var (found, _) = await SearchAllAsync(store, ["room"], limit);
        Assert.Equal(Enumerable.Range(1, count).Where(i => i % 97 == 0).Reverse().Select(i => (long)i), found.Select(hit => hit.Message.Seq));
    }

    private static async Task<(List<FoundMessage> Hits, int Pages)> SearchAllAsync(PostgresMessageStore store, string[] rooms, int limit)
    {
        var (found, pages) = (new List<FoundMessage>(), 0);
        string? after = null;
        do
        {
            var page = await store.SearchAsync(new SearchQuery("needle", rooms, after, limit, null), default).Within(PostgresHost.Limit);
            found.AddRange(page.Hits);
            after = page.Next;
            pages++;
        }
        while (after is not null);
        return (found, pages);
    }

    private PostgresMessageStore Open(IReadOnlyList<PostgresMigration> migrations) => PostgresMessageStore.Open(
        new PostgresMessageStoreOptions { Url = PostgresUrl.Parse(Url) }, migrations, TimeProvider.System, NullLogger<PostgresMessageStore>.Instance);
}
