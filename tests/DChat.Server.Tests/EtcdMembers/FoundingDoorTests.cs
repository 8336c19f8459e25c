using System.Net;
using System.Security.Cryptography;
using DChat.Server.Coordinator;
using DChat.Server.EtcdMembers;
using DChat.TestKit;

namespace DChat.Server.Tests.EtcdMembers;

/// <summary>The peer port before etcd has it.</summary>
public sealed class FoundingDoorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ClusterSecret _secret = NewSecret();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Who_holds_the_secret_is_told_and_nobody_else()
    {
        var options = Member("c1", _secret);
        var offer = new FoundingOffer("c1", options.Peers.ToString(), "nonce", null);
        await using var door = await FoundingDoor.OpenAsync(options, () => offer, CancellationToken.None);

        using (var ours = new PeerCalls(Member("c2", _secret)))
        {
            Assert.Equal(new OfferingPeer(options.Self, offer), await AnswerAsync(ours, options.Self));
            Assert.False(await ours.IsUpAsync(new Uri(options.Self.Url), CancellationToken.None)); // No etcd runs there.
        }

        using var foreign = new PeerCalls(Member("c3", NewSecret()));
        Assert.Contains("the cluster secrets differ", Assert.IsType<SilentPeer>(await AnswerAsync(foreign, options.Self)).Why, StringComparison.Ordinal);
        using var authority = new CertificateAuthority("another");
        await ClosedDoor.AssertAsync(IPAddress.Loopback, options.Self.Port, authority);
    }

    [Fact]
    public async Task Where_nobody_listens_the_answer_says_so()
    {
        using var calls = new PeerCalls(Member("c1", _secret));
        var nobody = PeerList.ParseOne($"c2=127.0.0.1:{FreePort.Next()}");
        Assert.Contains("refused", Assert.IsType<SilentPeer>(await calls.AskAsync(nobody, CancellationToken.None)).Why, StringComparison.Ordinal);
    }

    /// <summary>Coordinators ask until they are answered; one that takes too long is asked again.</summary>
    private static async Task<PeerAnswer> AnswerAsync(PeerCalls calls, Peer peer)
    {
        PeerAnswer? answer = null;
        await Eventually.Holds(async () => (answer = await calls.AskAsync(peer, CancellationToken.None)) is not SilentPeer { Why: "it does not answer" });
        return answer!;
    }

    private static ClusterSecret NewSecret() => ClusterSecret.Parse(Convert.ToBase64String(RandomNumberGenerator.GetBytes(ClusterSecret.Size)), "the test's");

    private MemberOptions Member(string name, ClusterSecret secret)
    {
        var peers = PeerList.Parse($"{name}=127.0.0.1:{FreePort.Next()}");
        var options = new MemberOptions
        {
            Peers = peers,
            Self = peers.All[0],
            Folder = _folder[name],
            Program = "etcd",
            Listen = IPAddress.Loopback,
            ClientPort = 1,
            HeartbeatMs = 50,
            ElectionMs = 500,
            LeaseSeconds = 3,
            QuotaMb = 64,
        };
        options.WriteCertificates(secret);
        return options;
    }
}
