using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>A client that reads only when it is told to, over a socket that takes little in.</summary>
internal sealed class PausingClient : IAsyncDisposable
{
    private const byte Separator = 0x1e;
    private const int ReceiveBytes = 4_096;

    private readonly ClientWebSocket _socket = new();
    private readonly SocketsHttpHandler _handler;
    private readonly Queue<JsonNode> _records = new();
    private readonly MemoryStream _pending = new();
    private readonly byte[] _buffer = new byte[16 * 1024];

    private PausingClient() => _handler = new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = ReceiveBytes };
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    public static async Task<PausingClient> ConnectAsync(Uri server, string token)
    {
        var client = new PausingClient();
        client._socket.Options.SetRequestHeader("Authorization", "Bearer " + token);
        using var invoker = new HttpMessageInvoker(client._handler, disposeHandler: false);
        await client._socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = ProtocolVersion.HubPath }.Uri, invoker, default).Within();
        await client.WriteAsync("""{"protocol":"json","version":1}""");
        Assert.Equal("{}", (await client.ReadAsync()).ToJsonString());
        return client;
    }

    public Task CallAsync(string id, string method, JsonNode request) =>
        WriteAsync($$"""{"type":1,"invocationId":"{{id}}","target":"{{method}}","arguments":[{{request.ToJsonString()}}]}""");

    /// <summary>The next record, pings left out.</summary>
    public async Task<JsonNode> ReadAsync()
    {
        while (true)
        {
            while (_records.TryDequeue(out var record))
            {
                if ((int?)record["type"] != 6)
                {
                    return record;
                }
            }

            var read = await _socket.ReceiveAsync(_buffer.AsMemory(), default).AsTask().Within();
            Assert.Equal(WebSocketMessageType.Text, read.MessageType);
            foreach (var value in _buffer.AsSpan(0, read.Count))
            {
                if (value == Separator)
                {
                    _records.Enqueue(JsonNode.Parse(_pending.ToArray())!);
                    _pending.SetLength(0);
                }
                else
                {
                    _pending.WriteByte(value);
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        _handler.Dispose();
        await _pending.DisposeAsync();
    }

    private Task WriteAsync(string record) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(record + (char)Separator).AsMemory(), WebSocketMessageType.Text, true, default).AsTask().Within();
}
