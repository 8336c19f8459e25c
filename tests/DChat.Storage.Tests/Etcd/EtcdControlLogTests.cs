using System.Net;
using System.Net.Sockets;
using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.Storage.Files;
using DChat.Storage.Tests.ControlLog;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>Three real members that the tests share; each test has a log of its own in them.</summary>
public sealed class EtcdFixture : IAsyncLifetime
{
    public EtcdCluster Cluster { get; private set; } = null!;

    public async Task InitializeAsync() => Cluster = await EtcdCluster.StartAsync();

    public async Task DisposeAsync() => await Cluster.DisposeAsync();
}

/// <summary>The same, where clients show certificates and give passwords.</summary>
public sealed class SecureEtcdFixture : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly CertificateAuthority _authority = new("etcd");

    public EtcdCluster Cluster { get; private set; } = null!;

    public string Parameters { get; private set; } = "";

    /// <summary>The same with a certificate that has a common name.</summary>
    public string NamedParameters { get; private set; } = "";

    public async Task InitializeAsync()
    {
        var server = _authority.Issue();
        var client = _authority.Issue(isNameless: true); // As etcd wants it where users sign in.
        var named = _authority.Issue();
        Cluster = await EtcdCluster.StartAsync(
            flags: _ => ["--cert-file", server.Certificate, "--key-file", server.Key, "--client-cert-auth", "--trusted-ca-file", _authority.RootFile], secure: true);
        var tls = $"?ca={_authority.RootFile}&cert={client.Certificate}&key={client.Key}";
        await Cluster.RequirePasswordsAsync("chat", "of the log", "office", EtcdHttp.Tls(EtcdUrl.Parse(Cluster.Url(parameters: tls))));
        PrivateFile.Create(_folder["password"], "of the log"u8.ToArray());
        Parameters = $"{tls}&passfile={_folder["password"]}";
        NamedParameters = $"?ca={_authority.RootFile}&cert={named.Certificate}&key={named.Key}&passfile={_folder["password"]}";
    }

    public async Task DisposeAsync()
    {
        await Cluster.DisposeAsync();
        _authority.Dispose();
        _folder.Dispose();
    }
}

public sealed class EtcdControlLogTests(EtcdFixture etcd) : EtcdControlLogSpec, IClassFixture<EtcdFixture>
{
    protected override string Url(string prefix) => etcd.Cluster.Url(prefix);
}

public sealed class SecureEtcdControlLogTests(SecureEtcdFixture etcd) : EtcdControlLogSpec, IClassFixture<SecureEtcdFixture>
{
    protected override string Url(string prefix) => etcd.Cluster.Url($"office/{prefix}", etcd.Parameters, "chat@");

    [Fact]
    public async Task A_certificate_with_a_common_name_is_named_as_what_is_in_the_way()
    {
        var finding = await EtcdProbe.LookAsync(EtcdUrl.Parse(etcd.Cluster.Url("office", etcd.NamedParameters, "chat@")), TimeProvider.System, _ => { }).Within();
        Assert.Contains("common name", finding!.Value.Problem, StringComparison.Ordinal);
        Assert.Contains("subject is empty", finding.Value.Remedy, StringComparison.Ordinal);
    }
}

public abstract class EtcdControlLogSpec : SharedControlLogSpec
{
    /// <summary>Few, so that what is truncated goes in several steps.</summary>
    private const int RemovedAtOnce = 7;

    private readonly string _prefix = $"test-{Guid.NewGuid():n}";

    /// <summary>Of a log of its own.</summary>
    protected abstract string Url(string prefix);

    protected override Task<IControlLog> OpenAsync() => Task.FromResult<IControlLog>(OpenLog());

    protected override async Task DeposeAsync()
    {
        await using var other = OpenLog();
        var leader = await other.ReadLeaderAsync(InTime);
        Assert.True(await other.DeposeAsync(leader!.Term, InTime));
    }

    private EtcdControlLog OpenLog() => Open(Url(_prefix));

    private static EtcdControlLog Open(string url) => new(EtcdUrl.Parse(url), TimeProvider.System, NullLogger<EtcdControlLog>.Instance) { RemovedAtOnce = RemovedAtOnce };

    [Fact]
    public async Task What_is_truncated_is_compacted_and_a_follower_from_before_is_sent_to_a_snapshot()
    {
        await using var log = OpenLog();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        await AppendManyAsync(log, leadership.Term, 1, 100);
        Assert.True(await log.TruncateAsync(leadership.Term, 90, InTime));
        await AppendManyAsync(log, leadership.Term, 101, 110);

        await using var late = OpenLog();
        Assert.Equal(91, (await Assert.ThrowsAsync<EntryTruncatedException>(() => ReadAsync(late, 50, 1))).First);
        Assert.Equal(Enumerable.Range(91, 20).Select(i => (long)i), (await ReadAsync(late, 91, 20)).Select(entry => entry.Index));
    }

    [Fact]
    public async Task Large_entries_are_followed_by_watch_in_parts()
    {
        await using var log = OpenLog();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        var seen = ReadAsync(log, 1, 12);
        for (var index = 1; index <= 12; index++)
        {
            var large = new byte[ControlLogLimits.EntryBytesMax];
            Array.Fill(large, (byte)index);
            Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, index, large, InTime));
        }

        Assert.All(await seen, entry => Assert.True(entry.Payload.Span.IndexOfAnyExcept((byte)entry.Index) < 0));
    }

    [Fact]
    public async Task Large_entries_come_over_a_slow_link_too_fewer_at_a_time()
    {
        const int Entries = 32;
        await using var log = OpenLog();
        await using var leadership = await log.CampaignAsync("a:1", InTime);
        for (var index = 1; index <= Entries; index++)
        {
            Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, index, new byte[ControlLogLimits.EntryBytesMax], InTime));
        }

        var url = Url(_prefix);
        var members = EtcdUrl.Parse(url).Endpoints;
        await using var link = new SlowLink(members[0].Port, bytesPerSecond: 14 * 1024 * 1024);
        await using var far = Open(url.Replace(string.Join(',', members.Select(member => member.Authority)), $"127.0.0.1:{link.Port}", StringComparison.Ordinal));
        var read = new List<LogEntry>();
        await Eventually.Holds(async () =>
        {
            try
            {
                read.AddRange(await ReadAsync(far, read.Count + 1, Entries - read.Count)); // As whoever recovers does.
                return true;
            }
            catch (ControlLogUnavailableException)
            {
                return false;
            }
        });
        Assert.Equal(Enumerable.Range(1, Entries).Select(index => (long)index), read.Select(entry => entry.Index));
    }

    /// <summary>Passes connections on to a port of this machine; what comes back is not faster than it may be.</summary>
    private sealed class SlowLink : IAsyncDisposable
    {
        private const int Slices = 50;

        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _passing;

        public SlowLink(int port, int bytesPerSecond)
        {
            _listener.Start();
            _passing = AcceptAsync(port, bytesPerSecond);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Dispose();
            await _passing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }

        private async Task AcceptAsync(int port, int bytesPerSecond)
        {
            while (true)
            {
                var near = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = PassAsync(near, port, bytesPerSecond);
            }
        }

        private async Task PassAsync(TcpClient near, int port, int bytesPerSecond)
        {
            using (near)
            {
                using var far = new TcpClient { ReceiveBufferSize = bytesPerSecond / Slices };
                await far.ConnectAsync(IPAddress.Loopback, port, _stop.Token);
                var (there, back) = (near.GetStream(), far.GetStream());
                await Task.WhenAny(there.CopyToAsync(back, _stop.Token), TrickleAsync(back, there, bytesPerSecond / Slices));
            }
        }

        private async Task TrickleAsync(NetworkStream from, NetworkStream to, int slice)
        {
            var buffer = new byte[slice];
            while (await from.ReadAsync(buffer, _stop.Token) is > 0 and var read)
            {
                await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
                await Task.Delay(TimeSpan.FromSeconds(1.0 / Slices) * read / slice, _stop.Token);
            }
        }
    }
}
