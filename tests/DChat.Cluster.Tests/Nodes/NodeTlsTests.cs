using System.Net;
using System.Text.Json.Nodes;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Nodes;

/// <summary>TLS between nodes as operators run it: processes, flags and PEM files.</summary>
public sealed class NodeTlsTests : IDisposable
{
    private readonly CertificateAuthority _ours = new("ours");
    private readonly CertificateAuthority _theirs = new("theirs");
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Nodes_of_one_authority_are_one_chat_and_without_TLS_none_of_them_says_a_word()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 0, coordinator: Tls(_ours, trusts: _ours));
        await cluster.AddWorkerAsync(flags: Tls(_ours, trusts: _ours));
        await cluster.AddWorkerAsync(flags: Tls(_ours, trusts: _ours));
        using var http = cluster.Workers[0].CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 2);
        await using var ann = await HubProbe.ConnectAsync(cluster.Workers[0].Client, crowd.Token(0));
        await using var ben = await HubProbe.ConnectAsync(cluster.Workers[1].Client, crowd.Token(1));
        HubProbe[] people = [ann, ben];
        foreach (var person in people)
        {
            await person.CallAsync("subscribe", new { room = crowd.Room });
        }

        foreach (var (person, i) in people.Select((person, i) => (person, i)))
        {
            var seq = (long)(await person.CallAsync("send", new { room = crowd.Room, clientId = $"c{i}", body = "under cover" }))!["seq"]!;
            foreach (var other in people)
            {
                await HearsAsync(other, crowd.Room, seq);
            }
        }

        foreach (var node in cluster.Workers.Append(cluster.Coordinator))
        {
            Assert.Equal("", await ClosedDoor.AskPlainAsync(IPAddress.Loopback, node.Node.Port, "/metrics"));
            Assert.StartsWith("HTTP/1.1 403", await ClosedDoor.AskTlsAsync(IPAddress.Loopback, node.Node.Port, "/metrics"), StringComparison.Ordinal); // It is there, and says what is missing.
        }
    }

    [Fact]
    public async Task Who_speaks_no_TLS_or_is_a_stranger_or_has_another_secret_is_refused_and_both_sides_say_why()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 0, coordinator: Tls(_ours, trusts: _ours), postgres: false);
        var wrong = _folder["secret"];
        PrivateFile.Create(wrong, System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(new byte[32])));

        await WaitsAsync(cluster, "it ended the connection without a word; if it speaks TLS, give this node --node-tls-certificate");
        await cluster.Coordinator.SaysAsync("refused a node", "it does not speak TLS");

        const string Stranger = "a certificate that the other's --node-tls-ca did not sign";
        await WaitsAsync(cluster, "its --node-tls-ca did not sign the certificate that was shown", Tls(_theirs, trusts: _ours));
        await cluster.Coordinator.SaysAsync("refused a node", Stranger);
        await WaitsAsync(cluster, Stranger, Tls(_theirs, trusts: _theirs));

        var (code, _, said) = await ServerProcess.RunAsync([.. Worker(cluster, wrong), .. Tls(_ours, trusts: _ours)]);
        Assert.Equal(1, code);
        Assert.Contains("the cluster secrets differ", said, StringComparison.Ordinal);
        await cluster.Coordinator.SaysAsync("refused a node", "the cluster secrets differ");

        // Whom the flags do fit it lets in: else the rest would show nothing.
        await cluster.AddWorkerAsync(flags: Tls(_ours, trusts: _ours));
    }

    [Fact]
    public async Task Who_speaks_TLS_to_one_that_does_not_is_refused_and_both_sides_say_why()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 0, postgres: false);
        await WaitsAsync(cluster, "TLS did not come about: it speaks none", Tls(_ours, trusts: _ours));
        await cluster.Coordinator.SaysAsync("refused a node", "it speaks TLS, and this node does not");
    }

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
        _folder.Dispose();
    }

    /// <summary>It is told of the message, or, where a link was held up, to look for itself.</summary>
    private static async Task HearsAsync(HubProbe person, string room, long seq)
    {
        var told = await person.NextOfAsync(["events", "resync"], news => news["events"] is not { } events || events.AsArray().Any(change => (long?)change!["message"]?["seq"] == seq));
        if (told["events"] is null)
        {
            await person.CallAsync("subscribe", new { room });
            Assert.Contains((await person.CallAsync("history", new { room }))!["messages"]!.AsArray(), message => (long)message!["seq"]! == seq);
        }
    }

    private static string[] Tls(CertificateAuthority authority, CertificateAuthority trusts)
    {
        var (certificate, key) = authority.Issue();
        return ["--node-tls-certificate", certificate, "--node-tls-key", key, "--node-tls-ca", trusts.RootFile];
    }

    private string[] Worker(ClusterUnderTest cluster, string secret) =>
    [
        "--mode", "worker", "--coordinators", cluster.Coordinators, "--cluster-secret-file", secret, "--blobs", $"file:{_folder["blobs"]}",
        "--data", _folder[Guid.NewGuid().ToString("N")], "--port", $"{FreePort.Next()}", "--node-port", $"{FreePort.Next()}",
    ];

    /// <summary>A worker that holds the secret is not let in, and says why it waits.</summary>
    private async Task WaitsAsync(ClusterUnderTest cluster, string why, params string[] flags)
    {
        var (code, output, error) = await ServerProcess.RunAsync([.. Worker(cluster, cluster.SecretFile), .. flags], until: why);
        Assert.Equal(0, code);
        Assert.Contains("waiting for a coordinator", output + error, StringComparison.Ordinal);
        Assert.DoesNotContain("takes part", output + error, StringComparison.Ordinal);
    }
}
