using DChat.Core.ControlLog;
using DChat.Storage.Sqlite.ControlLog;
using DChat.TestKit;

namespace DChat.Storage.Tests.ControlLog;

public sealed class SqliteControlLogReaderTests
{
    [Fact]
    public async Task Reads_beside_the_owner_and_sees_what_it_appends()
    {
        using var folder = new TemporaryFolder();
        await using var log = SqliteControlLog.Open(folder["control.db"]);
        await using var leadership = await log.CampaignAsync("a:1", default);
        await log.AppendAsync(leadership.Term, 1, new byte[] { 1 }, default);
        await using var reader = SqliteControlLogReader.Open(folder["control.db"], TimeProvider.System);
        Assert.Equal(new LogBounds(1, 1), await reader.ReadBoundsAsync(default));

        await using var following = reader.FollowAsync(1, default).GetAsyncEnumerator();
        Assert.True(await following.MoveNextAsync());
        var next = following.MoveNextAsync();
        await log.AppendAsync(leadership.Term, 2, new byte[] { 2 }, default);
        Assert.True(await next.AsTask().Within());
        Assert.Equal((2L, (byte)2), (following.Current.Index, following.Current.Payload.Span[0]));
    }

    [Fact]
    public async Task Leaves_nothing_behind_where_no_process_has_the_log()
    {
        using var folder = new TemporaryFolder();
        await SqliteControlLog.Open(folder["control.db"]).DisposeAsync();
        var before = Directory.GetFiles(folder.Path);
        await using (var reader = SqliteControlLogReader.Open(folder["control.db"], TimeProvider.System))
        {
            await reader.ReadBoundsAsync(default);
        }

        Assert.Equal(before.Order(), Directory.GetFiles(folder.Path).Order());
    }

    [Fact]
    public void What_is_no_log_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<ControlLogUnavailableException>(() => SqliteControlLogReader.Open(folder["none.db"], TimeProvider.System));
        File.WriteAllText(folder["text.db"], new string('x', 5_000));
        Assert.Throws<ControlLogDamagedException>(() => SqliteControlLogReader.Open(folder["text.db"], TimeProvider.System));
    }
}
