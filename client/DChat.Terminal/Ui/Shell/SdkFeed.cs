using DChat.Client;
using DChat.Client.Connections;
using DChat.Client.Events;
using DChat.Client.Outbox;
using DChat.Client.Rooms;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>
/// Turns what the SDK tells into events of the screen. A message costs a note of which room it was in; the room's
/// snapshot is taken when the screen is about to be drawn, once for however many messages came.
/// </summary>
/// <param name="wake">Called when there is something to take, after there was nothing.</param>
internal sealed class SdkFeed(ChatClient client, string me, Action wake)
{
    /// <summary>How far from the end of its room a message whose answer is not here yet is looked for.</summary>
    private const int OvertakenMax = 200;

    private readonly Lock gate = new();
    private readonly List<OutgoingMessage> outgoing = [];
    private readonly HashSet<string> changed = [];
    private readonly Dictionary<string, (Message Latest, Message? Mentioned)> arrived = [];
    private readonly List<UiEvent> told = [];
    private bool linkChanged;
    private bool invitationsChanged;
    private bool outboxChanged;
    private bool synced;
    private bool awake;

    /// <summary>Reads the client's events until it is disposed of.</summary>
    public async Task PumpAsync(EventStream<ChatEvent> events, CancellationToken cancel)
    {
        await foreach (var happened in events.WithCancellation(cancel).ConfigureAwait(false))
        {
            lock (gate)
            {
                Note(happened);
                Wake();
            }
        }
    }

    /// <summary>A message of one's own: it is shown until it is in its room.</summary>
    public void Watch(OutgoingMessage message)
    {
        lock (gate)
        {
            outgoing.Add(message);
            outboxChanged = true;
            Wake();
        }
    }

    /// <summary>The first sync is done: every room is known.</summary>
    public void Synced()
    {
        lock (gate)
        {
            changed.UnionWith(client.Rooms.Select(room => room.Id));
            (synced, linkChanged, invitationsChanged, outboxChanged) = (true, true, true, true);
            Wake();
        }
    }

    /// <summary>The room is to be looked at again.</summary>
    public void Touch(string room)
    {
        lock (gate)
        {
            changed.Add(room);
            Wake();
        }
    }

    /// <summary>The latency was measured.</summary>
    public void Measured()
    {
        lock (gate)
        {
            linkChanged = true;
            Wake();
        }
    }

    public OutgoingMessage? Find(string clientId)
    {
        lock (gate)
        {
            return outgoing.Find(message => message.ClientId == clientId);
        }
    }

    /// <summary>All that changed since the last time.</summary>
    public IReadOnlyList<UiEvent> Take()
    {
        List<UiEvent> events = [];
        lock (gate)
        {
            awake = false;
            if (linkChanged)
            {
                events.Add(new UiEvent.LinkChanged(LinkOf()));
            }

            // Looked at before the rooms are, so that whatever is no longer on its way is seen in its room.
            var outbox = outboxChanged || outgoing.Count > 0 ? Outbox() : [];
            events.AddRange(changed.Select(client.FindRoom).OfType<ChatRoom>().Select(room => new UiEvent.RoomChanged(RoomView.Of(room))));
            events.AddRange(told);
            events.AddRange(arrived.Select(a => new UiEvent.Arrived(a.Key, a.Value.Latest, a.Value.Mentioned)));
            if (invitationsChanged)
            {
                events.Add(new UiEvent.InvitationsChanged([.. client.Invitations.Select(room => new Invitation(room.Id, SafeText.Clean(room.Kind == RoomKinds.Direct ? room.Peer : room.Name)))]));
            }

            events.AddRange(outbox);
            if (synced)
            {
                events.Add(new UiEvent.Synced());
            }

            changed.Clear();
            told.Clear();
            arrived.Clear();
            (linkChanged, invitationsChanged, outboxChanged, synced) = (false, false, false, false);
        }

        return events;
    }

    private void Wake()
    {
        if (!awake)
        {
            awake = true;
            wake();
        }
    }

    private void Note(ChatEvent happened)
    {
        switch (happened)
        {
            case ChatEvent.MessagePosted(var room, var message):
                changed.Add(room.Id);
                Arrived(room.Id, message);
                break;
            case ChatEvent.MessageEdited(var room, _):
                changed.Add(room.Id);
                break;
            case ChatEvent.MessageDeleted(var room, _):
                changed.Add(room.Id);
                break;
            case ChatEvent.MessageReacted(var room, _, _):
                changed.Add(room.Id);
                break;
            case ChatEvent.TimelineReset(var room):
                changed.Add(room.Id);
                break;
            case ChatEvent.RoomAdded(var room):
                changed.Add(room.Id);
                break;
            case ChatEvent.RoomUpdated(var room):
                changed.Add(room.Id);
                break;
            case ChatEvent.PresenceChanged(var room):
                changed.Add(room.Id);
                break;
            case ChatEvent.TypingChanged(var room):
                changed.Add(room.Id);
                break;
            case ChatEvent.ReadChanged(var room):
                changed.Add(room.Id);
                break;
            case ChatEvent.RoomRemoved(var room, var reason):
                changed.Remove(room.Id);
                arrived.Remove(room.Id);
                told.Add(new UiEvent.RoomGone(room.Id, SafeText.Clean(room.Title), reason));
                break;
            case ChatEvent.InvitationsChanged:
                invitationsChanged = true;
                break;
            case ChatEvent.ConnectionChanged:
                linkChanged = true;
                break;
            case ChatEvent.OutboxChanged:
                outboxChanged = true;
                break;
            default:
                // Signing out is told by who connects; skipped messages show as a gap in the numbers that scrolling back fills.
                break;
        }
    }

    private void Arrived(string room, Message message)
    {
        if (string.Equals(message.Author, me, StringComparison.OrdinalIgnoreCase) || message.Kind == MessageKinds.System)
        {
            return;
        }

        var mentioned = Mentions.Names(message.Body, me) ? message : arrived.GetValueOrDefault(room).Mentioned;
        arrived[room] = (message, mentioned);
    }

    private LinkView LinkOf()
    {
        var status = client.Status;
        var latency = client.Latency is { } took ? (int?)Math.Max(1, (int)took.TotalMilliseconds) : null;
        return status.State switch
        {
            ConnectionState.Online => new LinkView(Link.Online, SafeText.Clean(client.Server?.Worker), latency),
            ConnectionState.Connecting => new LinkView(Link.Connecting, Problem: status.Problem),
            _ => new LinkView(Link.Waiting, Problem: status.Problem, RetryAt: status.RetryAt),
        };
    }

    /// <summary>What is not in its room yet; what is refused is told once and forgotten here.</summary>
    private List<UiEvent> Outbox()
    {
        // Those that an earlier run left, too.
        outgoing.AddRange(client.Unsent.Except(outgoing).ToList());
        List<UiEvent> events = [];
        List<PendingMessage> pending = [];
        HashSet<string> rooms = [];
        foreach (var message in outgoing.ToList())
        {
            if (IsSettled(message))
            {
                outgoing.Remove(message);
                changed.Add(message.Room);
                if (message is { State: OutgoingState.Refused, Problem: { } problem } && problem.Code is not (ErrorCodes.NotSignedIn or ClientErrorCodes.Unreachable))
                {
                    var request = message.Request;
                    events.Add(new UiEvent.SendRefused(new FailedMessage(message.ClientId, message.Room, request.Body ?? "", request.Kind, request.ReplyTo, SafeText.Clean(problem.Message), message.WrittenAt.ToUnixTimeMilliseconds())));
                }
            }
            else if (rooms.Add(message.Room) && IsInRoom(message))
            {
                // Its event overtook its answer; only the first of a room can be there already.
                changed.Add(message.Room);
            }
            else
            {
                pending.Add(Pending(message));
            }
        }

        events.Add(new UiEvent.PendingChanged([.. pending]));
        return events;
    }

    private bool IsSettled(OutgoingMessage message) => message.State switch
    {
        OutgoingState.Refused => true,
        OutgoingState.Sent => message.Answer.IsCompletedSuccessfully
            && (client.FindRoom(message.Room) is not { } room || (room.Messages is [.., var newest] && newest.Seq >= message.Answer.Result.Seq)),
        _ => false,
    };

    private bool IsInRoom(OutgoingMessage message)
    {
        var messages = client.FindRoom(message.Room)?.Messages ?? [];
        for (var i = messages.Count - 1; i >= Math.Max(0, messages.Count - OvertakenMax); i--)
        {
            if (messages[i].ClientId == message.ClientId && string.Equals(messages[i].Author, me, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private static PendingMessage Pending(OutgoingMessage message) => new(
        message.ClientId,
        message.Room,
        message.Request.Body ?? "",
        message.Request.Kind,
        message.Request.ReplyTo,
        message.State == OutgoingState.Waiting,
        message is { State: OutgoingState.Waiting, Problem: { Code: not ClientErrorCodes.Uncertain } problem } ? SafeText.Clean(problem.Message) : null,
        message.WrittenAt.ToUnixTimeMilliseconds(),
        message.Answer.IsCompletedSuccessfully ? message.Answer.Result.Seq : null);
}
