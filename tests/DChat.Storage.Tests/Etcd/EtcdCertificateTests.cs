using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.TestKit;

namespace DChat.Storage.Tests.Etcd;

/// <summary>Certificates are renewed in their files while coordinators run.</summary>
public sealed class EtcdCertificateTests
{
    [Fact]
    public async Task A_renewed_certificate_is_shown_without_a_new_start_and_half_of_one_is_not()
    {
        using var authority = new CertificateAuthority("etcd");
        using var stranger = new CertificateAuthority("stranger");
        var server = authority.Issue();
        await using var etcd = await EtcdCluster.StartAsync(
            1, _ => ["--cert-file", server.Certificate, "--key-file", server.Key, "--client-cert-auth", "--trusted-ca-file", authority.RootFile], secure: true);
        var (refused, good) = (stranger.Issue(), authority.Issue());
        using var folder = new TemporaryFolder();
        File.Copy(refused.Certificate, folder["cert"]);
        File.Copy(refused.Key, folder["key"]);
        using var client = new EtcdClient(EtcdUrl.Parse(etcd.Url(parameters: $"?ca={authority.RootFile}&cert={folder["cert"]}&key={folder["key"]}")), new Hurried());
        Assert.False(await IsLetInAsync());

        File.Copy(good.Certificate, folder["cert"], overwrite: true);
        Assert.False(await IsLetInAsync()); // Its key is not there yet.
        File.Copy(good.Key, folder["key"], overwrite: true);
        Assert.True(await IsLetInAsync());

        // And one that is good stays so while the next is being written.
        File.Delete(folder["key"]);
        Assert.True(await IsLetInAsync());
        await File.WriteAllTextAsync(folder["key"], "half");
        Assert.True(await IsLetInAsync());

        async Task<bool> IsLetInAsync()
        {
            try
            {
                await client.RangeAsync(new EtcdRange([1]), CancellationToken.None).Within();
                return true;
            }
            catch (ControlLogUnavailableException)
            {
                return false;
            }
        }
    }

    /// <summary>Every look at it is a second later: the files are looked at each time.</summary>
    private sealed class Hurried : TimeProvider
    {
        private long _seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Interlocked.Increment(ref _seconds);
    }
}
