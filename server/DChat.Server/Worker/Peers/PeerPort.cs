using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Server.Worker.Host;
using Polly;
using Polly.Retry;

namespace DChat.Server.Worker.Peers;

/// <summary>Another worker as a host: one link to it, made at the first need and anew whenever it ends, until the worker is gone.</summary>
internal sealed partial class PeerPort : IHostPort, IAsyncDisposable
{
    private readonly string _worker;
    private readonly NodeDialer _dialer;
    private readonly RegistryReplica _replica;
    private readonly MissedEntries _missed;
    private readonly Action<IHostPort> _changed;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly CancellationToken _ended;
    private readonly ResiliencePipeline _dialling;
    private readonly Task _keeping;
    private volatile PeerChannel? _channel;

    public PeerPort(string worker, NodeDialer dialer, RegistryReplica replica, MissedEntries missed, TimeProvider time, Action<IHostPort> changed, ILogger log)
    {
        (_worker, _dialer, _replica, _missed, _changed, _log) = (worker, dialer, replica, missed, changed, log);
        _dialling = new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<NodeLinkException>(),
            MaxRetryAttempts = int.MaxValue,
            DelayGenerator = static retry => new(Redial.After(retry.AttemptNumber, retry.Outcome.Exception is NodeRefusedException { IsLasting: true })),
            OnRetry = retry =>
            {
                NotReached(_log, _worker, retry.Outcome.Exception!.Message);
                return default;
            },
        }).Build();
        _ended = _ending.Token;
        _keeping = VitalWork.RunAsync($"the link to {worker}", KeepAsync, log);
    }

    public bool IsUp => _channel is { IsUp: true };

    public bool Submit(OutstandingChange change, long epoch, long attempt) => _channel is { } channel && channel.Submit(change, epoch, attempt);

    public async ValueTask<long?> SubscribeAsync(string room, long epoch, IRoomSink sink, long? afterRev) =>
        _channel is { } channel ? await channel.SubscribeAsync(room, epoch, sink, afterRev).ConfigureAwait(false) : null;

    public void Unsubscribe(string room, IRoomSink sink) => _channel?.Unsubscribe(sink);

    public void Announce(string room, IRoomSink sink, IReadOnlyList<UserPresence> users) => _channel?.Announce(sink, users);

    public void StartTyping(string room, string user) => _channel?.StartTyping(room, user);

    public void MarkRead(string room, IRoomSink sink, string user, long seq) => _channel?.MarkRead(sink, user, seq);

    public ValueTask<RoomGlance> GlanceAsync(string room, long? afterRev, long throughRev, int limit) => AskAsync(
        PeerMethods.Glance,
        to =>
        {
            ChangeCodec.WriteOptional(to.Text(room), afterRev);
            to.Number(throughRev).Number(limit);
        },
        from =>
        {
            var resumed = from.Flag() ? new ResumePage(from.Bytes(), from.Count(limit), from.Flag()) : null;
            return new RoomGlance(resumed, from.Bytes(), from.Count(int.MaxValue));
        },
        RoomGlance.Nothing,
        _ended);

    public ValueTask<IReadOnlyList<bool>> OnlineAsync(string room, IReadOnlyList<string> users) => AskAsync<IReadOnlyList<bool>>(
        PeerMethods.Online,
        to => ChangeCodec.WriteTexts(to.Text(room), users),
        from =>
        {
            var online = new bool[users.Count];
            for (var i = 0; i < online.Length; i++)
            {
                online[i] = from.Flag();
            }

            return online;
        },
        new bool[users.Count],
        _ended);

    public ValueTask<long?> NewestSeqAsync(string room) =>
        AskAsync(PeerMethods.NewestSeq, to => to.Text(room), static from => ChangeCodec.ReadOptional(ref from), null, _ended);

    /// <inheritdoc/>
    /// <remarks>A host that does not know the question is not waited for.</remarks>
    public ValueTask<bool> BarrierAsync(string room, long epoch) =>
        _channel is { } channel && !channel.Knows(PeerMethods.BarrierSince) ? new(true)
        : AskAsync(PeerMethods.Barrier, to => to.Text(room).Number(epoch), static from => from.Flag(), false, _ended);

    /// <summary>Whether a coordinator is linked to that worker; false where the worker cannot be asked, or is of a version that cannot tell.</summary>
    public ValueTask<bool> HearsCoordinatorAsync() => _channel is { } channel && channel.Knows(PeerMethods.HearsCoordinatorSince)
        ? AskAsync(PeerMethods.HearsCoordinator, static _ => { }, static from => from.Flag(), false, _ended)
        : ValueTask.FromResult(false);

    /// <summary>Asks the host's message store; null where the host cannot be reached.</summary>
    public ValueTask<byte[]?> AskStoreAsync(byte[] request, CancellationToken cancellation) =>
        AskAsync(PeerMethods.Store, to => to.Bytes(request), static from => (byte[]?)from.Rest().ToArray(), null, cancellation);

    /// <summary>The worker is gone: no link is made to it any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _keeping.ConfigureAwait(false);
        _ending.Dispose();
    }

    private async ValueTask<T> AskAsync<T>(byte method, Action<PayloadWriter> write, Func<PayloadReader, T> read, T otherwise, CancellationToken cancellation)
    {
        try
        {
            return _channel is { } channel ? read(new PayloadReader(await channel.CallAsync(method, write, cancellation).ConfigureAwait(false))) : otherwise;
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException or InvalidDataException || _ended.IsCancellationRequested)
        {
            NotAnswered(_log, _worker, method, failure.Message);
            return otherwise;
        }
    }

    private async Task KeepAsync()
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                var channel = new PeerChannel(_replica, _missed);
                await using var link = await _dialling.ExecuteAsync(async cancellation => await DialAsync(channel, cancellation).ConfigureAwait(false), _ended).ConfigureAwait(false);
                channel.Open(link);
                _channel = channel;
                LinkUp(_log, _worker, link.Peer.Address);
                _changed(this);
                try
                {
                    LinkDown(_log, _worker, link.Peer.Address, await link.Completion.WaitAsync(_ended).ConfigureAwait(false));
                }
                finally
                {
                    _channel = null;
                    _changed(this);
                }
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or NodeLinkException && _ended.IsCancellationRequested)
        {
            // The worker is gone, or this one stops. (A pipeline that is cancelled between two tries ends as the last one did.)
        }
    }

    private Task<NodeLink> DialAsync(PeerChannel channel, CancellationToken cancellation) => _replica.State.FindWorker(_worker) is { } worker
        ? _dialer.ConnectAsync(worker.Address, NodeServices.Peer, _worker, _ => channel, cancellation)
        : throw new NodeLinkException($"{_worker} is not in the registry");

    [LoggerMessage(2500, LogLevel.Information, "linked to {Worker} at {Address} as host")]
    private static partial void LinkUp(ILogger log, string worker, string address);

    [LoggerMessage(2501, LogLevel.Warning, "the link to {Worker} at {Address} ended: {Why}")]
    private static partial void LinkDown(ILogger log, string worker, string address, string why);

    [LoggerMessage(2502, LogLevel.Debug, "{Worker} cannot be reached yet: {Why}")]
    private static partial void NotReached(ILogger log, string worker, string why);

    [LoggerMessage(2503, LogLevel.Warning, "{Worker} did not answer {Method}: {Why}")]
    private static partial void NotAnswered(ILogger log, string worker, byte method, string why);
}
