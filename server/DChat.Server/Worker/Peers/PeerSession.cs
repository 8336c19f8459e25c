using System.Collections.Concurrent;
using DChat.Core.Messages;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Joining;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker.Peers;

/// <summary>
/// One gateway's link at this host. Who asks is the gateway's word: it proved to belong to the cluster, and rights are checked again before
/// anything is written.
/// </summary>
internal sealed partial class PeerSession(RoomHost host, StoreReads reads, RegistryReplica replica, MissedEntries missed, GatewayFlows flows, IClusterMembership membership, ILogger<PeerSession> log) : INodeService
{
    private readonly ConcurrentDictionary<long, PeerSink> _sinks = new();
    private ChangeFlows? _flows;

    public async ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
    {
        var payload = new PayloadReader(message.Payload);
        var index = payload.Number();
        var isKnown = await missed.ReachAsync(index, link.Peer).ConfigureAwait(false);
        switch (message.Method)
        {
            case PeerMethods.Submit:
                Submit(link, ref payload, isKnown);
                break;
            case PeerMethods.Subscribe:
                Subscribe(link, message, ref payload);
                break;
            case PeerMethods.Unsubscribe:
                Unsubscribe(payload.Number());
                break;
            case PeerMethods.Announce:
                Announce(ref payload);
                break;
            case PeerMethods.Typing:
                host.StartTyping(payload.Text(), payload.Text());
                break;
            case PeerMethods.MarkRead:
                MarkRead(ref payload);
                break;
            case PeerMethods.Glance:
                link.Reply(message, Glance(ref payload).Written);
                break;
            case PeerMethods.Online:
                link.Reply(message, Online(ref payload).Written);
                break;
            case PeerMethods.NewestSeq:
                var seq = new PayloadWriter();
                ChangeCodec.WriteOptional(seq, host.NewestSeq(payload.Text()));
                link.Reply(message, seq.Written);
                break;
            case PeerMethods.Barrier:
                _ = FenceAsync(link, message, isKnown, payload.Text(), payload.Number());
                break;
            case PeerMethods.Store:
                _ = ReadAsync(link, message, payload.Bytes());
                break;
            case PeerMethods.HearsCoordinator:
                link.Reply(message, new PayloadWriter().Flag(membership.HearsCoordinator).Written);
                break;
            default:
                throw new InvalidDataException($"a gateway sent {message.Method} out of turn");
        }
    }

    public void Ended(NodeLink link, string why)
    {
        foreach (var number in _sinks.Keys)
        {
            Unsubscribe(number);
        }

        if (_flows is not null)
        {
            flows.Leave(link.Peer);
        }
    }

    private void Submit(NodeLink link, ref PayloadReader payload, bool isKnown)
    {
        var (ticket, room) = (payload.Number(), payload.Text());
        var (epoch, attempt, leftMs) = (payload.Number(), payload.Number(), payload.Count(RoomHost.HoldMs));
        var refusal = ChangeCodec.ReadError(ref payload);
        var change = ChangeCodec.ReadChange(ref payload);
        if (change.Author.Length == 0)
        {
            throw new InvalidDataException("a gateway sent a change without an author");
        }

        var flow = (_flows ??= flows.Enter(link.Peer)).Of(room, Environment.TickCount64);
        var receiver = new PeerReceiver(link, ticket, replica);
        if (isKnown)
        {
            host.Submit(room, change, refusal, receiver, new ChangeOrigin(flow, epoch, attempt, Environment.TickCount64 + leftMs));
        }
        else
        {
            flow.Refuse(attempt);
            receiver.Completed(ChangeOutcome.Moved);
        }
    }

    private void Subscribe(NodeLink link, NodeMessage call, ref PayloadReader payload)
    {
        var count = payload.Count(PeerLimits.Rooms);
        var patience = new CancellationTokenSource(PeerLimits.Patience);
        var opening = new List<Task<long?>>();
        for (var i = 0; i < count; i++)
        {
            var (number, room, epoch) = (payload.Number(), payload.Text(), payload.Number());
            var afterRev = ChangeCodec.ReadOptional(ref payload);
            var sink = new PeerSink(link, number, room, replica, Forget);
            if (!_sinks.TryAdd(number, sink))
            {
                throw new InvalidDataException("a gateway used a number twice");
            }

            opening.Add(OpenAsync(sink, epoch, afterRev, patience.Token));
        }

        _ = AnswerAsync(link, call, opening, patience);
    }

    private async Task<long?> OpenAsync(PeerSink sink, long epoch, long? afterRev, CancellationToken patience)
    {
        long? rev = null;
        try
        {
            rev = await host.SubscribeAsync(sink.Room, epoch, sink, afterRev, patience).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // It opens on, and the gateway asks again: the rooms that were asked for together with it wait no longer.
        }

        // Whoever ended it while the room opened found nothing to end at the host: whichever of the two comes second ends it.
        if (rev is null || !_sinks.ContainsKey(sink.Number))
        {
            Forget(sink);
            host.Unsubscribe(sink.Room, sink);
        }

        return rev;
    }

    private static async Task AnswerAsync(NodeLink link, NodeMessage call, List<Task<long?>> opening, CancellationTokenSource patience)
    {
        using var over = patience;
        var answer = new PayloadWriter();
        foreach (var rev in opening)
        {
            ChangeCodec.WriteOptional(answer, await rev.ConfigureAwait(false));
        }

        link.Reply(call, answer.Written);
    }

    private void Unsubscribe(long number)
    {
        if (_sinks.TryRemove(number, out var sink))
        {
            host.Unsubscribe(sink.Room, sink);
        }
    }

    private void Forget(PeerSink sink) => _sinks.TryRemove(KeyValuePair.Create(sink.Number, sink));

    private void Announce(ref PayloadReader payload)
    {
        _sinks.TryGetValue(payload.Number(), out var sink);
        var count = payload.Count(PeerLimits.Users);
        for (var i = 0; i < count; i++)
        {
            var (user, state) = (payload.Text(), (PresenceState)payload.Count((int)PresenceState.Online));
            if (sink is not null)
            {
                host.Announce(sink.Room, sink, user, state);
            }
        }
    }

    private void MarkRead(ref PayloadReader payload)
    {
        var (number, user, seq) = (payload.Number(), payload.Text(), payload.Number());
        if (_sinks.TryGetValue(number, out var sink))
        {
            host.MarkRead(sink.Room, sink, user, seq);
        }
    }

    private PayloadWriter Glance(ref PayloadReader payload)
    {
        var room = payload.Text();
        var afterRev = ChangeCodec.ReadOptional(ref payload);
        var (throughRev, limit) = (payload.Number(), payload.Count(Protocol.ProtocolLimits.PageMax));
        var answer = new PayloadWriter();
        var page = afterRev is { } after && limit > 0 ? host.TryResume(room, after, throughRev, limit) : null;
        answer.Flag(page is not null);
        if (page is not null)
        {
            answer.Bytes(page.Messages.Span).Number(page.Count).Flag(page.More);
        }

        var (names, online) = host.OnlineIn(room);
        return answer.Bytes(names.Span).Number(online);
    }

    private PayloadWriter Online(ref PayloadReader payload)
    {
        var room = payload.Text();
        var answer = new PayloadWriter();
        foreach (var user in ChangeCodec.ReadTexts(ref payload, PeerLimits.Users))
        {
            answer.Flag(host.IsOnline(room, user));
        }

        return answer;
    }

    private async Task FenceAsync(NodeLink link, NodeMessage call, bool isKnown, string room, long epoch)
    {
        var isFenced = false;
        try
        {
            isFenced = isKnown && await host.FenceAsync(room, epoch).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // It did not open in time; the gateway asks again.
        }

        link.Reply(call, new PayloadWriter().Flag(isFenced).Written);
    }

    private async Task ReadAsync(NodeLink link, NodeMessage call, ReadOnlyMemory<byte> request)
    {
        await Task.Yield();
        try
        {
            link.Reply(call, await reads.AnswerAsync(request).ConfigureAwait(false));
        }
        catch (FormatException)
        {
            link.Reply(call, []); // What was asked for is not valid, whoever is asked.
        }
        catch (Exception failure) when (failure is InvalidDataException or MessageStoreUnavailableException or OperationCanceledException)
        {
            link.Fail(call, failure.Message);
        }
        catch (Exception failure)
        {
            NotRead(log, failure);
            link.Reply(call, []); // A mistake, which another host would make too.
        }
    }

    [LoggerMessage(2511, LogLevel.Error, "what a gateway asked of the message store failed unexpectedly")]
    private static partial void NotRead(ILogger log, Exception exception);
}
