using DChat.Core.Messages;
using DChat.Storage.Postgres;
using DChat.Storage.Postgres.Archive;
using DChat.TestKit;

namespace DChat.Storage.Tests.Postgres;

/// <summary>Only the primary is used, and of two the one that was promoted last: behind one name that leads to a standby for a while, and among several hosts.</summary>
public sealed class PostgresPrimaryTests : IAsyncLifetime
{
    private const string Role = "plain";

    /// <summary>Calls that are refused one after the other where nothing else can happen.</summary>
    private const int Refusals = 3;

    private readonly List<PostgresHost> _hosts = [];
    private PostgresServer _primary = null!;
    private PostgresServer _standby = null!;

    /// <summary>Of a user without any rights but to its own database.</summary>
    public async Task InitializeAsync()
    {
        _primary = await PostgresServer.StartAsync();
        await _primary.ExecuteAsync("postgres", $"CREATE ROLE {Role} LOGIN PASSWORD '{Role}'");
        await _primary.ExecuteAsync("postgres", $"CREATE DATABASE {Role} OWNER {Role}");
        _standby = await _primary.StartStandbyAsync();
        await _primary.WaitForStandbysAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        await _standby.DisposeAsync();
        await _primary.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Behind_one_name_a_standby_is_not_used_and_nothing_stays_with_it(bool isHidden)
    {
        await using var door = new PostgresDoor(_primary.Port) { HidesStandby = isHidden };
        var host = await OpenHostAsync($"{door.Port}");
        await host.TryWriteAsync(PostgresHost.Post("before"));

        // The old primary is back as a standby before the name has moved.
        door.LeadTo(_standby.Port);
        door.EndSessions();
        await RefusalAsync(() => host.Store.FindAnswerAsync("room", "alice", "before", default)); // That there is none could be true of the standby alone.
        var writing = host.WriteAsync(PostgresHost.Post("during"));
        await Eventually.Holds(async () => (await RefusalAsync(() => host.Store.CheckAsync(default))).Contains("is a standby"), PostgresHost.Limit);
        for (var i = 0; i < Refusals; i++)
        {
            await RefusalAsync(() => host.ReadAllAsync());
        }

        Assert.False(writing.IsCompleted);

        // It moves, and those who have a connection to the standby keep it.
        door.LeadTo(_primary.Port);
        await writing.Within(PostgresHost.Limit);
        Assert.Equal(["before", "during"], (await host.ReadAllAsync()).Select(message => message.ClientId));
        for (var i = 0; i < PostgresUrl.DefaultConnections; i++)
        {
            await host.TryWriteAsync(PostgresHost.Post($"after {i}"));
            await host.Store.CheckAsync(default);
        }
    }

    [Fact]
    public async Task Of_several_hosts_none_of_which_can_be_used_each_is_named_with_its_reason()
    {
        await using var door = new PostgresDoor(_primary.Port);
        var host = await OpenHostAsync($"{door.Port},127.0.0.1:{_standby.Port}");
        await host.TryWriteAsync(PostgresHost.Post("before"));
        door.Refuse();
        string? said = null;
        await Eventually.Holds(async () => (said = await RefusalAsync(() => host.Store.CheckAsync(default))).Contains($":{_standby.Port} is a standby"), PostgresHost.Limit);
        Assert.Contains($":{door.Port}: ", said);
        door.LetIn();
        await host.WriteAsync(PostgresHost.Post("after")).Within(PostgresHost.Limit);
    }

    [Fact]
    public async Task A_start_at_a_standby_is_told_what_is_wrong_and_waits_for_its_promotion()
    {
        var url = Url($"{_standby.Port}");
        var finding = (await LookAsync(url, TimeSpan.Zero, _ => { }))!.Value;
        Assert.Contains("is a standby", finding.Problem);
        Assert.Contains("name the primary", finding.Remedy);
        Assert.Contains("none of", (await LookAsync(Url($"{_standby.Port},127.0.0.1:{_standby.Port}"), TimeSpan.Zero, _ => { }))!.Value.Problem);
        Assert.Contains("is a standby", Assert.Throws<MessageStoreUnavailableException>(() => PostgresHost.OpenStore(url)).Message);

        var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var looking = LookAsync(url, TimeSpan.FromDays(1), said.SetResult);
        Assert.Contains("is a standby", await said.Task.Within(PostgresHost.Limit));
        await _standby.PromoteAsync();
        Assert.Null(await looking.Within(PostgresHost.Limit));

        static Task<PostgresProbe.Finding?> LookAsync(string url, TimeSpan patience, Action<string> waits) =>
            PostgresProbe.LookAsync(PostgresUrl.Parse(url), patience, TimeProvider.System, waits);
    }

    [Fact]
    public async Task A_primary_that_lives_and_can_commit_nothing_is_left_for_the_one_that_was_promoted_and_never_taken_again()
    {
        var hosts = $"{_primary.Port},127.0.0.1:{_standby.Port}";
        var (writer, reader) = (await OpenHostAsync(hosts), await OpenHostAsync(hosts));
        await writer.TryWriteAsync(PostgresHost.Post("before"));
        await _standby.PromoteAsync();
        await writer.WriteAsync(PostgresHost.Post("after"));

        // One that writes nothing has nothing but its checks.
        await Eventually.Holds(
            async () =>
            {
                try
                {
                    await reader.Store.CheckAsync(default);
                    return true;
                }
                catch (MessageStoreUnavailableException)
                {
                    return false;
                }
            },
            PostgresHost.Limit);
        Assert.Equal(["before", "after"], (await reader.ReadAllAsync()).Select(message => message.ClientId));

        await _standby.StopAsync();
        for (var i = 0; i < Refusals; i++)
        {
            await RefusalAsync(() => reader.ReadAllAsync());
        }

        await _standby.StartAgainAsync();
        await writer.WriteAsync(PostgresHost.Post("last"));
        Assert.Equal(["before", "after", "last"], (await reader.ReadAllAsync()).Select(message => message.ClientId));
    }

    [Fact]
    public async Task G2_what_the_synchronous_standby_has_not_yet_is_shown_to_nobody_and_comes_when_it_has()
    {
        var host = await OpenHostAsync($"{_primary.Port}");
        var other = new PostgresHost(host.Store, "other", 1);
        await other.OpenAsync();
        await host.TryWriteAsync(PostgresHost.Post("before"));
        _standby.Freeze();
        try
        {
            // By the time that the others have been given up too, whoever was to cancel the first has done so.
            await RefusalAsync(() => host.TryWriteAsync(PostgresHost.Post("during")));
            await RefusalAsync(() => other.TryWriteAsync(PostgresHost.Post("other")));
            await RefusalAsync(() => host.Store.OpenAsync([new RoomAtEpoch("third", 1)], default));
            Assert.Equal(2L, await _primary.ReadAsync("postgres", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE 'dchat%commits'"));
            Assert.Equal(["before"], (await host.ReadAllAsync()).Select(message => message.ClientId));
            Assert.Null(await host.Store.FindAnswerAsync("room", "alice", "during", default).Within(PostgresHost.Limit));

            // Somebody does what we do not: now it is seen, and a fail-over would lose it. No repeat is answered with it.
            await _primary.ReadAsync("postgres", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE 'dchat%commits'");
            await Eventually.Holds(async () => (await host.ReadAllAsync()).Count == 2, PostgresHost.Limit);
            await RefusalAsync(() => host.Store.FindAnswerAsync("room", "alice", "during", default));
        }
        finally
        {
            _standby.Thaw();
        }

        await Eventually.Holds(async () => await FindAsync() == 2, PostgresHost.Limit);
        await host.WriteAsync(PostgresHost.Post("during"), PostgresHost.Post("after"));
        await other.WriteAsync(PostgresHost.Post("other"));
        Assert.Equal(["before", "during", "after"], (await host.ReadAllAsync()).Select(message => message.ClientId));
        Assert.Single(await other.ReadAllAsync());

        async Task<long> FindAsync()
        {
            try
            {
                return (await host.Store.FindAnswerAsync("room", "alice", "during", default))!.Value.Seq;
            }
            catch (MessageStoreUnavailableException)
            {
                return 0;
            }
        }
    }

    [Fact]
    public async Task A_backup_is_made_of_the_latest_primary_as_a_whole_or_not_at_all_and_none_of_a_standby()
    {
        var hosts = $"{_primary.Port},127.0.0.1:{_standby.Port}";
        var host = await OpenHostAsync(hosts);
        await host.TryWriteAsync(PostgresHost.Post("before"));
        await _primary.ExecuteAsync("postgres", $"CREATE DATABASE empty OWNER {Role}");
        await using (var standby = Archive($"{_standby.Port}"))
        {
            Assert.Contains("is a standby", await RefusalAsync(() => standby.LookAsync(default)));
            Assert.Contains("is a standby", await RefusalAsync(() => ReadAsync(standby)));
            Assert.Contains("is a standby", await RefusalAsync(() => standby.BeginFillAsync(null, default)));
        }

        // A fail-over comes between: the one that is left behind lives on, and lacks what is said from now on.
        await using var begun = Archive(hosts);
        await using var pieces = begun.ReadAsync(default).GetAsyncEnumerator();
        Assert.True(await pieces.MoveNextAsync().AsTask().Within(PostgresHost.Limit));
        await using var filled = Archive(hosts, "empty");
        await filled.BeginFillAsync(null, default).Within(PostgresHost.Limit);
        await _standby.PromoteAsync();
        await host.WriteAsync(PostgresHost.Post("after"));
        Assert.Contains("fail-over", await RefusalAsync(async () =>
        {
            while (await pieces.MoveNextAsync())
            {
                // To its end.
            }
        }));
        Assert.Contains("fail-over", await RefusalAsync(() => filled.EndFillAsync(new RoomLift(1, 1, 1), [], default)));

        await using var after = Archive(hosts);
        Assert.Equal(2, (await after.LookAsync(default).Within(PostgresHost.Limit)).Messages);
        Assert.Equal(["before", "after"], await ReadAsync(after).Within(PostgresHost.Limit));

        static PostgresMessageArchive Archive(string hosts, string database = Role) =>
            new(PostgresUrl.Parse($"postgres://{Role}:{Role}@127.0.0.1:{hosts}/{database}"), TimeProvider.System);

        static async Task<List<string>> ReadAsync(PostgresMessageArchive archive)
        {
            var found = new List<string>();
            await foreach (var piece in archive.ReadAsync(default))
            {
                found.AddRange((piece as RoomMessages)?.Messages.Select(each => each.Message.ClientId) ?? []);
            }

            return found;
        }
    }

    private static async Task<string> RefusalAsync(Func<Task> call) =>
        (await Assert.ThrowsAsync<MessageStoreUnavailableException>(() => call().Within(PostgresHost.Limit))).Message;

    private static string Url(string hosts) => $"postgres://{Role}:{Role}@127.0.0.1:{hosts}/{Role}";

    private async Task<PostgresHost> OpenHostAsync(string hosts)
    {
        var host = new PostgresHost(PostgresHost.OpenStore(Url(hosts)), "room", 1);
        _hosts.Add(host);
        await host.OpenAsync();
        return host;
    }
}
