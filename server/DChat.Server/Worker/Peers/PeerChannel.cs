using System.Collections.Concurrent;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Server.Worker.Host;

namespace DChat.Server.Worker.Peers;

/// <summary>One link to a host, as the gateway uses it. What is under way when it ends is not told any more.</summary>
internal sealed class PeerChannel(RegistryReplica replica, MissedEntries missed) : INodeService
{
    private readonly ConcurrentDictionary<long, OutstandingChange> _changes = new();
    private readonly ConcurrentDictionary<long, (string Room, IRoomSink Sink)> _subscriptions = new();
    private readonly ConcurrentDictionary<IRoomSink, long> _numbers = new();
    private readonly Lock _gate = new();
    private readonly PayloadWriter _writer = new();
    private List<Asked> _asked = [];
    private NodeLink? _link;
    private long _lastNumber;
    private bool _isAsking;

    /// <summary>How users stand in the rooms of subscriptions, while the link is behind: the last of each alone.</summary>
    private readonly Dictionary<long, Dictionary<string, PresenceState>> _late = [];
    private bool _isTellingLate;

    public bool IsUp => _link is { IsUp: true };

    /// <inheritdoc cref="NodeHello.Knows"/>
    public bool Knows(int linkVersion) => _link is { } link && link.Peer.Knows(linkVersion);

    /// <summary>The link, as soon as it is made; nothing comes from a host that was asked nothing.</summary>
    public void Open(NodeLink link) => _link = link;

    public bool Submit(OutstandingChange change, long epoch, long attempt)
    {
        var ticket = Interlocked.Increment(ref _lastNumber);
        lock (_gate)
        {
            _writer.Clear().Number(replica.Index).Number(ticket).Text(change.Route.Room).Number(epoch).Number(attempt)
                .Number(Math.Max(0, change.DeadlineMs - Environment.TickCount64));
            ChangeCodec.Write(_writer, change.Refusal);
            ChangeCodec.Write(_writer, change.Change);
            _changes[ticket] = change;
            if (_link!.Post(PeerMethods.Submit, _writer.Written))
            {
                return true;
            }
        }

        _changes.TryRemove(ticket, out _);
        return false;
    }

    /// <summary>Asks together with whoever asks meanwhile.</summary>
    public Task<long?> SubscribeAsync(string room, long epoch, IRoomSink sink, long? afterRev)
    {
        var asked = new Asked(Interlocked.Increment(ref _lastNumber), room, epoch, afterRev);
        _subscriptions[asked.Number] = (room, sink);
        _numbers[sink] = asked.Number;
        lock (_gate)
        {
            _asked.Add(asked);
            if (_isAsking)
            {
                return asked.Answer.Task;
            }

            _isAsking = true;
        }

        _ = AskAsync();
        return asked.Answer.Task;
    }

    public void Unsubscribe(IRoomSink sink)
    {
        if (_numbers.TryRemove(sink, out var number) && _subscriptions.TryRemove(number, out _))
        {
            lock (_gate)
            {
                _late.Remove(number);
            }

            Post(PeerMethods.Unsubscribe, number, static (to, number) => to.Number(number));
        }
    }

    public void Announce(IRoomSink sink, IReadOnlyList<UserPresence> users)
    {
        if (!_numbers.TryGetValue(sink, out var number))
        {
            return;
        }

        lock (_gate)
        {
            if (!_isTellingLate && _link is not { IsBehind: true })
            {
                foreach (var part in users.Chunk(PeerLimits.Users))
                {
                    Post(PeerMethods.Announce, (number, part), static (to, said) => Write(to, said.number, said.part));
                }

                return;
            }

            if (!_late.TryGetValue(number, out var late))
            {
                _late[number] = late = new(StringComparer.Ordinal);
            }

            foreach (var (user, state) in users)
            {
                late[user] = state;
            }

            if (_isTellingLate)
            {
                return;
            }

            _isTellingLate = true;
        }

        _ = TellLateAsync(_link!);
    }

    public void StartTyping(string room, string user) =>
        Post(PeerMethods.Typing, (room, user), static (to, typing) => to.Text(typing.room).Text(typing.user));

    public void MarkRead(IRoomSink sink, string user, long seq)
    {
        if (_numbers.TryGetValue(sink, out var number))
        {
            Post(PeerMethods.MarkRead, (number, user, seq), static (to, mark) => to.Number(mark.number).Text(mark.user).Number(mark.seq));
        }
    }

    /// <exception cref="NodeLinkException">The link ended, or the host failed to answer.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    public Task<byte[]> CallAsync(byte method, Action<PayloadWriter> write, CancellationToken cancellation)
    {
        var payload = new PayloadWriter().Number(replica.Index);
        write(payload);
        return (_link ?? throw new NodeLinkException("there is no link")).CallAsync(method, payload.WrittenMemory, PeerLimits.Call, cancellation);
    }

    public async ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
    {
        var payload = new PayloadReader(message.Payload);
        var index = payload.Number();
        var number = payload.Number();
        if (message.Method == PeerMethods.Outcome)
        {
            if (_changes.TryRemove(number, out var change))
            {
                change.Completed(ChangeCodec.ReadOutcome(ref payload));
            }

            return;
        }

        // Who was removed by what the host knew must be gone here before more is told.
        var isKnown = await missed.ReachAsync(index, link.Peer).ConfigureAwait(false);
        if (_subscriptions.TryGetValue(number, out var told))
        {
            Tell(message.Method, ref payload, number, told.Room, told.Sink, isKnown);
        }
    }

    public void Ended(NodeLink link, string why)
    {
        // Changes that wait are sent again over the next link by whoever made this one.
        foreach (var (number, subscription) in _subscriptions)
        {
            if (_subscriptions.TryRemove(number, out _))
            {
                subscription.Sink.Lost();
            }
        }
    }

    private void Tell(byte method, ref PayloadReader payload, long number, string room, IRoomSink sink, bool isKnown)
    {
        switch (method)
        {
            case PeerMethods.Events:
                var (firstRev, lastRev, count) = (payload.Number(), payload.Number(), payload.Count(int.MaxValue));
                if (isKnown)
                {
                    sink.Publish(new RoomBatch(room, firstRev, lastRev, payload.Rest().ToArray(), count));
                }
                else
                {
                    sink.Skip(lastRev);
                }

                break;
            case PeerMethods.Skip:
                sink.Skip(payload.Number());
                break;
            case PeerMethods.Soft when isKnown:
                sink.PublishSoft(payload.Rest().ToArray());
                break;
            case PeerMethods.Read when isKnown:
                sink.TellRead(payload.Text(), payload.Number());
                break;
            case PeerMethods.Soft or PeerMethods.Read:
                break;
            case PeerMethods.Lost:
                _subscriptions.TryRemove(number, out _);
                _numbers.TryRemove(sink, out _);
                sink.Lost();
                break;
            default:
                throw new InvalidDataException($"a host sent {method} out of turn");
        }
    }

    /// <summary>Tells what was put off as the host takes it; what is said meanwhile goes with it.</summary>
    private async Task TellLateAsync(NodeLink link)
    {
        await Task.Yield();
        while (TakeLate() is { } late)
        {
            if (!await link.PostAsync(PeerMethods.Announce, late.WrittenMemory, CancellationToken.None).ConfigureAwait(false))
            {
                return; // The link is over: at the next one all are announced again.
            }
        }
    }

    private PayloadWriter? TakeLate()
    {
        lock (_gate)
        {
            foreach (var (number, users) in _late)
            {
                var part = users.Take(PeerLimits.Users).Select(static user => new UserPresence(user.Key, user.Value)).ToArray();
                foreach (var (user, _) in part)
                {
                    users.Remove(user);
                }

                if (users.Count == 0)
                {
                    _late.Remove(number);
                }

                var payload = new PayloadWriter().Number(replica.Index);
                Write(payload, number, part);
                return payload;
            }

            _isTellingLate = false;
            return null;
        }
    }

    private async Task AskAsync()
    {
        await Task.Yield(); // Whoever asks next goes with it.
        while (true)
        {
            List<Asked> all;
            lock (_gate)
            {
                if (_asked.Count == 0)
                {
                    _isAsking = false;
                    return;
                }

                (all, _asked) = (_asked, []);
            }

            await Task.WhenAll(all.Chunk(PeerLimits.Rooms).Select(AskAsync)).ConfigureAwait(false);
        }
    }

    private async Task AskAsync(Asked[] part)
    {
        try
        {
            var answer = await CallAsync(PeerMethods.Subscribe, to => Write(to, part), CancellationToken.None).ConfigureAwait(false);
            Read(new PayloadReader(answer), part);
        }
        catch (Exception failure)
        {
            var isExpected = failure is NodeLinkException or TimeoutException or InvalidDataException;
            foreach (var asked in part)
            {
                if (_subscriptions.TryRemove(asked.Number, out var subscription))
                {
                    _numbers.TryRemove(subscription.Sink, out _);
                    Post(PeerMethods.Unsubscribe, asked.Number, static (to, number) => to.Number(number)); // The host may have done it all the same.
                }

                _ = isExpected ? asked.Answer.TrySetResult(null) : asked.Answer.TrySetException(failure);
            }
        }
    }

    private void Read(PayloadReader from, Asked[] part)
    {
        foreach (var asked in part)
        {
            var rev = ChangeCodec.ReadOptional(ref from);
            if (rev is null && _subscriptions.TryRemove(asked.Number, out var subscription))
            {
                _numbers.TryRemove(subscription.Sink, out _);
            }

            asked.Answer.TrySetResult(rev);
        }
    }

    private static void Write(PayloadWriter to, long number, UserPresence[] part)
    {
        to.Number(number).Number(part.Length);
        foreach (var (user, state) in part)
        {
            to.Text(user).Number((long)state);
        }
    }

    private static void Write(PayloadWriter to, Asked[] part)
    {
        to.Number(part.Length);
        foreach (var asked in part)
        {
            ChangeCodec.WriteOptional(to.Number(asked.Number).Text(asked.Room).Number(asked.Epoch), asked.AfterRev);
        }
    }

    private void Post<T>(byte method, T what, Action<PayloadWriter, T> write)
    {
        lock (_gate)
        {
            write(_writer.Clear().Number(replica.Index), what);
            _link?.Post(method, _writer.Written);
        }
    }

    /// <param name="Number">Names the subscription on this link.</param>
    private sealed record Asked(long Number, string Room, long Epoch, long? AfterRev)
    {
        public TaskCompletionSource<long?> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
