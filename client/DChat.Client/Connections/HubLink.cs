using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DChat.Client.Connections;

/// <summary>One connection to one worker's hub, from its opening to its end.</summary>
internal sealed class HubLink : IAsyncDisposable
{
    private static readonly JsonSerializerOptions WireOptions = new(ProtocolJson.Wire.Options)
    {
        TypeInfoResolver = JsonTypeInfoResolver.Combine(ProtocolJson.Wire, new DefaultJsonTypeInfoResolver()),
    };

    private readonly HubConnection connection;
    private readonly TimeProvider time;
    private readonly TaskCompletionSource<string> closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock gate = new();
    private TaskCompletionSource? drained;
    private int outstanding;

    private HubLink(Uri server, HubConnection connection, TimeProvider time)
    {
        Server = server;
        this.connection = connection;
        this.time = time;
        connection.Closed += error =>
        {
            closed.TrySetResult(error?.Message ?? "The server closed the connection.");
            return Task.CompletedTask;
        };
    }

    public Uri Server { get; }

    /// <summary>Completes, with the reason, when the connection is gone.</summary>
    public Task<string> Closed => closed.Task;

    /// <summary>Over how long the server's clients are to come back, should it be lost; zero until it says so.</summary>
    public TimeSpan ReconnectSpread { get; private set; }

    /// <summary>The round trip of the latest answered call; null before the first.</summary>
    public TimeSpan? Latency { get; private set; }

    /// <param name="received">Called with each event, one after the other; must be quick and not throw.</param>
    /// <exception cref="UpgradeRefusedException">The server answered, but not with a connection.</exception>
    /// <exception cref="IOException">It could not be reached, or did not answer in time.</exception>
    public static async Task<HubLink> OpenAsync(Uri server, string token, HttpMessageInvoker invoker, ChatClientOptions options, Action<HubLink, object> received, CancellationToken cancel)
    {
        var builder = new HubConnectionBuilder()
            .WithServerTimeout(options.SilenceTimeout)
            .WithKeepAliveInterval(options.SilenceTimeout / 2)
            .AddJsonProtocol(json => json.PayloadSerializerOptions = WireOptions);
        builder.Services.AddSingleton<IConnectionFactory>(new WebSocketConnectionFactory(invoker, _ => ValueTask.FromResult<string?>(token)));
        builder.Services.AddSingleton<EndPoint>(new UriEndPoint(HubAddress(server)));
        builder.Services.AddSingleton(options.LoggerFactory);
        var link = new HubLink(server, builder.Build(), options.Time);
        link.Listen(received);

        using var limit = new CancellationTokenSource(options.ConnectTimeout, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            await link.connection.StartAsync(either.Token).ConfigureAwait(false);
            return link;
        }
        catch (Exception e)
        {
            await link.DisposeAsync().ConfigureAwait(false);
            if (e is OperationCanceledException && !cancel.IsCancellationRequested)
            {
                throw new IOException($"It did not answer within {options.ConnectTimeout.TotalSeconds:0} s.", e);
            }

            throw;
        }
    }

    /// <exception cref="ChatException">The server refused.</exception>
    /// <exception cref="LinkLostException">The connection ended before the answer.</exception>
    public async Task<T> InvokeAsync<T>(string method, object request, CancellationToken cancel)
    {
        Enter();
        try
        {
            var started = time.GetTimestamp();
            var answer = await connection.InvokeCoreAsync(method, typeof(T), [request], cancel).ConfigureAwait(false);
            Latency = time.GetElapsedTime(started);
            return (T)answer!;
        }
        catch (HubException e) when (HubError.TryParse(e.Message) is { } error)
        {
            throw ChatException.From(error, e);
        }
        catch (HubException e) when (e.Message.StartsWith("Failed to invoke", StringComparison.Ordinal) || e.Message.StartsWith("Method does not exist", StringComparison.Ordinal))
        {
            throw new ChatException(ClientErrorCodes.ProtocolError, e.Message, null, e);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            throw new LinkLostException(e);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Completes when no call is without its answer, or the connection is gone.</summary>
    public Task DrainAsync()
    {
        lock (gate)
        {
            if (outstanding == 0)
            {
                return Task.CompletedTask;
            }

            drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return Task.WhenAny(drained.Task, Closed);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync().ConfigureAwait(false);
        closed.TrySetResult("The connection was closed.");
    }

    private static Uri HubAddress(Uri server)
    {
        var address = new UriBuilder(new Uri(server, ProtocolVersion.HubPath.TrimStart('/')));
        address.Scheme = server.Scheme == Uri.UriSchemeHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs;
        return address.Uri;
    }

    private void Listen(Action<HubLink, object> received)
    {
        On<RoomEvents>(HubEvents.Events);
        On<PresenceChanged>(HubEvents.Presence);
        On<TypingChanged>(HubEvents.Typing);
        On<RoomChanged>(HubEvents.RoomChanged);
        On<RoomRemoved>(HubEvents.RoomRemoved);
        On<ReadMarkMoved>(HubEvents.Read);
        On<ResyncNeeded>(HubEvents.Resync);
        On<ReconnectAsked>(HubEvents.Reconnect);
        On<SignedOut>(HubEvents.SignedOut);
        connection.On<ReconnectSpread>(HubEvents.ReconnectSpread, asked => ReconnectSpread = TimeSpan.FromMilliseconds(Math.Clamp(asked.Ms, 0, int.MaxValue)));

        void On<T>(string name) where T : notnull => connection.On<T>(name, payload => received(this, payload));
    }

    private void Enter()
    {
        lock (gate)
        {
            outstanding++;
        }
    }

    private void Leave()
    {
        lock (gate)
        {
            if (--outstanding == 0)
            {
                drained?.TrySetResult();
                drained = null;
            }
        }
    }
}

/// <summary>The connection ended before a call was answered: it may have happened or not.</summary>
internal sealed class LinkLostException(Exception inner) : Exception("The connection was lost.", inner);
