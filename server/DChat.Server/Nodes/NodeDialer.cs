using System.Net.Security;

namespace DChat.Server.Nodes;

/// <summary>Connects to other nodes.</summary>
internal sealed class NodeDialer : IDisposable
{
    /// <summary>How long connecting and proving may take together.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    private readonly NodeHandshake _handshake;
    private readonly NodeSelf _self;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http;
    private readonly string _scheme;

    /// <param name="tls">How to speak TLS; null: none is spoken.</param>
    public NodeDialer(NodeHandshake handshake, NodeSelf self, SslClientAuthenticationOptions? tls, TimeProvider time)
    {
        (_handshake, _self, _time) = (handshake, self, time);
        _scheme = tls is null ? "http" : "https";
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = Limit,
            PooledConnectionLifetime = TimeSpan.Zero, // Each link has a connection of its own, and names are looked up each time.
            SslOptions = tls ?? new SslClientAuthenticationOptions(),
        });
    }

    /// <param name="address"><c>host:port</c> of the node.</param>
    /// <param name="service">One of <see cref="NodeServices"/>.</param>
    /// <param name="expected">The id of the node that must answer; null: any.</param>
    /// <param name="serve">What serves what the peer sends.</param>
    /// <exception cref="NodeLinkException">It cannot be reached, or one refuses the other; the message says why.</exception>
    public async Task<NodeLink> ConnectAsync(string address, string service, string? expected, Func<NodeHello, INodeService> serve, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit);
        Stream? stream = null;
        try
        {
            stream = await UpgradeAsync(address, limit.Token);
            var peer = await _handshake.ConnectAsync(stream, _self.Hello(service), expected, limit.Token);
            var link = new NodeLink(peer, stream, serve(peer), _time);
            stream = null;
            return link;
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or NodeLinkException))
        {
            // Whatever it is (a socket that is reset while it connects comes out of HttpClient as it is): whoever dials tries again.
            throw new NodeLinkException($"{address}: {Words(failure)}", failure);
        }
        catch (OperationCanceledException failure) when (!cancellation.IsCancellationRequested)
        {
            throw new NodeLinkException($"{address} did not answer within {Limit.TotalSeconds:0} s", failure);
        }
        finally
        {
            await (stream?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Where one of the two speaks no TLS, or takes the other's certificate for a stranger's, nothing that fails says what is to be done.</summary>
    private string Words(Exception failure)
    {
        var (said, isTls) = (failure.GetBaseException().Message, _scheme == Uri.UriSchemeHttps);
        return failure switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
                $"TLS did not come about: it speaks none, or one of the two shows a certificate that the other's --node-tls-ca did not sign, or one that is not valid now ({said})",
            HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } when isTls =>
                $"it ended the connection without a word; if it says that it refused this node, its --node-tls-ca did not sign the certificate that was shown, or that is not valid now ({said})",
            HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } =>
                $"it ended the connection without a word; if it speaks TLS, give this node --node-tls-certificate, --node-tls-key and --node-tls-ca too ({said})",
            _ => said,
        };
    }

    private async Task<Stream> UpgradeAsync(string address, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{_scheme}://{address}{NodeDoor.Path}"));
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.ParseAdd(NodeDoor.Protocol);
        var response = await _http.SendAsync(request, cancellation);
        if (response.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols)
        {
            return await response.Content.ReadAsStreamAsync(cancellation);
        }

        response.Dispose();
        throw new NodeLinkException($"{address} is no node port of D-Chat: it answers {(int)response.StatusCode}");
    }
}
