using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using DChat.Protocol;

namespace DChat.TestKit;

/// <summary>A client of the bare wire: what it sends and sees is exactly what stands there.</summary>
public sealed class HubProbe : IAsyncDisposable
{
    private const char Separator = '\u001e';
    private static readonly TimeSpan Limit = Eventually.DefaultLimit;

    private readonly ClientWebSocket _socket;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonNode?>> _calls = new();
    private readonly Channel<HubEvent> _events = Channel.CreateUnbounded<HubEvent>();
    private readonly List<HubEvent> _passed = [];
    private readonly SemaphoreSlim _writing = new(1);
    private readonly SemaphoreSlim _reading = new(1, 1);
    private readonly Task _reader;
    private int _lastId;

    private HubProbe(ClientWebSocket socket)
    {
        _socket = socket;
        _reader = ReadAsync();
    }

    /// <summary>Completes when the server has closed the connection.</summary>
    public Task Closed => _reader;

    /// <summary>The last record of type 7, as text.</summary>
    public string? CloseRecord { get; private set; }

    public static async Task<HubProbe> ConnectAsync(Uri server, string? token, bool tokenInQuery = false)
    {
        var socket = new ClientWebSocket();
        var address = new UriBuilder(server) { Scheme = "ws", Path = ProtocolVersion.HubPath };
        if (token is not null && tokenInQuery)
        {
            address.Query = "access_token=" + Uri.EscapeDataString(token);
        }
        else if (token is not null)
        {
            socket.Options.SetRequestHeader("Authorization", "Bearer " + token);
        }

        await socket.ConnectAsync(address.Uri, default).WaitAsync(Limit);
        await SendAsync(socket, """{"protocol":"json","version":1}""" + Separator);
        var answer = new byte[256];
        var read = await socket.ReceiveAsync(answer.AsMemory(), default).AsTask().WaitAsync(Limit);
        var text = Encoding.UTF8.GetString(answer, 0, read.Count);
        if (text != "{}" + Separator)
        {
            throw new InvalidOperationException("the handshake was answered " + text);
        }

        return new HubProbe(socket);
    }

    /// <summary>Calls a method; an error throws <see cref="HubCallFailedException"/>.</summary>
    public async Task<JsonNode?> CallAsync(string method, object request) =>
        await BeginCall(method, request).WaitAsync(Limit);

    /// <summary>Calls a method and expects the error of this code.</summary>
    public async Task<HubError> FailAsync(string method, object request)
    {
        try
        {
            var answer = await CallAsync(method, request);
            throw new InvalidOperationException($"{method} was answered {answer?.ToJsonString() ?? "null"} and not refused");
        }
        catch (HubCallFailedException failed)
        {
            return failed.Error ?? throw new InvalidOperationException($"{method} failed without a code: {failed.Message}", failed);
        }
    }

    /// <summary>The answer to a call that the test itself writes, with an id of its own.</summary>
    public Task<JsonNode?> Expect(string invocationId)
    {
        var completion = new TaskCompletionSource<JsonNode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls[invocationId] = completion;
        return completion.Task;
    }

    /// <summary>Begins a call without waiting; calls begun one after the other reach the server in that order.</summary>
    public Task<JsonNode?> BeginCall(string method, object request)
    {
        var id = Interlocked.Increment(ref _lastId).ToString();
        var answer = Expect(id);
        var argument = JsonSerializer.Serialize(request, JsonSerializerOptions.Web);
        var sent = SendRecordAsync($$"""{"type":1,"invocationId":"{{id}}","target":"{{method}}","arguments":[{{argument}}]}""");
        return WaitAsync();

        async Task<JsonNode?> WaitAsync()
        {
            await sent;
            return await answer;
        }
    }

    public Task SendRecordAsync(string record) => SendTextAsync(record + Separator);

    public async Task SendTextAsync(string text)
    {
        await _writing.WaitAsync();
        try
        {
            await SendAsync(_socket, text);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>The next event of this name that fits, those that passed while another was waited for included.</summary>
    public Task<JsonNode> NextAsync(string name, Func<JsonNode, bool>? fits = null) => NextOfAsync([name], fits);

    /// <inheritdoc cref="NextAsync"/>
    public async Task<JsonNode> NextOfAsync(string[] names, Func<JsonNode, bool>? fits = null)
    {
        await _reading.WaitAsync();
        try
        {
            var at = _passed.FindIndex(Fits);
            if (at >= 0)
            {
                var found = _passed[at];
                _passed.RemoveAt(at);
                return found.Argument;
            }

            using var limit = new CancellationTokenSource(Limit);
            while (true)
            {
                HubEvent next;
                try
                {
                    next = await _events.Reader.ReadAsync(limit.Token);
                }
                catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
                {
                    throw new TimeoutException($"no {string.Join(" or ", names)} event that fits; seen: {string.Join(" ", _passed.Select(passed => passed.Name))}", e);
                }

                if (Fits(next))
                {
                    return next.Argument;
                }

                _passed.Add(next);
            }
        }
        finally
        {
            _reading.Release();
        }

        bool Fits(HubEvent seen) => names.Contains(seen.Name) && (fits is null || fits(seen.Argument));
    }

    /// <summary>All events that came so far and were not taken.</summary>
    public IReadOnlyList<HubEvent> Untaken()
    {
        while (_events.Reader.TryRead(out var next))
        {
            _passed.Add(next);
        }

        return [.. _passed];
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reader.WaitAsync(Limit);
        _socket.Dispose();
        _writing.Dispose();
        _reading.Dispose();
    }

    private static Task SendAsync(ClientWebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text).AsMemory(), WebSocketMessageType.Text, true, default).AsTask().WaitAsync(Limit);

    private async Task ReadAsync()
    {
        var buffer = new byte[64 * 1024];
        var pending = new MemoryStream();
        try
        {
            while (true)
            {
                var read = await _socket.ReceiveAsync(buffer.AsMemory(), default);
                if (read.MessageType == WebSocketMessageType.Close)
                {
                    break;
                }

                foreach (var value in buffer.AsSpan(0, read.Count))
                {
                    if (value != Separator)
                    {
                        pending.WriteByte(value);
                        continue;
                    }

                    Take(JsonNode.Parse(pending.ToArray())!);
                    pending.SetLength(0);
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The connection is gone: those who wait are told below.
        }
        finally
        {
            _events.Writer.TryComplete();
            foreach (var call in _calls.Values)
            {
                call.TrySetException(new HubCallFailedException("the connection is closed"));
            }
        }
    }

    private void Take(JsonNode record)
    {
        switch ((int)record["type"]!)
        {
            case 1:
                _events.Writer.TryWrite(new HubEvent((string)record["target"]!, record["arguments"]![0]!));
                break;
            case 3:
                if (_calls.TryRemove((string)record["invocationId"]!, out var call))
                {
                    if (record["error"] is { } error)
                    {
                        call.TrySetException(new HubCallFailedException((string)error!));
                    }
                    else
                    {
                        call.TrySetResult(record["result"]);
                    }
                }

                break;
            case 7:
                CloseRecord = record.ToJsonString();
                break;
        }
    }
}

public sealed record HubEvent(string Name, JsonNode Argument);

/// <summary>A call was refused, or the connection ended.</summary>
public sealed class HubCallFailedException(string message) : Exception(message)
{
    /// <summary>Null where the failure carries no code.</summary>
    public HubError? Error => HubError.TryParse(Message);
}
