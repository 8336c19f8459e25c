using DChat.Protocol;
using Microsoft.AspNetCore.SignalR;

namespace DChat.Terminal.Tests.Load;

/// <summary>The rooms of <see cref="MisbehavingServer"/>. Everything happens under one lock, so that what goes wrong is only what is meant to.</summary>
internal sealed class MisbehavingRooms(Misbehaviour misbehaviour)
{
    /// <summary>Every so many messages something goes wrong.</summary>
    private const int Every = 20;

    private const int PageMax = 7;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Message>> _messages = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Room, string ClientId), SendAnswer> _answers = [];
    private readonly List<Subscription> _subscriptions = [];
    private RoomEvent? _heldBack;
    private int _sends;

    public SyncAnswer Sync(HubCallerContext caller, IClientProxy client, SyncRequest request)
    {
        lock (_gate)
        {
            var limits = new ServerLimits(8_000, 262_144, 0, 200, 0, 0, 0, 0);
            var rooms = new[] { "room0", "room1" }.Select(room =>
                Subscribe(caller, client, room, request.Revs is not null && request.Revs.TryGetValue(room, out var rev) ? rev : null)).ToList();
            return new SyncAnswer(new Me("somebody", "", []), new ServerInfo("0", 1, "w", limits), rooms, []);
        }
    }

    public RoomSync Subscribe(HubCallerContext caller, IClientProxy client, string room, long? afterRev)
    {
        lock (_gate)
        {
            _subscriptions.RemoveAll(each => each.Caller.ConnectionId == caller.ConnectionId && each.Room == room);
            _subscriptions.Add(new Subscription(room, caller, client));
            var missed = MessagesOf(room).Where(message => afterRev is null || message.Rev > afterRev).ToList();
            var about = new Room(room, room, RoomKinds.Room, null, Visibilities.Private, false, null, Roles.Member, 0, 0, false, 0);
            var page = afterRev is null ? [] : missed.Take(PageMax).ToList();
            return new RoomSync(about, MessagesOf(room).Count, afterRev is null, page, missed.Count > page.Count, 0, 0, 0, [], 0);
        }
    }

    public void Left(string connectionId)
    {
        lock (_gate)
        {
            _subscriptions.RemoveAll(each => each.Caller.ConnectionId == connectionId);
        }
    }

    public SendAnswer Send(SendRequest request)
    {
        if (misbehaviour == Misbehaviour.RefusesEverySend)
        {
            throw new HubException(new HubError(ErrorCodes.Forbidden, "no").Format());
        }

        lock (_gate)
        {
            if (_answers.TryGetValue((request.Room!, request.ClientId!), out var first) && misbehaviour != Misbehaviour.StoresARepeatTwice)
            {
                return first;
            }

            var wrong = ++_sends % Every == 0;
            if (wrong && misbehaviour == Misbehaviour.AsksForPatience)
            {
                throw new HubException(new HubError(ErrorCodes.RateLimited, "slower", 5).Format());
            }

            if (wrong && misbehaviour == Misbehaviour.ForgetsWhatItAcknowledged)
            {
                var next = MessagesOf(request.Room!).Count + 1;
                return new SendAnswer(next, next, 1);
            }

            var message = Store(request.Room!, request.ClientId!, request.Body!);
            Show(request.Room!, message, wrong);
            if (wrong)
            {
                AfterShowing(request.Room!);
            }

            return _answers[(request.Room!, request.ClientId!)] = new SendAnswer(message.Seq, message.Rev, message.SentAt);
        }
    }

    public Task MarkReadAsync(MarkReadRequest request, CancellationToken gone) =>
        misbehaviour == Misbehaviour.NeverAnswersReadMarks ? Task.Delay(Timeout.InfiniteTimeSpan, gone)
        : request.Seq > 0 ? Task.CompletedTask
        : throw new HubException("there is no such message");

    public HistoryAnswer History(HistoryRequest request)
    {
        lock (_gate)
        {
            var older = MessagesOf(request.Room!).Where(message => message.Seq < (request.BeforeSeq ?? long.MaxValue)).ToList();
            var page = older.TakeLast(PageMax).Where(message => misbehaviour != Misbehaviour.LosesFromHistory || message.Seq % Every != 0).ToList();
            return new HistoryAnswer(page, older.Count > PageMax);
        }
    }

    private List<Message> MessagesOf(string room) => _messages.TryGetValue(room, out var messages) ? messages : _messages[room] = [];

    private Message Store(string room, string clientId, string body)
    {
        var number = MessagesOf(room).Count + 1;
        var message = new Message(number, number, MessageKinds.Text, "somebody", clientId, 1_000 + number, body);
        MessagesOf(room).Add(message);
        return message;
    }

    private void Show(string room, Message message, bool wrong)
    {
        var posted = new RoomEvent(message.Rev, EventKinds.Posted, message);
        var listeners = _subscriptions.Where(each => each.Room == room).ToList();
        for (var at = 0; at < listeners.Count; at++)
        {
            var events = at == 0 ? AsOneClientSeesIt(posted, wrong) : [posted];
            foreach (var each in events)
            {
                listeners[at].Show(each);
            }
        }
    }

    private List<RoomEvent> AsOneClientSeesIt(RoomEvent posted, bool wrong)
    {
        if (_heldBack is { } late)
        {
            _heldBack = null;
            return [posted, late];
        }

        switch (misbehaviour)
        {
            case Misbehaviour.SkipsOneClient when wrong:
                return [];
            case Misbehaviour.ShowsTwice when wrong:
                return [posted, posted];
            case Misbehaviour.ShowsInWrongOrder when wrong && posted.Message.ClientId.Length > 0:
                _heldBack = posted;
                return [];
            case Misbehaviour.ShowsAltered when wrong:
                return [posted with { Message = posted.Message with { Body = posted.Message.Body[..^1] + "!" } }];
            default:
                return [posted];
        }
    }

    private void AfterShowing(string room)
    {
        switch (misbehaviour)
        {
            case Misbehaviour.ShowsWhatNobodySent:
                Show(room, Store(room, "nobodys", "I was never sent"), wrong: false);
                break;
            case Misbehaviour.ShowsWhatItRefused:
                throw new HubException(new HubError(ErrorCodes.Forbidden, "no").Format());
            case Misbehaviour.CutsConnections or Misbehaviour.StoresARepeatTwice:
                _subscriptions.Select(each => each.Caller).Distinct().Take(2).ToList().ForEach(caller => caller.Abort());
                break;
            case Misbehaviour.AsksToResync when _subscriptions.Find(each => each.Room == room) is { } slow:
                _subscriptions.Remove(slow);
                slow.AskToResync(MessagesOf(room).Count);
                break;
        }
    }

    /// <summary>SignalR keeps the order of what is sent to one connection; a lost one is noticed by its own side.</summary>
    private sealed record Subscription(string Room, HubCallerContext Caller, IClientProxy Client)
    {
        public void Show(RoomEvent posted) => _ = Client.SendAsync(HubEvents.Events, new RoomEvents(Room, [posted]));

        public void AskToResync(long rev) => _ = Client.SendAsync(HubEvents.Resync, new ResyncNeeded(Room, rev));
    }
}
