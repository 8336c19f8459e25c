using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Nodes;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Nodes;

/// <summary>TLS between nodes: who shows no certificate of the authority, or speaks none, stays outside, though it holds the secret.</summary>
public sealed class NodeTlsTests
{
    private static readonly string Secret = Convert.ToBase64String(Enumerable.Repeat((byte)9, 32).ToArray());

    [Fact]
    public async Task Nodes_with_certificates_of_one_authority_are_one_chat()
    {
        using var authority = new CertificateAuthority("ours");
        await using var coordinator = await StartAsync(authority, ServerMode.Coordinator);
        await using var host = await StartAsync(authority, ServerMode.Worker, coordinator);
        await using var gateway = await StartAsync(authority, ServerMode.Worker, coordinator, isHost: false);
        using var http = gateway.CreateHttpClient();
        using var answer = await http.PostAsJsonAsync("/api/login", new { user = "admin", password = coordinator.AdminPassword });
        var token = (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<TokenAnswer>())!.AccessToken;
        await using var probe = await HubProbe.ConnectAsync(gateway.Client, token);
        var room = await probe.MakeRoomAsync();
        await probe.SendAsync(room, "over two links");
        Assert.Equal(["over two links"], Chat.Bodies((await probe.CallAsync("history", new { room }))!).Where(body => body.StartsWith("over", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Who_is_not_of_the_authority_is_refused_and_told_why()
    {
        using var ours = new CertificateAuthority("ours");
        using var theirs = new CertificateAuthority("theirs");
        await using var coordinator = await StartAsync(ours, ServerMode.Coordinator);

        Assert.Contains("answers 403", await RefusalAsync(coordinator, new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null }), StringComparison.Ordinal);
        await Eventually.Holds(() => coordinator.Log.Lines.Any(line => line.Contains("shows no certificate", StringComparison.Ordinal)));
        await RefusalAsync(coordinator, Tls(theirs, trusts: ours)); // A stranger's certificate.
        Assert.Contains("certificate", await RefusalAsync(coordinator, Tls(ours, trusts: theirs)), StringComparison.OrdinalIgnoreCase); // The node is a stranger to the other one.
        await RefusalAsync(coordinator, null);
        await (await LinkAsync(coordinator, Tls(ours, trusts: ours))).DisposeAsync();
    }

    [Fact]
    public async Task Metrics_on_a_port_with_TLS_need_a_certificate_and_at_an_address_of_their_own_do_not()
    {
        using var authority = new CertificateAuthority("ours");
        await using var node = await StartAsync(authority, ServerMode.Coordinator);
        var metrics = new Uri($"https://127.0.0.1:{node.Node.Port}/metrics");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(metrics, Tls(authority, trusts: authority)));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(metrics, new() { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null }));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(new Uri(metrics, "/health/live"), new() { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null }));

        var port = FreePort.Next();
        await using var other = await StartAsync(authority, ServerMode.Coordinator, metrics: $"127.0.0.1:{port}");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(new Uri($"http://127.0.0.1:{port}/metrics"), new()));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(new Uri($"http://127.0.0.1:{port}/node"), new()));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(new Uri($"http://127.0.0.1:{port}/health/live"), new()));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(new Uri($"https://127.0.0.1:{other.Node.Port}/metrics"), Tls(authority, trusts: authority)));
    }

    private static async Task<HttpStatusCode> AskAsync(Uri address, SslClientAuthenticationOptions tls)
    {
        using var handler = new SocketsHttpHandler { SslOptions = tls };
        using var http = new HttpClient(handler);
        using var answer = await http.GetAsync(address);
        return answer.StatusCode;
    }

    private static SslClientAuthenticationOptions Tls(CertificateAuthority authority, CertificateAuthority trusts) =>
        NodeTls.Load(With(new ServerOptions(), authority, trusts))!.ForClient();

    private static async Task<string> RefusalAsync(InProcessServer node, SslClientAuthenticationOptions? tls) =>
        (await Assert.ThrowsAsync<NodeLinkException>(() => LinkAsync(node, tls))).Message;

    private static async Task<NodeLink> LinkAsync(InProcessServer node, SslClientAuthenticationOptions? tls)
    {
        var secret = new NodeHandshake(LinkPair.Secret(9));
        using var dialer = new NodeDialer(secret, node.Services.GetRequiredService<NodeSelf>(), tls, TimeProvider.System);
        return await dialer.ConnectAsync($"127.0.0.1:{node.Node.Port}", NodeServices.Registry, null, _ => new EchoService(), CancellationToken.None);
    }

    private static ServerOptions With(ServerOptions options, CertificateAuthority authority, CertificateAuthority trusts)
    {
        var (certificate, key) = authority.Issue();
        return options with { NodeTlsCertificate = certificate, NodeTlsKey = key, NodeTlsCa = trusts.RootFile };
    }

    private static async Task<InProcessServer> StartAsync(CertificateAuthority authority, ServerMode mode, InProcessServer? coordinator = null, bool isHost = true, string? metrics = null)
    {
        var port = FreePort.Next();
        return await InProcessServer.StartAsync(options => With(options, authority, authority) with
        {
            Mode = mode,
            Metrics = metrics,
            NodePort = port,
            ClusterSecret = Secret,
            Coordinators = coordinator is null ? "" : $"127.0.0.1:{coordinator.Node.Port}",
            Store = isHost ? EngineUrl.Under(options.Data, "sqlite", "messages.db") : null,
        });
    }
}
