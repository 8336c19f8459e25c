using System.Collections.Concurrent;
using DChat.Protocol;

namespace DChat.Terminal.Load;

/// <summary>All clients of a run: makes them, connects them, keeps them connected, and ends them.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    /// <summary>Below the backlog of a listening socket, so that no connect has to be repeated by the kernel a second later.</summary>
    private const int ConnectsAtOnce = 256;
    private const int BufferBytesMin = 4 * 1024;
    private const int BufferBytesMax = 256 * 1024;

    /// <summary>Shared by all receive buffers, in bytes.</summary>
    private const int BufferBytesInAll = 64 * 1024 * 1024;

    private const int UpkeepMs = 5;
    private const int KeepAliveEveryMs = 1_000;
    private const int PingAfterMs = 10_000;

    /// <summary>A hub pings every 15 s.</summary>
    private const int SilentMs = 40_000;

    /// <summary>From the first byte until a client follows its rooms: with hundreds of rooms each, thousands at once take their time.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(60);

    /// <summary>As the SDK waits after a failure, at most and randomly shortened by up to half.</summary>
    private static readonly TimeSpan ReconnectDelayMin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ReconnectDelayMax = TimeSpan.FromSeconds(2);

    private readonly LoadRun _run;
    private readonly Accounts _accounts;
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _connects = new(ConnectsAtOnce);
    private readonly SemaphoreSlim _renewal = new(1);
    private readonly ConcurrentDictionary<LoadClient, Task> _lives = new();
    private readonly Task _upkeep;
    private long _tokensMadeAt;

    private Fleet(LoadRun run, Accounts accounts)
    {
        _run = run;
        _accounts = accounts;
        ServerOf = (client, attempt) => run.Options.Servers[(attempt == 0 ? client.Index : Random.Shared.Next(run.Options.Servers.Count)) % run.Options.Servers.Count];
        _upkeep = UpkeepAsync();
    }

    public IReadOnlyList<LoadClient> Clients { get; private set; } = [];

    /// <summary>From the start of connecting to following the rooms.</summary>
    public LatencyHistogram ConnectLatency { get; } = new();

    /// <summary>
    /// The server that a client tries at its nth attempt, of which each loss begins another. Unless a scenario says otherwise, who lost a server
    /// goes to any, as behind a load balancer: not all of its clients to the next one.
    /// </summary>
    public Func<LoadClient, int, Uri> ServerOf { get; set; }

    public IEnumerable<LoadClient> Senders => Clients.Where(client => client.IsSender);

    /// <summary>Makes accounts, rooms and clients; connects nobody.</summary>
    public static async Task<Fleet> CreateAsync(LoadRun run, CancellationToken cancellation)
    {
        var fleet = new Fleet(run, new Accounts(run.Options));
        try
        {
            var made = run.Options.Bare ? MakeBare(run.Options) : await fleet._accounts.MakeAsync(cancellation);
            fleet._tokensMadeAt = Environment.TickCount64;
            fleet.MakeClients(made);
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connects clients and waits until each follows its rooms.</summary>
    /// <param name="perSecond">0: as fast as it goes.</param>
    public async Task ConnectAsync(IReadOnlyCollection<LoadClient> clients, double perSecond, CancellationToken cancellation)
    {
        var started = LoadRun.Now;
        var up = new List<Task>(clients.Count);
        foreach (var client in clients)
        {
            if (perSecond > 0)
            {
                await Pace.UntilAsync(started, up.Count / perSecond, cancellation);
            }

            await _connects.WaitAsync(cancellation);
            up.Add(StartAsync(client));
        }

        await Task.WhenAll(up).WaitAsync(cancellation);
    }

    /// <inheritdoc cref="Accounts.RoomsHostedAtAsync"/>
    public Task<IReadOnlySet<string>> RoomsHostedAtAsync(Uri server, CancellationToken cancellation) => _accounts.RoomsHostedAtAsync(server, cancellation);

    /// <summary>Ends the connections of clients; <see cref="ConnectAsync"/> makes them again.</summary>
    public async Task DisconnectAsync(IReadOnlyCollection<LoadClient> clients)
    {
        foreach (var client in clients)
        {
            client.Leave();
        }

        foreach (var client in clients)
        {
            if (_lives.TryRemove(client, out var life))
            {
                await life;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await DisconnectAsync(Clients);
        await _upkeep;
        _accounts.Dispose();
        _connects.Dispose();
        _renewal.Dispose();
        _ended.Dispose();
    }

    private static BulkUsersAnswer MakeBare(LoadOptions options)
    {
        var members = options.EffectiveMembers;
        return new BulkUsersAnswer(
            [.. Enumerable.Range(0, options.Users).Select(user => new BulkUser($"{options.Prefix}{user}", ""))],
            [.. Enumerable.Range(0, options.Rooms).Select(room => new BulkRoom(
                $"{options.Prefix}-room-{room}",
                [.. Enumerable.Range(0, members).Select(member => ((room * members) + member) % options.Users)]))]);
    }

    private void MakeClients(BulkUsersAnswer made)
    {
        _run.MakeRooms([.. made.Rooms.Select(room => (room.Room, room.Members))]);
        var roomsOf = _run.Rooms.SelectMany(room => room.Members.Select(member => (member, room))).ToLookup(pair => pair.member, pair => pair.room);
        Clients = [.. made.Users.Select((user, index) => new LoadClient(_run, index, user.User, user.AccessToken is "" ? null : user.AccessToken, roomsOf[index]))];
    }

    /// <summary>Answers when the client is up, or has failed for good.</summary>
    private Task StartAsync(LoadClient client)
    {
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var started = LoadRun.Now;
        client.Return();
        _lives[client] = LiveAsync(client, () =>
        {
            if (up.TrySetResult())
            {
                _connects.Release();
                lock (ConnectLatency)
                {
                    ConnectLatency.Record(LoadMeter.Microseconds(LoadRun.Now - started));
                }
            }
        }, failure =>
        {
            if (up.TrySetException(failure))
            {
                _connects.Release();
            }
        });
        return up.Task;
    }

    private async Task LiveAsync(LoadClient client, Action onUp, Action<Exception> onNeverUp)
    {
        var bufferBytes = Math.Clamp(BufferBytesInAll / Math.Max(1, Clients.Count), BufferBytesMin, BufferBytesMax);
        var delay = ReconnectDelayMin;
        for (var attempt = 0; !_ended.IsCancellationRequested; attempt++)
        {
            var server = ServerOf(client, attempt);
            var wasUp = false;
            var failure = await TryLiveOnceAsync(client, server, bufferBytes, () =>
            {
                wasUp = true;
                onUp();
            });
            if (!_run.Options.Reconnect || client.HasLeft || _ended.IsCancellationRequested)
            {
                onNeverUp(failure);
                return;
            }

            _run.CountReconnect();
            delay = wasUp ? ReconnectDelayMin : TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, ReconnectDelayMax.Ticks));
            await RenewTokenAsync(client, failure);
            var wait = delay * (0.5 + (Random.Shared.NextDouble() / 2));
            if (wasUp)
            {
                wait = client.WasAskedToLeave ? TimeSpan.Zero : Longer(wait, client.ReconnectSpread * Random.Shared.NextDouble());
            }

            await Task.Delay(wait, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        onNeverUp(new OperationCanceledException());
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private async Task<Exception> TryLiveOnceAsync(LoadClient client, Uri server, int bufferBytes, Action onUp)
    {
        using var connecting = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        connecting.CancelAfter(ConnectTimeout);
        try
        {
            await client.RunOnceAsync(
                server,
                bufferBytes,
                () =>
                {
                    connecting.CancelAfter(Timeout.InfiniteTimeSpan);
                    onUp();
                },
                connecting.Token);
            return new IOException($"client {client.Index}: {client.LastFailure}");
        }
        catch (OperationCanceledException)
        {
            return new CannotStartException($"client {client.Index}: {server} did not answer within {ConnectTimeout.TotalSeconds} s");
        }
        catch (Exception failure) when (LoadClient.IsLoss(failure))
        {
            return failure;
        }
    }

    /// <summary>Access tokens live for minutes: a client that is refused gets a new one, all clients in one call.</summary>
    private async Task RenewTokenAsync(LoadClient client, Exception failure)
    {
        if (failure is not ConnectRefusedException { BadToken: true })
        {
            return;
        }

        var refusedAt = Environment.TickCount64;
        await _renewal.WaitAsync(_ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            if (_tokensMadeAt < refusedAt && !_ended.IsCancellationRequested)
            {
                var made = await _accounts.MakeAsync(_ended.Token);
                foreach (var (each, user) in Clients.Zip(made.Users))
                {
                    each.Token = user.AccessToken;
                }

                _tokensMadeAt = Environment.TickCount64;
            }
        }
        catch (Exception again) when (again is CannotStartException or OperationCanceledException)
        {
            client.NoteFailure($"no new token: {again.Message}");
        }
        finally
        {
            _renewal.Release();
        }
    }

    private async Task UpkeepAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(UpkeepMs));
        var nextKeepAlive = Environment.TickCount64 + KeepAliveEveryMs;
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                _run.Later.RunDue();
                var now = Environment.TickCount64;
                if (now < nextKeepAlive)
                {
                    continue;
                }

                nextKeepAlive = now + KeepAliveEveryMs;
                foreach (var client in Clients)
                {
                    client.KeepAlive(now, PingAfterMs + (client.Index % 1_000), SilentMs);
                    if (_run.Marks.IsOn)
                    {
                        client.MarkRead();
                    }
                }
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // The run is over.
            return;
        }
    }
}
