using DChat.Client.Sessions;
using DChat.TestKit;

namespace DChat.Client.Tests.Sessions;

public sealed class FileSessionStoreTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string File => Path.Combine(folder["private"], "session.json");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_is_kept_is_there_for_the_next_process_and_for_nobody_else()
    {
        await Save(new Session("alice", "access", "refresh", 5));

        Assert.Equal(new Session("alice", "access", "refresh", 5), await new FileSessionStore(File).LoadAsync(default));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, System.IO.File.GetUnixFileMode(folder["private"]));
        }
    }

    [Fact]
    public async Task Nobody_is_signed_in_before_the_first_and_after_the_last()
    {
        Assert.Null(await new FileSessionStore(File).LoadAsync(default));
        await Save(new Session("alice", "access", "refresh", 5));
        await Save(null);
        Assert.Null(await new FileSessionStore(File).LoadAsync(default));
    }

    [Fact]
    public async Task Changes_of_many_at_once_follow_one_another()
    {
        await Save(new Session("0", "access", "refresh", 0));

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => new FileSessionStore(File).UpdateAsync(
            async (now, _) =>
            {
                await Task.Yield();
                return now! with { ExpiresAt = now.ExpiresAt + 1 };
            },
            default)))).Within();

        Assert.Equal(20, (await new FileSessionStore(File).LoadAsync(default))!.ExpiresAt);
    }

    [Fact]
    public async Task A_change_that_fails_changes_nothing_and_frees_the_lock()
    {
        await Save(new Session("alice", "access", "refresh", 5));

        await Assert.ThrowsAsync<InvalidOperationException>(() => new FileSessionStore(File).UpdateAsync((_, _) => throw new InvalidOperationException(), default));

        Assert.Equal("alice", (await new FileSessionStore(File).UpdateAsync((now, _) => Task.FromResult(now), default).Within())!.User);
    }

    [Fact]
    public async Task A_damaged_file_is_named()
    {
        await Save(new Session("alice", "access", "refresh", 5));
        await System.IO.File.WriteAllTextAsync(File, "{");

        var error = await Assert.ThrowsAsync<IOException>(() => new FileSessionStore(File).LoadAsync(default));
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_of_a_session_gives_nothing_away() =>
        Assert.Equal("Session of alice", new Session("alice", "access", "refresh", 5).ToString());

    private Task<Session?> Save(Session? session) => new FileSessionStore(File).UpdateAsync((_, _) => Task.FromResult(session), default);
}
