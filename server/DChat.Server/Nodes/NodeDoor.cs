using System.Net;
using System.Net.Sockets;
using DChat.Server.Http;
using Microsoft.AspNetCore.Http.Features;

namespace DChat.Server.Nodes;

/// <summary>
/// Where other nodes come in, on the node port: an HTTP upgrade (RFC 9110, 7.8) to a link. Who cannot prove to hold the cluster secret
/// learns nothing and costs little: handshakes are limited in time and number.
/// </summary>
internal sealed partial class NodeDoor(NodeHandshake handshake, NodeSelf self, IEnumerable<INodeServer> servers, TimeProvider time, ILogger<NodeDoor> log)
{
    public const string Path = "/node";

    /// <summary>The upgrade's name.</summary>
    public const string Protocol = "dchat-node";

    /// <summary>Handshakes at once; more are answered 503.</summary>
    private const int HandshakesMax = 256;

    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, INodeServer> _servers = servers.ToDictionary(server => server.Service, StringComparer.Ordinal);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Repeats _refusals = new(time);
    private int _handshakes;

    /// <summary>Ends all links and takes no new ones: the web server waits for them when the process stops.</summary>
    public void Close() => _closed.TrySetResult();

    public async Task HandleAsync(HttpContext context)
    {
        if (_closed.Task.IsCompleted)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade || context.Request.Headers.Upgrade != Protocol)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            context.Response.Headers.Upgrade = Protocol;
            return;
        }

        if (context.Request.IsHttps && context.Connection.ClientCertificate is null)
        {
            SayRefused(context.Connection.RemoteIpAddress, null, "it shows no certificate that --node-tls-ca signed");
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        if (Interlocked.Increment(ref _handshakes) > HandshakesMax)
        {
            Interlocked.Decrement(ref _handshakes);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        var stream = await AcceptAsync(context, upgrade);
        if (stream is null)
        {
            return;
        }

        await using var link = new NodeLink(stream.Value.Peer, stream.Value.Stream, _servers[stream.Value.Peer.Service].Accept(stream.Value.Peer), time);
        LinkUp(log, link.Peer.Service, link.Peer.Node, link.Peer.Address, link.Peer.Product);
        await using var stopping = context.RequestAborted.Register(() => link.End("this node closed the connection"));
        if (await Task.WhenAny(link.Completion, _closed.Task) == _closed.Task)
        {
            link.End("this node stops");
        }

        var why = await link.Completion;
        LinkDown(log, link.Peer.Service, link.Peer.Node, link.Peer.Address, why);
    }

    /// <summary>Once, and then at most once a minute how often: whoever is refused comes again. What it says of itself is not proven.</summary>
    /// <param name="from">Where it came from; null: that is not known.</param>
    /// <param name="claimed">Where it says that it is; null: it does not.</param>
    /// <param name="why">For people.</param>
    public void SayRefused(IPAddress? from, string? claimed, string why)
    {
        var says = claimed is null ? "it does not say where it is" : $"it says that it is {Printable.Of(claimed)}";
        switch (_refusals.Next($"{from} {says}: {why}"))
        {
            case 1:
                Refused(log, from, says, Printable.Of(why));
                break;
            case > 1 and var times:
                RefusedAgain(log, from, says, times, Printable.Of(why));
                break;
        }
    }

    private async Task<(NodeHello Peer, Stream Stream)?> AcceptAsync(HttpContext context, IHttpUpgradeFeature upgrade)
    {
        try
        {
            context.Response.Headers.Upgrade = Protocol;
            context.Response.Headers.Connection = "Upgrade";
            var stream = await upgrade.UpgradeAsync();
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            limit.CancelAfter(HandshakeLimit);
            var peer = await handshake.AcceptAsync(stream, self.Hello(""), Refuse, limit.Token);
            return (peer, stream);
        }
        catch (Exception failure) when (failure is NodeLinkException or IOException or SocketException or InvalidDataException or OperationCanceledException)
        {
            SayRefused(context.Connection.RemoteIpAddress, (failure as NodeRefusedException)?.Claimed, failure is OperationCanceledException ? "it took too long" : failure.Message);
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _handshakes);
        }
    }

    private string? Refuse(NodeHello peer) => _servers.TryGetValue(peer.Service, out var server)
        ? server.Refuse(peer)
        : $"{self.Node} does not serve '{peer.Service}': it runs in another --mode";

    [LoggerMessage(3000, LogLevel.Warning, "refused a node that came from {Address} ({Says}): {Why}")]
    private static partial void Refused(ILogger log, IPAddress? address, string says, string why);

    [LoggerMessage(3003, LogLevel.Warning, "refused a node that came from {Address} ({Says}) {Times} times more: {Why}")]
    private static partial void RefusedAgain(ILogger log, IPAddress? address, string says, int times, string why);

    [LoggerMessage(3001, LogLevel.Information, "{Service} link from {Node} at {Address} ({Product})")]
    private static partial void LinkUp(ILogger log, string service, string node, string address, string product);

    [LoggerMessage(3002, LogLevel.Information, "{Service} link from {Node} at {Address} ended: {Why}")]
    private static partial void LinkDown(ILogger log, string service, string node, string address, string why);
}

/// <summary>Serves one kind of link.</summary>
internal interface INodeServer
{
    /// <summary>One of <see cref="NodeServices"/>.</summary>
    string Service { get; }

    /// <summary>Why a peer, proven, is not wanted, for people; null: it is.</summary>
    string? Refuse(NodeHello peer);

    /// <summary>What serves a peer's new link.</summary>
    INodeService Accept(NodeHello peer);
}
