using DChat.Core.ControlLog;
using DChat.Storage.Sqlite;
using DChat.Storage.Sqlite.ControlLog;

namespace DChat.Storage.Tests.ControlLog;

public sealed class SqliteControlLogTests : ControlLogSpec
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dchat-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "control.db");

    public override void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        base.Dispose();
    }

    protected override Task<IControlLog> OpenAsync() => Task.FromResult<IControlLog>(SqliteControlLog.Open(Path));

    [Fact]
    public async Task Whatever_was_acknowledged_is_in_the_files_that_a_killed_process_leaves()
    {
        await using var log = SqliteControlLog.Open(Path);
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        for (var index = 1L; index <= 5; index++)
        {
            await AppendManyAsync(log, leadership.Term, index, index);

            var left = Directory.CreateDirectory(System.IO.Path.Combine(_folder, $"killed-{index}")).FullName;
            foreach (var file in Directory.GetFiles(_folder, "control.db*").Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
            {
                File.Copy(file, System.IO.Path.Combine(left, System.IO.Path.GetFileName(file)));
            }

            await using var copy = SqliteControlLog.Open(System.IO.Path.Combine(left, "control.db"));
            Assert.Equal(new LogBounds(1, index), await copy.ReadBoundsAsync(InTime));
            await using var next = await copy.CampaignAsync("a:1", InTime);
            Assert.True(next.Term > leadership.Term);
        }
    }

    [Fact]
    public async Task A_second_process_is_refused()
    {
        await using var log = SqliteControlLog.Open(Path);

        var error = Assert.Throws<SqliteInUseException>(() => SqliteControlLog.Open(Path));

        Assert.Contains("--data", error.Message);
    }

    [Theory]
    [InlineData("UPDATE log_entry SET payload = x'00' WHERE idx = 4", "entry 4 does not match its checksum")]
    [InlineData("UPDATE log_entry SET hash = x'00' WHERE idx = 4", "entry 4 does not match its checksum")]
    [InlineData("UPDATE log_entry SET term = term + 1 WHERE idx = 4", "entry 4 does not match its checksum")]
    [InlineData("DELETE FROM log_entry WHERE idx = 3", "entry 3 is missing")]
    [InlineData("DELETE FROM log_entry WHERE idx = 1", "entry 1 is missing")]
    [InlineData("DELETE FROM log_entry WHERE idx >= 5", "entry 5 is missing")]
    [InlineData("UPDATE log_state SET last = 5", "entry 7 lies beyond the log's end")]
    [InlineData("UPDATE log_state SET first = 2", "entry 2 is missing")]
    [InlineData("UPDATE log_state SET term = 0", "entry 1 has term 1")]
    [InlineData("UPDATE log_entry SET payload = (SELECT payload FROM log_entry WHERE idx = 2), hash = (SELECT hash FROM log_entry WHERE idx = 2) WHERE idx = 5", "entry 5 does not match")]
    [InlineData("DELETE FROM log_state", "log_state")]
    public async Task Damage_is_found_when_the_log_is_opened_and_named(string damage, string named)
    {
        await FillAsync(6);
        Damage(damage);

        var error = Assert.Throws<ControlLogDamagedException>(() => SqliteControlLog.Open(Path));

        Assert.Contains(named, error.Message);
        Assert.Contains(Path, error.Message);
        Assert.Contains("Remedy", error.Message);
    }

    [Fact]
    public async Task Damage_that_happens_while_it_is_open_is_found_by_the_reader()
    {
        await FillAsync(6);
        await using var log = SqliteControlLog.Open(Path);
        Damage("UPDATE log_entry SET payload = x'00' WHERE idx = 4");


        await Assert.ThrowsAsync<ControlLogDamagedException>(() => ReadAsync(log, 4, 1));
    }

    [Fact]
    public async Task A_byte_flipped_anywhere_in_an_entry_is_found()
    {
        await FillAsync(6);
        var file = await File.ReadAllBytesAsync(Path, InTime);
        var at = file.AsSpan().IndexOf(Bytes("entry 5"));
        Assert.True(at > 0);
        file[at + 3] ^= 0x40;
        await File.WriteAllBytesAsync(Path, file, InTime);

        var error = Assert.Throws<ControlLogDamagedException>(() => SqliteControlLog.Open(Path));

        Assert.Contains("entry 5", error.Message);
    }

    [Fact]
    public async Task A_file_that_is_cut_off_is_damaged_not_empty()
    {
        await FillAsync(60);
        await using (var file = new FileStream(Path, FileMode.Open))
        {
            file.SetLength(file.Length / 2);
        }

        Assert.Throws<ControlLogDamagedException>(() => SqliteControlLog.Open(Path));
    }

    [Theory]
    [InlineData("INSERT INTO schema_versions VALUES (99, 0)", "schema version 99")]
    [InlineData("PRAGMA application_id = 7", "another program")]
    public async Task A_file_of_a_newer_release_or_another_program_is_refused(string change, string named)
    {
        await FillAsync(1);
        Damage(change);

        var error = Assert.Throws<SqliteSchemaException>(() => SqliteControlLog.Open(Path));

        Assert.Contains(named, error.Message);
    }

    [Fact]
    public async Task A_full_disk_refuses_appends_loses_nothing_and_is_forgotten_when_there_is_room()
    {
        await using var log = SqliteControlLog.Open(Path);
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await log.ExecuteOnWriterAsync("PRAGMA max_page_count = 20");
        var payload = new byte[20_000];
        var index = 0L;

        var error = await Assert.ThrowsAsync<ControlLogUnavailableException>(async () =>
        {
            for (; index < 100; index++)
            {
                Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, index + 1, payload, InTime));
            }
        });

        Assert.Contains(Path, error.Message);
        Assert.Equal(new LogBounds(1, index), await log.ReadBoundsAsync(InTime));
        await Assert.ThrowsAsync<ControlLogUnavailableException>(() => log.AppendAsync(leadership.Term, index + 1, payload, InTime));
        await log.ExecuteOnWriterAsync("PRAGMA max_page_count = 1000000");
        Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, index + 1, payload, InTime));
        Assert.Equal((int)index + 1, (await ReadAsync(log, 1, (int)index + 1)).Count);
    }

    [Fact]
    public async Task A_log_that_may_not_be_written_is_unavailable_and_recovers()
    {
        await using var log = SqliteControlLog.Open(Path);
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await log.ExecuteOnWriterAsync("PRAGMA query_only = 1");

        await Assert.ThrowsAsync<ControlLogUnavailableException>(() => AppendAsync(log, leadership.Term, 1, "entry 1"));

        await log.ExecuteOnWriterAsync("PRAGMA query_only = 0");
        await AppendManyAsync(log, leadership.Term, 1, 1);
    }

    [Fact]
    public async Task A_closed_log_answers_unavailable_and_ends_its_leadership_and_followers()
    {
        var log = SqliteControlLog.Open(Path);
        var leadership = await log.CampaignAsync("a:1", InTime);
        await using var follower = log.FollowAsync(1, InTime).GetAsyncEnumerator(InTime);
        var next = follower.MoveNextAsync();

        await log.DisposeAsync();

        Assert.True(leadership.Lost.IsCancellationRequested);
        await Assert.ThrowsAsync<ControlLogUnavailableException>(async () => await next);
        await Assert.ThrowsAsync<ControlLogUnavailableException>(() => AppendAsync(log, leadership.Term, 1, "late"));
    }

    private async Task FillAsync(int count)
    {
        await using var log = SqliteControlLog.Open(Path);
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, count);
    }

    private void Damage(string sql)
    {
        using var connection = SqliteFile.Open(Path, SqliteSynchronous.Full);
        SqliteFile.Execute(connection, sql);
    }
}
