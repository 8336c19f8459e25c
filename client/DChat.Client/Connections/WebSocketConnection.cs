using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace DChat.Client.Connections;

/// <summary>A WebSocket as the duplex pipe that SignalR's client expects.</summary>
internal sealed class WebSocketConnection : ConnectionContext
{
    private const int ReceiveBytes = 16 * 1024;

    /// <summary>How long the other side may take to answer a close frame, and a last write to go out.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly ClientWebSocket socket;
    private readonly Pipe inbound = new(new PipeOptions(useSynchronizationContext: false, pauseWriterThreshold: 1024 * 1024, resumeWriterThreshold: 512 * 1024));
    private readonly Pipe outbound = new(new PipeOptions(useSynchronizationContext: false));
    private readonly CancellationTokenSource aborted = new();
    private readonly Task receiving;
    private readonly Task sending;

    public WebSocketConnection(ClientWebSocket socket, EndPoint remote)
    {
        this.socket = socket;
        RemoteEndPoint = remote;
        Transport = new DuplexPipe(inbound.Reader, outbound.Writer);
        ConnectionClosed = aborted.Token;
        receiving = ReceiveAsync();
        sending = SendAsync();
    }

    public override string ConnectionId { get; set; } = Guid.NewGuid().ToString("N");

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

    public override IDuplexPipe Transport { get; set; }

    public override void Abort(ConnectionAbortedException abortReason) => socket.Abort();

    public override async ValueTask DisposeAsync()
    {
        await Transport.Output.CompleteAsync().ConfigureAwait(false);
        await Transport.Input.CompleteAsync().ConfigureAwait(false);
        aborted.CancelAfter(CloseTimeout);
        await Task.WhenAll(sending, receiving).ConfigureAwait(false);
        socket.Dispose();
        aborted.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ReceiveAsync()
    {
        Exception? error = null;
        try
        {
            while (true)
            {
                var memory = inbound.Writer.GetMemory(ReceiveBytes);
                var received = await socket.ReceiveAsync(memory, aborted.Token).ConfigureAwait(false);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    break;
                }

                inbound.Writer.Advance(received.Count);
                var flushed = await inbound.Writer.FlushAsync(aborted.Token).ConfigureAwait(false);
                if (flushed.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            error = new IOException("The connection was lost.", e);
        }

        await inbound.Writer.CompleteAsync(error).ConfigureAwait(false);
    }

    private async Task SendAsync()
    {
        Exception? error = null;
        try
        {
            while (true)
            {
                var read = await outbound.Reader.ReadAsync(aborted.Token).ConfigureAwait(false);
                await WriteAsync(read.Buffer).ConfigureAwait(false);
                outbound.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }

            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, aborted.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            error = new IOException("The connection was lost.", e);
        }

        await outbound.Reader.CompleteAsync(error).ConfigureAwait(false);
    }

    private async ValueTask WriteAsync(ReadOnlySequence<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var segment = buffer.First;
            buffer = buffer.Slice(segment.Length);
            await socket.SendAsync(segment, WebSocketMessageType.Text, endOfMessage: buffer.IsEmpty, aborted.Token).ConfigureAwait(false);
        }
    }

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
