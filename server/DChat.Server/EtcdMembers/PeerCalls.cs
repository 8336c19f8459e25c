using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace DChat.Server.EtcdMembers;

/// <summary>Asks other coordinators at their peer ports, whoever answers there: one that has no data yet, or its etcd. Both sides show certificates.</summary>
internal sealed class PeerCalls : IDisposable
{
    /// <summary>What a coordinator without data offers.</summary>
    public const string FoundingPath = "/founding";

    /// <summary>Of etcd, for its own peers.</summary>
    private const string MembersPath = "/members";

    private const int AnswerBytesMax = 256 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>Of asking whether a member is up: one that is only slow is not to be taken for lost.</summary>
    private const int Tries = 2;

    private readonly HttpClient _http;

    public PeerCalls(MemberOptions options)
    {
        var certificate = Load(options);
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = Limit,
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
                CertificateChainPolicy = Policy(options),
            },
        })
        {
            Timeout = Limit,
            MaxResponseContentBufferSize = AnswerBytesMax,
        };
    }

    /// <summary>This start's certificate with its key.</summary>
    public static X509Certificate2 Load(MemberOptions options)
    {
        using var read = X509Certificate2.CreateFromPemFile(options.CertificatePath, options.KeyPath);
        return X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>Trusts the cluster's own authority and nothing else.</summary>
    public static X509ChainPolicy Policy(MemberOptions options)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(options.AuthorityPath);
        return policy;
    }

    public async Task<PeerAnswer> AskAsync(Peer peer, CancellationToken cancellation)
    {
        try
        {
            using var offer = await _http.GetAsync(new Uri(peer.Url + FoundingPath), cancellation);
            if (offer.StatusCode == HttpStatusCode.OK)
            {
                return new OfferingPeer(peer, await ReadAsync(offer, MemberJson.Default.FoundingOffer, cancellation));
            }

            using var members = await _http.GetAsync(new Uri(peer.Url + MembersPath), cancellation);
            return members.StatusCode == HttpStatusCode.OK
                ? new RunningPeer(peer, await ReadAsync(members, MemberJson.Default.IReadOnlyListListedMember, cancellation))
                : new SilentPeer(peer, $"it answers {(int)members.StatusCode}, not as etcd does");
        }
        catch (Exception failure) when (failure is HttpRequestException or SocketException or JsonException or IOException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return new SilentPeer(peer, failure is OperationCanceledException ? "it does not answer"
                : failure.GetBaseException() is System.Security.Authentication.AuthenticationException ? "its certificate is not of this cluster: the cluster secrets differ, or another program listens there"
                : failure.GetBaseException().Message);
        }
    }

    /// <summary>Whether an etcd answers there.</summary>
    public async Task<bool> IsUpAsync(Uri peer, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var answer = await _http.GetAsync(new Uri(peer, MembersPath), cancellation);
                return answer.StatusCode == HttpStatusCode.OK;
            }
            catch (HttpRequestException failure) when (failure.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
            {
                return false;
            }
            catch (Exception failure) when (failure is HttpRequestException or SocketException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                if (attempt == Tries)
                {
                    return false;
                }
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        await using var content = await answer.Content.ReadAsStreamAsync(cancellation);
        return await JsonSerializer.DeserializeAsync(content, type, cancellation) ?? throw new JsonException("it answered nothing");
    }
}
