using DChat.Server.Cli;
using DChat.Server.Observability;
using DChat.Server.Security;
using DChat.TestKit;

namespace DChat.Server.Tests.Security;

public sealed class PasswordsTests : IDisposable
{
    private readonly DChatMetrics _metrics = new();

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task A_password_matches_its_own_hash_and_no_other()
    {
        using var passwords = New();
        var hash = await passwords.HashAsync("correct horse", default).Within();
        Assert.True(await passwords.VerifyAsync(hash, "correct horse", default).Within());
        Assert.False(await passwords.VerifyAsync(hash, "Correct horse", default).Within());
        Assert.NotEqual(hash, await passwords.HashAsync("correct horse", default).Within());
    }

    [Fact]
    public async Task Without_a_hash_no_password_matches_and_the_work_is_done_all_the_same()
    {
        using var passwords = New();
        using var exporter = new PrometheusExporter(_metrics);
        Assert.False(await passwords.VerifyAsync(null, "correct horse", default).Within());
        Assert.Contains("dchat_password_hash_duration_seconds_count 1\n", exporter.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_than_can_wait_fail_at_once()
    {
        using var passwords = New();
        using var stop = new CancellationTokenSource();
        var all = Enumerable.Range(0, 1_500).Select(_ => passwords.HashAsync("correct horse", stop.Token)).ToArray();
        Assert.Contains(all, task => task.Exception?.InnerException is TimeoutException);
        await stop.CancelAsync();
        await Task.WhenAll(all).ContinueWith(_ => { }, TaskScheduler.Default).Within();
        Assert.True(await passwords.VerifyAsync(await passwords.HashAsync("again", default), "again", default).Within());
    }

    private Passwords New() => new(new LimitsOptions { PasswordHashes = 2 }, _metrics, TimeProvider.System);
}
