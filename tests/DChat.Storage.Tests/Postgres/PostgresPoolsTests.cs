using DChat.Core.Messages;
using DChat.Storage.Postgres;
using DChat.TestKit;
using Npgsql;

namespace DChat.Storage.Tests.Postgres;

/// <summary>What waits for what in a store: commits, openings and the check for no reader, and no room for what becomes of another.</summary>
[Collection(PostgresTests.Name)]
public sealed class PostgresPoolsTests(PostgresFixture postgres) : IAsyncLifetime
{
    /// <summary>Searches at once: those that queue wait longer than any call may.</summary>
    private const int Searches = 64;

    private string _database = "";
    private int _refused;

    private string Url => postgres.Server.Url(_database);

    public async Task InitializeAsync() => _database = await postgres.Server.CreateDatabaseAsync();

    public Task DisposeAsync() => postgres.Server.DropDatabaseAsync(_database);

    [Theory]
    [InlineData(6, 1)]
    [InlineData(PostgresUrl.DefaultConnections, 6)]
    public async Task However_many_readers_queue_rooms_are_opened_and_written_and_the_store_is_checked(int connections, int readers)
    {
        await using var store = PostgresHost.OpenStore($"{Url}?connections={connections}");
        var host = new PostgresHost(store, "room", 1);
        await host.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("a", "needle"));
        using var enough = new CancellationTokenSource();
        await using var other = await postgres.Server.ConnectAsync(_database);
        await using var transaction = await other.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("LOCK TABLE dchat.search", other))
        {
            await hold.ExecuteNonQueryAsync(); // Only searches read it, and who indexes.
        }

        var searching = Task.WhenAll(Enumerable.Range(0, Searches).Select(_ => SearchAsync()));
        try
        {
            await Eventually.Holds(async () => await postgres.Server.ReadAsync(
                _database, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'dchat%reads' AND wait_event_type = 'Lock'") is long held && held == readers);

            // Not once, with luck: by the time that this is over each who waits for a connection has been told that there is none.
            var refused = Volatile.Read(ref _refused) + Searches;
            for (var i = 0; Volatile.Read(ref _refused) < refused; i++)
            {
                await store.CheckAsync(default).Within(PostgresHost.Limit);
                Assert.Equal([1], await store.ReadEpochsAsync(["room"], default).Within(PostgresHost.Limit));
                Assert.Equal(RoomStatus.Ok, (await store.OpenAsync([new RoomAtEpoch($"room {i}", 1)], default).Within(PostgresHost.Limit))[0].Status);
                var posted = await host.TryWriteAsync(PostgresHost.Post($"b{i}"));
                var seq = posted.Changes[0].Answer.Seq;
                var edited = await host.TryWriteAsync(new EditMessage("alice", $"c{i}", 2_000, seq, "edited", []), new React("alice", $"d{i}", 2_000, seq, "👍", true));
                Assert.All(edited.Changes, change => Assert.Equal(ChangeRefusal.None, change.Refusal));
                var repeated = await host.TryWriteAsync(PostgresHost.Post($"b{i}"));
                Assert.Equal(seq, repeated.Changes[0].Answer.Seq);
            }
        }
        finally
        {
            await enough.CancelAsync();
            await transaction.RollbackAsync();
            await searching.Within(PostgresHost.Limit);
        }

        async Task SearchAsync()
        {
            while (!enough.IsCancellationRequested)
            {
                try
                {
                    await store.SearchAsync(new SearchQuery("needle", ["room"], null, 1, null), default).Within(PostgresHost.Limit);
                }
                catch (MessageStoreUnavailableException)
                {
                    Interlocked.Increment(ref _refused);
                    await Task.Yield();
                }
            }
        }
    }

    [Fact]
    public async Task G3_G4_a_room_that_cannot_be_read_or_written_fails_no_other_of_its_batch()
    {
        // An account of its own: from an administrator no right can be taken.
        var role = $"owner_of_{_database}";
        await postgres.Server.ExecuteAsync(_database, $"CREATE ROLE {role} LOGIN PASSWORD '{role}'; CREATE SCHEMA dchat AUTHORIZATION {role}");
        await using var store = PostgresHost.OpenStore(Url.Replace($"{PostgresServer.User}:{Uri.EscapeDataString(PostgresServer.Password)}", $"{role}:{role}"));
        var (well, ill) = (new PostgresHost(store, "well", 1), new PostgresHost(store, "ill", 1));
        await well.OpenAsync();
        await ill.OpenAsync();
        await well.TryWriteAsync(PostgresHost.Post("a"));
        await ill.TryWriteAsync(PostgresHost.Post("a"));
        RoomChange edit = new EditMessage("alice", "b", 2_000, 1, "edited", []);

        // What is decided on cannot be read: neither before the others are written, nor when they are.
        await postgres.Server.ExecuteAsync(_database, $"REVOKE SELECT ON dchat.answers FROM {role}");
        await AssertUnknownAsync([PostgresHost.Post("b")], edit);
        await AssertUnknownAsync([PostgresHost.Post("c")], PostgresHost.Post("b") with { ReplyTo = 99 });
        await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => ill.TryWriteAsync(edit));
        await postgres.Server.ExecuteAsync(_database, $"GRANT SELECT ON dchat.answers TO {role}");
        Assert.Equal((RoomStatus.Ok, 1L, 1L), (await ill.OpenAsync(), ill.Rev, (long)(await ill.ReadAllAsync()).Count));
        Assert.Equal((1, 2), await AnswerAsync(edit));

        // The others are written when it is looked at closer, for a repeat in it, and the server refuses to write it then.
        await postgres.Server.ExecuteAsync(
            _database,
            """
            CREATE FUNCTION dchat.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON dchat.messages FOR EACH ROW WHEN (NEW.body = 'refused') EXECUTE FUNCTION dchat.refuse();
            """);
        await AssertUnknownAsync([PostgresHost.Post("d")], PostgresHost.Post("a"), PostgresHost.Post("c", "refused"));
        await postgres.Server.ExecuteAsync(_database, "DROP TRIGGER refuse ON dchat.messages");
        await ill.OpenAsync();
        Assert.Equal((1, 2), await AnswerAsync(edit));
        Assert.Equal((2, 3), await AnswerAsync(PostgresHost.Post("c", "refused")));
        Assert.Equal(["a", "b", "c", "d"], (await well.ReadAllAsync()).Select(message => message.ClientId));

        async Task<(int Seq, int Rev)> AnswerAsync(RoomChange change)
        {
            var answer = (await ill.TryWriteAsync(change)).Changes[0].Answer;
            return ((int)answer.Seq, (int)answer.Rev);
        }

        async Task AssertUnknownAsync(RoomChange[] written, params RoomChange[] unknown)
        {
            var results = await store.WriteAsync([new RoomWrite("ill", 1, ill.Rev, unknown), new RoomWrite("well", 1, well.Rev, written)], default).Within(PostgresHost.Limit);
            Assert.Equal([RoomStatus.Unknown, RoomStatus.Ok], results.Select(result => result.Status));
            Assert.Empty(results[0].Changes);
            Assert.Equal(well.Rev + 1, results[1].Rev);
            Assert.Equal(results[1].Rev, results[1].Changes.Single().Answer.Rev);
            await well.OpenAsync();
            Assert.Equal(results[1].Rev, well.Rev);
        }
    }

    /// <summary>Takes all connections of a pool, until it is disposed of.</summary>
    internal static async Task<IAsyncDisposable> TakeAllAsync(PostgresPool pool)
    {
        var taken = new Taken();
        try
        {
            while (true)
            {
                taken.Connections.Add(await pool.OpenAsync(default));
            }
        }
        catch (NpgsqlException)
        {
            return taken; // There are no more.
        }
    }

    private sealed class Taken : IAsyncDisposable
    {
        public List<NpgsqlConnection> Connections { get; } = [];

        public async ValueTask DisposeAsync()
        {
            foreach (var connection in Connections)
            {
                await connection.DisposeAsync();
            }
        }
    }
}
