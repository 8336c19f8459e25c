using DChat.Core.Messages;
using DChat.Storage.Postgres;
using DChat.TestKit;
using Npgsql;
using Xunit.Abstractions;

namespace DChat.Storage.Tests.Postgres;

/// <summary>A PostgreSQL that restarts, crashes, freezes, refuses: what is acknowledged stays, callers are told in time, and it heals by itself.</summary>
public sealed class PostgresFaultTests(ITestOutputHelper output) : IAsyncLifetime
{
    private PostgresServer _server = null!;
    private string _database = "";

    private string Url => _server.Url(_database);

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        _database = await _server.CreateDatabaseAsync();
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task G1_G3_G4_a_server_that_crashes_at_any_moment_loses_doubles_and_reorders_nothing()
    {
        var random = new Random(Seed.Print(output));
        var crashes = LongTests.Pick(5, 100);
        await using var host = new PostgresHost(PostgresHost.OpenStore(Url), "room", 1);
        var (sent, answered, written) = (new List<string>(), new List<ChangeAnswer>(), 0);
        await host.OpenAsync();
        for (var crash = 0; crash < crashes; crash++)
        {
            // It is written all the while: the crash is always in the middle of something.
            using var restarted = new CancellationTokenSource();
            var crashAt = answered.Count + random.Next(1, 300);
            var writing = WriteAsync(restarted.Token);
            await Eventually.Holds(() => Volatile.Read(ref written) >= crashAt || writing.IsCompleted);
            await _server.StopImmediatelyAsync();
            await _server.StartAgainAsync();
            await restarted.CancelAsync();
            await writing.Within(PostgresHost.Limit);
        }

        var messages = await host.ReadAllAsync();
        Assert.Equal(sent, messages.Select(message => message.ClientId));
        Assert.Equal(messages.Select(message => message.Seq), answered.Select(answer => answer.Seq));
        Assert.Equal(messages.Select(message => message.SentAt), answered.Select(answer => answer.SentAt));
        output.WriteLine($"{messages.Count} messages, {host.Unknown} unknown outcomes");
        Assert.True(host.Unknown > 0);

        async Task WriteAsync(CancellationToken restarted)
        {
            await Task.Yield();
            while (!restarted.IsCancellationRequested)
            {
                var posts = Enumerable.Range(0, random.Next(1, 6)).Select(n => PostgresHost.Post($"{sent.Count + n}", at: sent.Count)).ToArray<RoomChange>();
                var result = await host.WriteAsync(posts);
                Assert.Equal(RoomStatus.Ok, result.Status);
                sent.AddRange(posts.Select(post => post.ClientId));
                answered.AddRange(result.Changes.Select(change => change.Answer));
                Volatile.Write(ref written, answered.Count);
            }
        }
    }

    [Fact]
    public async Task A_frozen_server_is_told_of_in_time_and_what_it_does_when_it_wakes_is_no_second_message()
    {
        await using var host = new PostgresHost(PostgresHost.OpenStore(Url), "room", 1);
        await host.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("before"));
        _server.Freeze();
        var told = await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => host.TryWriteAsync(PostgresHost.Post("during")));
        Assert.DoesNotContain(Uri.EscapeDataString(PostgresServer.Password), told.ToString());
        await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => host.OpenAsync());
        await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => host.ReadAllAsync());
        await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => host.Store.CheckAsync(default).Within(PostgresHost.Limit));

        _server.Thaw();
        await host.WriteAsync(PostgresHost.Post("during"), PostgresHost.Post("after"));
        Assert.Equal(["before", "during", "after"], (await host.ReadAllAsync()).Select(message => message.ClientId));
    }

    [Fact]
    public async Task Readers_do_not_notice_a_restart_nor_sessions_that_an_administrator_ended()
    {
        await using var host = new PostgresHost(PostgresHost.OpenStore(Url), "room", 1);
        await host.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("a"));
        for (var i = 0; i < 8; i++)
        {
            await host.ReadAllAsync();
        }

        await _server.ExecuteAsync("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'dchat%'");
        Assert.Single(await host.ReadAllAsync());
        await _server.StopAsync();
        await _server.StartAgainAsync();
        Assert.Single(await host.ReadAllAsync());
        await Eventually.Holds(() => host.Store.SearchLag == default);
    }

    [Fact]
    public async Task A_room_that_another_session_holds_is_told_of_and_written_when_it_is_free()
    {
        await using var host = new PostgresHost(PostgresHost.OpenStore(Url), "room", 1);
        await host.OpenAsync();
        await using (var other = await _server.ConnectAsync(_database))
        {
            await using var transaction = await other.BeginTransactionAsync();
            await using var command = new NpgsqlCommand("SELECT FROM dchat.rooms FOR UPDATE", other);
            await command.ExecuteNonQueryAsync();
            await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => host.TryWriteAsync(PostgresHost.Post("a")));
        }

        Assert.Equal(1, (await host.WriteAsync(PostgresHost.Post("a"))).Rev);
    }

    [Fact]
    public async Task A_server_that_may_not_be_written_is_told_of_and_reading_goes_on()
    {
        await using var host = new PostgresHost(PostgresHost.OpenStore(Url), "room", 1);
        await host.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("a"));
        await _server.ExecuteAsync("postgres", $"ALTER DATABASE {_database} SET default_transaction_read_only = on");
        await _server.ExecuteAsync("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'dchat%'");
        await Eventually.Holds(async () =>
        {
            var told = await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => host.TryWriteAsync(PostgresHost.Post("b")));
            return told.Message.Contains(PostgresErrorCodes.ReadOnlySqlTransaction);
        });
        await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => host.Store.CheckAsync(default));
        Assert.Single(await host.ReadAllAsync());

        await _server.ExecuteAsync("postgres", $"ALTER DATABASE {_database} RESET default_transaction_read_only");
        await _server.ExecuteAsync("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'dchat%'");
        Assert.Equal(2, (await host.WriteAsync(PostgresHost.Post("b"))).Rev);
    }

    [Fact]
    public async Task Tls_proves_the_server_to_whoever_asks_for_it()
    {
        var verified = _server.Url(_database, $"?sslmode=verify-full&sslrootcert={_server.RootCertificate}");
        await using (var host = new PostgresHost(PostgresHost.OpenStore(verified.Replace("@127.0.0.1", "@127.0.0.1:9,127.0.0.1")), "room", 1))
        {
            await host.OpenAsync();
            await host.TryWriteAsync(PostgresHost.Post("a"));
            Assert.Single(await host.ReadAllAsync());
            Assert.Equal(0L, await _server.ReadAsync("postgres", "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'dchat%' AND NOT ssl"));
        }

        await Eventually.Holds(async () => await _server.ReadAsync("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'dchat%'") is 0L);
        var unknown = await LookAsync(_server.Url(_database, "?sslmode=verify-full"));
        Assert.Contains("certificate", unknown!.Value.Problem);
        Assert.Contains("sslrootcert", unknown.Value.Remedy);
    }

    [Fact]
    public async Task What_is_in_the_way_of_a_start_is_said_with_its_remedy()
    {
        await _server.ExecuteAsync("postgres", "CREATE ROLE guest LOGIN PASSWORD 'guest'; REVOKE ALL ON DATABASE " + _database + " FROM PUBLIC; GRANT CONNECT ON DATABASE " + _database + " TO guest");
        await AssertFindingAsync(Url.Replace("%20this", "%20that"), "let \"dchat\" in", "PGPASSWORD");
        await AssertFindingAsync(_server.Url("nowhere"), "no database \"nowhere\"", "createdb");
        await AssertFindingAsync(Url.Replace("dchat:" + Uri.EscapeDataString(PostgresServer.Password), "guest:guest"), "schema \"dchat\"", "CREATE SCHEMA");
        await AssertFindingAsync(Url.Replace("127.0.0.1:" + _server.Port, "127.0.0.1:9"), "nobody listens", "start PostgreSQL");
        Assert.Null(await LookAsync(Url));
        Assert.Null(await LookAsync(Url.Replace("@127.0.0.1", "@127.0.0.1:9,127.0.0.1")));
        Assert.Null(await LookAsync(Url.Replace("@127.0.0.1", "@" + Uri.EscapeDataString(_server.SocketFolder))));
        await _server.StopAsync();
        await AssertFindingAsync(Url, "nobody listens", "start PostgreSQL");
        await _server.StartAgainAsync();

        static async Task AssertFindingAsync(string url, string problem, string remedy)
        {
            var finding = (await LookAsync(url))!.Value;
            Assert.Contains(problem, finding.Problem);
            Assert.Contains(remedy, finding.Remedy);
            Assert.DoesNotContain(Uri.EscapeDataString(PostgresServer.Password), finding.ToString());
        }
    }

    [Fact]
    public async Task A_start_waits_for_a_database_that_does_not_answer_and_for_nothing_that_is_wrong()
    {
        var wrong = await WaitAsync(Url.Replace("%20this", "%20that"), _ => Assert.Fail("a wrong password is waited for"));
        Assert.Contains("let \"dchat\" in", wrong!.Value.Problem);
        wrong = await WaitAsync(_server.Url("nowhere"), _ => Assert.Fail("a missing database is waited for"));
        Assert.Contains("no database", wrong!.Value.Problem);

        await _server.StopAsync();
        await WaitsUntilAsync("nobody listens", () => _server.StartAgainAsync());
        _server.Freeze();
        await WaitsUntilAsync("does not answer", () =>
        {
            _server.Thaw();
            return Task.CompletedTask;
        });

        async Task WaitsUntilAsync(string why, Func<Task> end)
        {
            var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            var looking = WaitAsync(Url, problem => Assert.True(said.TrySetResult(problem), "it is said twice"));
            Assert.Contains(why, await said.Task.WaitAsync(Eventually.DefaultLimit));
            Assert.False(looking.IsCompleted);
            await end();
            Assert.Null(await looking.WaitAsync(Eventually.DefaultLimit));
        }

        static Task<PostgresProbe.Finding?> WaitAsync(string url, Action<string> waits) =>
            PostgresProbe.LookAsync(PostgresUrl.Parse(url), TimeSpan.FromDays(1), TimeProvider.System, waits);
    }

    private static Task<PostgresProbe.Finding?> LookAsync(string url) =>
        PostgresProbe.LookAsync(PostgresUrl.Parse(url), TimeSpan.Zero, TimeProvider.System, _ => Assert.Fail("nobody wants to wait"));
}
