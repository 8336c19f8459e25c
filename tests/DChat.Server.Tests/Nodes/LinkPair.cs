using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;

namespace DChat.Server.Tests.Nodes;

/// <summary>Two nodes with a real connection between them, as they are after, or before, their handshake.</summary>
internal sealed class LinkPair : IAsyncDisposable
{
    private LinkPair(NetworkStream left, NetworkStream right) => (LeftStream, RightStream) = (left, right);

    public NetworkStream LeftStream { get; }

    public NetworkStream RightStream { get; }

    public static async Task<LinkPair> ConnectAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var left = new TcpClient();
        await left.ConnectAsync((IPEndPoint)listener.LocalEndpoint).WaitAsync(TestKit.Eventually.DefaultLimit);
        var right = await listener.AcceptTcpClientAsync().WaitAsync(TestKit.Eventually.DefaultLimit);
        left.NoDelay = right.NoDelay = true;
        return new LinkPair(left.GetStream(), right.GetStream());
    }

    public static NodeHello Hello(string node, int newest = NodeHello.LinkVersion, int oldest = NodeHello.OldestLinkVersion) =>
        new(NodeServices.Peer, node, "i-" + node, $"{node}:9000", "1.2.3", newest, oldest);

    public static ClusterSecret Secret(byte fill) => ClusterSecret.Parse(Convert.ToBase64String(Enumerable.Repeat(fill, ClusterSecret.Size).ToArray()), "test");

    public async ValueTask DisposeAsync()
    {
        await LeftStream.DisposeAsync();
        await RightStream.DisposeAsync();
    }
}

/// <summary>Keeps what came, in order; answers calls with what they hold, turned round.</summary>
internal sealed class EchoService : INodeService
{
    private readonly Channel<NodeMessage> _received = Channel.CreateUnbounded<NodeMessage>();

    public ChannelReader<NodeMessage> Received => _received.Reader;

    /// <summary>Holds the reading up while it is not completed.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public async ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
    {
        await Gate;
        if (message.Kind == NodeFrameKind.Call)
        {
            if (message.Payload.Length == 0)
            {
                link.Fail(message, "nothing to turn round");
                return;
            }

            link.Reply(message, message.Payload.Reverse().ToArray());
            return;
        }

        _received.Writer.TryWrite(message);
    }

    public void Ended(NodeLink link, string why) => _received.Writer.TryComplete();
}
