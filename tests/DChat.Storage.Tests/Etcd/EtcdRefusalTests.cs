using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>Which refusals a leader repeats against, and which it need not.</summary>
public sealed class EtcdRefusalTests
{
    [Fact]
    public async Task An_entry_that_etcd_never_takes_is_refused_with_the_remedy_and_smaller_ones_are_taken()
    {
        await using var etcd = await EtcdCluster.StartAsync(1, _ => ["--max-request-bytes", "20000"]);
        await using var log = new EtcdControlLog(EtcdUrl.Parse(etcd.Url()), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();

        var refused = await Assert.ThrowsAsync<ControlLogRefusedException>(() => log.AppendAsync(leadership.Term, 1, new byte[30_000], CancellationToken.None).Within());

        Assert.Contains("entry 1 of 30000 bytes", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--max-request-bytes", refused.Message, StringComparison.Ordinal);
        Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, 1, new byte[300], CancellationToken.None).Within());
    }

    [Theory]
    [InlineData(3, "etcdserver: request is too large", true)]
    [InlineData(3, "etcdserver: user name is empty", true)]
    [InlineData(3, "etcdserver: authentication failed, invalid user ID or password", true)]
    [InlineData(7, "etcdserver: permission denied", true)]
    [InlineData(2, "etcdserver: permission denied", true)]
    [InlineData(3, "etcdserver: invalid auth token", false)]
    [InlineData(3, "etcdserver: revision of auth store is old", false)]
    [InlineData(4, "context deadline exceeded", false)]
    [InlineData(8, "etcdserver: mvcc: database space exceeded", false)]
    [InlineData(8, "etcdserver: too many requests", false)]
    [InlineData(14, "etcdserver: leader changed", false)]
    [InlineData(16, "etcdserver: invalid auth token", false)]
    public void What_passes_or_is_seen_to_by_itself_is_not_refused_for_good(int code, string message, bool isLasting) =>
        Assert.Equal(isLasting, new EtcdRefusedException(code, message).IsLasting);
}
