using DChat.Client.Accounts;
using DChat.Client.Sessions;
using DChat.Protocol;
using Microsoft.Extensions.Logging;

namespace DChat.Client.Connections;

/// <summary>Keeps one connection: opens it, notices its end, opens the next one, at whichever address answers.</summary>
internal sealed partial class Connector : IAsyncDisposable
{
    /// <summary>A connection that lasted this long was a good one: the next wait is a short one again.</summary>
    private static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(10);

    /// <summary>The longest wait that a server's <c>reconnect</c>, or <c>reconnectSpread</c>, may ask for.</summary>
    private static readonly TimeSpan ReconnectDelayMax = TimeSpan.FromMinutes(1);

    /// <summary>How long outstanding calls may hold a connection that is to be left. Above the 10 s for which a server holds a call.</summary>
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(12);

    private readonly ChatClientOptions options;
    private readonly ServerAddresses servers;
    private readonly HttpMessageInvoker invoker;
    private readonly TokenKeeper tokens;
    private readonly IConnectorEvents events;
    private readonly ILogger logger;
    private readonly Backoff backoff;
    private readonly Lock gate = new();
    private readonly CancellationTokenSource stop = new();
    private TaskCompletionSource<HubLink> online = NewSource<HubLink>();
    private TaskCompletionSource<TimeSpan>? leave;
    private TimeSpan spread;
    private string? endReason;
    private HubLink? current;
    private Task? running;
    private bool ended = true;

    public Connector(ChatClientOptions options, ServerAddresses servers, HttpMessageInvoker invoker, TokenKeeper tokens, IConnectorEvents events)
    {
        this.options = options;
        this.servers = servers;
        this.invoker = invoker;
        this.tokens = tokens;
        this.events = events;
        logger = options.LoggerFactory.CreateLogger<Connector>();
        backoff = new Backoff(options.ReconnectFirst, options.ReconnectLongest, Random.Shared);
    }

    public ConnectionStatus Status { get; private set; } = new(ConnectionState.Offline);

    public TimeSpan? Latency => current?.Latency;

    /// <summary>Whether it was ever started; before that a call would wait for nothing.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Starts, and completes once the first connection is in sync.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        Task<HubLink> first;
        lock (gate)
        {
            if (ended)
            {
                if (online.Task.IsCompleted)
                {
                    online = NewSource<HubLink>();
                }

                (ended, endReason, IsStarted) = (false, null, true);
                running = RunAsync();
            }

            first = online.Task;
        }

        await first.WaitAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>The connection, as soon as there is one that is in sync.</summary>
    /// <exception cref="ChatException">There will be none: signed out, or given up.</exception>
    public Task<HubLink> LinkAsync(CancellationToken cancel)
    {
        lock (gate)
        {
            return online.Task.WaitAsync(cancel);
        }
    }

    /// <summary>The server goes away: leave this connection after the delay, once its calls are answered.</summary>
    public void Leave(HubLink link, TimeSpan after)
    {
        lock (gate)
        {
            if (link == current)
            {
                leave?.TrySetResult(after < ReconnectDelayMax ? after : ReconnectDelayMax);
            }
        }
    }

    /// <summary>The session ended: no more connections.</summary>
    public void EndSession(HubLink link, string reason)
    {
        lock (gate)
        {
            if (link == current)
            {
                endReason = reason;
                leave?.TrySetResult(TimeSpan.Zero);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        if (running is not null)
        {
            await running.ConfigureAwait(false);
        }

        stop.Dispose();
    }

    private static TaskCompletionSource<T> NewSource<T>()
    {
        var source = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Whether anybody waits for it or not, its failure counts as seen.
        _ = source.Task.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return source;
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        var started = options.Time.GetTimestamp();
        var everOnline = false;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                ChatException problem;
                var wasOnline = false;
                try
                {
                    problem = await ConnectOnceAsync(() => everOnline = wasOnline = true).ConfigureAwait(false);
                }
                catch (ChatException e)
                {
                    problem = e;
                }

                if (problem.Code == ErrorCodes.NotSignedIn)
                {
                    End(ConnectionState.SignedOut, problem);
                    return;
                }

                if (!everOnline && IsPatienceOver(started))
                {
                    End(ConnectionState.Offline, problem);
                    return;
                }

                var wait = problem.RetryAfter ?? (wasOnline ? backoff.AfterLoss(spread) : backoff.Next());
                SetStatus(new ConnectionStatus(ConnectionState.Waiting, null, problem.Message, options.Time.GetUtcNow() + wait));
                Log.Retrying(logger, problem.Message, wait.TotalMilliseconds);
                await Task.Delay(wait, options.Time, stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Log.Stopped(logger);
        }
        catch (Exception e)
        {
            Log.Failed(logger, e);
            End(ConnectionState.Offline, new ChatException(ClientErrorCodes.ProtocolError, $"The client failed: {e.Message}", null, e));
            return;
        }

        End(ConnectionState.Offline, new ChatException(ClientErrorCodes.Unreachable, "The client was closed."));
    }

    private bool IsPatienceOver(long started) =>
        options.ConnectPatience != Timeout.InfiniteTimeSpan && options.Time.GetElapsedTime(started) >= options.ConnectPatience;

    /// <summary>One connection from its opening to its end; returns why it ended.</summary>
    private async Task<ChatException> ConnectOnceAsync(Action becameOnline)
    {
        var link = await OpenAnyAsync().ConfigureAwait(false);
        var asked = NewSource<TimeSpan>();
        lock (gate)
        {
            (current, leave) = (link, asked);
        }

        await using (link.ConfigureAwait(false))
        {
            try
            {
                await events.OpenedAsync(link, stop.Token).ConfigureAwait(false);
                becameOnline();
                var since = options.Time.GetTimestamp();
                SetStatus(new ConnectionStatus(ConnectionState.Online, link.Server));
                Log.Online(logger, link.Server);
                lock (gate)
                {
                    online.TrySetResult(link);
                }

                var ended = await UntilOverAsync(link, asked.Task).ConfigureAwait(false);
                if (options.Time.GetElapsedTime(since) >= StableAfter)
                {
                    backoff.Reset();
                }

                return ended;
            }
            catch (LinkLostException)
            {
                return Lost(link, "The connection was lost.");
            }
            catch (ChatException e) when (e.Code == ErrorCodes.Unavailable)
            {
                servers.Avoid(link.Server); // It answers, and cannot serve: another one may.
                throw;
            }
            finally
            {
                spread = SpreadOf(link);
                Withdraw();
                events.Lost(link);
            }
        }
    }

    private TimeSpan SpreadOf(HubLink link)
    {
        var asked = link.ReconnectSpread < ReconnectDelayMax ? link.ReconnectSpread : ReconnectDelayMax;
        return asked > options.ReconnectSpread ? asked : options.ReconnectSpread;
    }

    private async Task<ChatException> UntilOverAsync(HubLink link, Task<TimeSpan> asked)
    {
        await Task.WhenAny(link.Closed, asked).WaitAsync(stop.Token).ConfigureAwait(false);
        if (endReason is { } reason)
        {
            await tokens.ForgetAsync(stop.Token).ConfigureAwait(false);
            return new ChatException(ErrorCodes.NotSignedIn, $"The session ended: {reason}");
        }

        if (!asked.IsCompletedSuccessfully)
        {
            return Lost(link, await link.Closed.ConfigureAwait(false));
        }

        var after = await asked.ConfigureAwait(false);
        Log.Leaving(logger, link.Server, after.TotalMilliseconds);
        servers.Avoid(link.Server);
        await Task.WhenAny(link.Closed, Task.Delay(after, options.Time, stop.Token)).ConfigureAwait(false);

        // New calls wait for the next connection; those under way get their answers from this one.
        Withdraw();
        await Task.WhenAny(link.DrainAsync(), Task.Delay(DrainTimeout, options.Time, stop.Token)).ConfigureAwait(false);
        return new ChatException(ErrorCodes.Unavailable, $"{link.Server} is going away.", TimeSpan.Zero);
    }

    private ChatException Lost(HubLink link, string reason)
    {
        servers.Avoid(link.Server);
        return new ChatException(ClientErrorCodes.Unreachable, $"The connection to {link.Server} was lost: {reason}");
    }

    private void Withdraw()
    {
        lock (gate)
        {
            current = null;
            if (online.Task.IsCompleted)
            {
                online = NewSource<HubLink>();
            }
        }
    }

    private async Task<HubLink> OpenAnyAsync()
    {
        List<string> failures = [];
        Exception? last = null;
        foreach (var server in servers.InOrder())
        {
            SetStatus(new ConnectionStatus(ConnectionState.Connecting, server, Status.Problem));
            try
            {
                var link = await OpenAsync(server).ConfigureAwait(false);
                servers.Prefer(server);
                return link;
            }
            catch (Exception e) when (e is not OperationCanceledException and not ChatException { Code: ErrorCodes.NotSignedIn })
            {
                last = e;
                failures.Add($"{server}: {ChatHttp.Reason(e)}");
                servers.Avoid(server);
            }
        }

        throw ChatHttp.Unreachable(failures, last);
    }

    private async Task<HubLink> OpenAsync(Uri server)
    {
        var token = await tokens.GetAsync(stop.Token).ConfigureAwait(false);
        try
        {
            return await HubLink.OpenAsync(server, token, invoker, options, events.Received, stop.Token).ConfigureAwait(false);
        }
        catch (UpgradeRefusedException e) when (e.Status == System.Net.HttpStatusCode.Unauthorized)
        {
            token = await tokens.ReplaceAsync(token, stop.Token).ConfigureAwait(false);
        }

        try
        {
            return await HubLink.OpenAsync(server, token, invoker, options, events.Received, stop.Token).ConfigureAwait(false);
        }
        catch (UpgradeRefusedException e) when (e.Status == System.Net.HttpStatusCode.Unauthorized)
        {
            throw new ChatException(ErrorCodes.NotSignedIn, $"{server} does not accept the session.", null, e);
        }
    }

    private void End(ConnectionState state, ChatException problem)
    {
        SetStatus(new ConnectionStatus(state, null, problem.Message));
        lock (gate)
        {
            if (online.Task.IsCompleted)
            {
                online = NewSource<HubLink>();
            }

            online.TrySetException(problem);
            ended = true;
        }

        events.Ended(problem);
    }

    private void SetStatus(ConnectionStatus status)
    {
        Status = status;
        events.StatusChanged(status);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Connected to {Server}")]
        public static partial void Online(ILogger logger, Uri server);

        [LoggerMessage(2, LogLevel.Warning, "Not connected: {Problem} Next attempt in {DelayMs:0} ms")]
        public static partial void Retrying(ILogger logger, string problem, double delayMs);

        [LoggerMessage(3, LogLevel.Information, "{Server} is going away; leaving it in {DelayMs:0} ms")]
        public static partial void Leaving(ILogger logger, Uri server, double delayMs);

        [LoggerMessage(4, LogLevel.Debug, "Stopped")]
        public static partial void Stopped(ILogger logger);

        [LoggerMessage(5, LogLevel.Error, "The connection's keeper failed unexpectedly")]
        public static partial void Failed(ILogger logger, Exception e);
    }
}

/// <summary>What a <see cref="Connector"/> reports. None of these may throw, but <see cref="OpenedAsync"/>.</summary>
internal interface IConnectorEvents
{
    /// <summary>A connection is open; it counts as online when this completes.</summary>
    /// <exception cref="LinkLostException">It was lost again.</exception>
    /// <exception cref="ChatException">The server refused.</exception>
    Task OpenedAsync(HubLink link, CancellationToken cancel);

    /// <summary>An event came in over this connection.</summary>
    void Received(HubLink link, object payload);

    /// <summary>This connection is no more.</summary>
    void Lost(HubLink link);

    void StatusChanged(ConnectionStatus status);

    /// <summary>No further connection follows.</summary>
    void Ended(ChatException problem);
}
