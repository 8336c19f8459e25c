using System.Net;
using System.Net.Sockets;
using System.Text;
using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.Storage.Files;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>What a coordinator is told at its start of an etcd that it cannot use, and that it can use one with TLS, certificates and passwords.</summary>
public sealed class EtcdProbeTests
{
    [Fact]
    public async Task Certificates_are_asked_for_and_shown()
    {
        using var authority = new CertificateAuthority("etcd");
        using var stranger = new CertificateAuthority("stranger");
        var server = authority.Issue();
        var client = authority.Issue();
        var unknown = stranger.Issue();
        await using var etcd = await EtcdCluster.StartAsync(
            1, _ => ["--cert-file", server.Certificate, "--key-file", server.Key, "--client-cert-auth", "--trusted-ca-file", authority.RootFile], secure: true);

        var right = $"?ca={authority.RootFile}&cert={client.Certificate}&key={client.Key}";
        Assert.Null(await LookAsync(etcd.Url("tls", right)));
        await AppendAsync(etcd.Url("tls", right));

        Assert.Contains("give cert=FILE", (await LookAsync(etcd.Url("tls", $"?ca={authority.RootFile}")))!.Value.Remedy, StringComparison.Ordinal);
        var stranged = (await LookAsync(etcd.Url("tls", $"?ca={authority.RootFile}&cert={unknown.Certificate}&key={unknown.Key}")))!.Value;
        Assert.Contains("signed the certificate in cert=FILE", stranged.Remedy, StringComparison.Ordinal);
        var other = (await LookAsync(etcd.Url("tls", $"?ca={stranger.RootFile}&cert={client.Certificate}&key={client.Key}")))!.Value;
        Assert.Contains("is not accepted", other.Problem, StringComparison.Ordinal);
        Assert.Contains("ca=FILE", other.Remedy, StringComparison.Ordinal);
        Assert.Contains("may speak TLS only", (await LookAsync(etcd.Url("tls")))!.Value.Problem, StringComparison.Ordinal);
        Assert.Contains("cannot be used", (await LookAsync(etcd.Url("tls", $"?ca={authority.RootFile}&cert={client.Key}&key={client.Certificate}")))!.Value.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passwords_are_asked_for_and_given()
    {
        using var folder = new TemporaryFolder();
        await using var etcd = await EtcdCluster.StartAsync(1);
        var unasked = (await LookAsync(etcd.Url("secret", $"?passfile={Write(folder, "right", "a password")}", "chat@")))!.Value;
        Assert.Contains("lets everybody in", unasked.Problem, StringComparison.Ordinal);

        await etcd.RequirePasswordsAsync("chat", "a password", "secret");
        var right = etcd.Url("secret", $"?passfile={folder["right"]}", "chat@");
        Assert.Null(await LookAsync(right));
        await AppendAsync(right);

        Assert.Contains("no user is given", (await LookAsync(etcd.Url("secret")))!.Value.Problem, StringComparison.Ordinal);
        var wrong = (await LookAsync(etcd.Url("secret", $"?passfile={Write(folder, "wrong", "another password")}", "chat@")))!.Value;
        Assert.Contains("does not let \"chat\" in", wrong.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain("another password", wrong.ToString(), StringComparison.Ordinal);
        var elsewhere = (await LookAsync(etcd.Url("elsewhere", $"?passfile={folder["right"]}", "chat@")))!.Value;
        Assert.Contains("\"chat\" may not read and write \"elsewhere/\"", elsewhere.Problem, StringComparison.Ordinal);
        Assert.Contains("there is no password", (await LookAsync(etcd.Url("secret", "", "chat@")))!.Value.Problem, StringComparison.Ordinal);
        Assert.Contains("cannot be read", (await LookAsync(etcd.Url("secret", $"?passfile={folder["none"]}", "chat@")))!.Value.Problem, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder["right"], UnixFileMode.UserRead | UnixFileMode.OtherRead);
            Assert.Contains("others than its owner", (await LookAsync(right))!.Value.Problem, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task One_that_has_no_majority_is_waited_for()
    {
        await using var etcd = await EtcdCluster.StartAsync();
        await etcd.Members[0].KillAsync();
        await etcd.Members[1].KillAsync();
        var waits = new TaskCompletionSource<string>();
        var looking = EtcdProbe.LookAsync(EtcdUrl.Parse(etcd.Url()), TimeProvider.System, waits.SetResult);
        Assert.Contains("no majority", await waits.Task.Within(), StringComparison.Ordinal);
        await etcd.Members[0].StartAgainAsync();
        Assert.Null(await looking.Within());
    }

    [Fact]
    public async Task Where_nobody_answers_it_says_so_in_the_end()
    {
        var finding = await LookAsync($"etcd://127.0.0.1:{FreePort.Next()}");
        Assert.Contains("no member answers", finding!.Value.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("200 OK", """{"version":"3.3.27"}""", "etcd 3.3.27, which is too old")]
    [InlineData("404 Not Found", "404 page not found", "too old")]
    public async Task A_version_that_is_too_old_is_named(string status, string body, string says)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = AnswerOnceAsync(listener, $"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}");
        var finding = await LookAsync($"etcd://{listener.LocalEndpoint}");
        await serving.Within();
        Assert.Contains(says, finding!.Value.Problem, StringComparison.Ordinal);
        Assert.Contains("3.4 or later", finding.Value.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_tells_root_alone_how_its_members_stand_can_be_used()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var looking = LookAsync($"etcd://{listener.LocalEndpoint}");
        foreach (var (status, body) in new[] { ("403 Forbidden", """{"code":7,"message":"etcdserver: permission denied"}"""), ("200 OK", """{"succeeded":false}""") })
        {
            await AnswerOnceAsync(listener, $"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}").Within();
        }

        Assert.Null(await looking);
    }

    private static Task<EtcdProbe.Finding?> LookAsync(string url) => EtcdProbe.LookAsync(EtcdUrl.Parse(url), TimeProvider.System, _ => { }).Within();

    private static string Write(TemporaryFolder folder, string name, string password)
    {
        PrivateFile.Create(folder[name], Encoding.UTF8.GetBytes(password + "\n"));
        return folder[name];
    }

    private static async Task AppendAsync(string url)
    {
        await using var log = new EtcdControlLog(EtcdUrl.Parse(url), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        for (var index = 1; index <= 3; index++)
        {
            Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, index, Encoding.UTF8.GetBytes($"entry {index}"), CancellationToken.None).Within());
        }

        Assert.True(await log.TruncateAsync(leadership.Term, 1, CancellationToken.None).Within());
        await foreach (var entry in log.FollowAsync(2, CancellationToken.None))
        {
            if (entry.Index == 3)
            {
                return;
            }
        }
    }

    private static async Task AnswerOnceAsync(TcpListener listener, string answer)
    {
        using var client = await listener.AcceptTcpClientAsync();
        await using var stream = client.GetStream();
        await stream.ReadAtLeastAsync(new byte[1], 1);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
    }
}
