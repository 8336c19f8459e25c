using DChat.Client.Connections;
using DChat.Client.Events;
using DChat.Client.Timelines;
using DChat.Protocol;

namespace DChat.Client.Rooms;

/// <summary>
/// All rooms that the client follows: takes in what the server sends, in the order in which it comes, and tells the
/// streams of it. One lock guards the whole, and is never held over an await.
/// </summary>
internal sealed class RoomBook
{
    /// <summary>Rooms whose revision one <c>sync</c> names, so that the call stays below its 256 KiB; the others start with a fresh page.</summary>
    private const int SyncRevsMax = 4_000;

    private readonly Lock gate = new();
    private readonly Dictionary<string, RoomState> rooms = [];
    private readonly Dictionary<string, Room> invitations = [];
    private readonly HashSet<string> removedWhileSyncing = [];
    private readonly ChatClientOptions options;
    private readonly ChatClient client;
    private readonly EventHub events;
    private readonly RoomFetcher fetcher;
    private HubLink? link;
    private bool syncing;

    public RoomBook(ChatClient client, ChatClientOptions options, EventHub events, OwnedTasks tasks)
    {
        (this.client, this.options, this.events) = (client, options, events);
        fetcher = new RoomFetcher(this, options.Time, tasks);
    }

    public Me? Me { get; set; }

    public ServerInfo? Server { get; private set; }

    /// <summary>The connection that events are taken from.</summary>
    public HubLink? Link
    {
        get
        {
            lock (gate)
            {
                return link;
            }
        }
    }

    public IReadOnlyList<ChatRoom> Rooms
    {
        get
        {
            lock (gate)
            {
                return [.. rooms.Values.Where(r => r.Known is not null).Select(Facade)];
            }
        }
    }

    public IReadOnlyList<Room> Invitations
    {
        get
        {
            lock (gate)
            {
                return [.. invitations.Values];
            }
        }
    }

    public ChatRoom? Find(string id)
    {
        lock (gate)
        {
            return rooms.TryGetValue(id, out var state) && state.Known is not null ? Facade(state) : null;
        }
    }

    /// <summary>Brings all rooms up to date over a new connection.</summary>
    public async Task SyncAsync(HubLink opened, CancellationToken cancel)
    {
        Dictionary<string, long> revs = [];
        Dictionary<string, long> tickets = [];
        lock (gate)
        {
            (link, syncing) = (opened, options.FollowAllRooms);
            removedWhileSyncing.Clear();
            if (syncing)
            {
                foreach (var (id, room) in rooms)
                {
                    if (room.Timeline.Rev is { } rev && revs.Count < SyncRevsMax)
                    {
                        revs[id] = rev;
                    }

                    tickets[id] = room.Timeline.BeginFetch();
                }
            }
        }

        if (!options.FollowAllRooms)
        {
            PumpAll();
            return;
        }

        var answer = await opened.InvokeAsync<SyncAnswer>(HubMethods.Sync, new SyncRequest(revs), cancel).ConfigureAwait(false);
        lock (gate)
        {
            if (link == opened)
            {
                syncing = false;
                Apply(answer, revs, tickets);
            }
        }
    }

    /// <summary>Follows one room; completes when it is up to date, or gone.</summary>
    public Task Follow(string id)
    {
        lock (gate)
        {
            var room = Room(id);
            if (room.Timeline.Rev is null)
            {
                room.Timeline.MarkLost();
            }

            fetcher.Pump(room);
            return room.WhenSettled();
        }
    }

    public void Lost(HubLink gone)
    {
        lock (gate)
        {
            if (link != gone)
            {
                return;
            }

            (link, syncing) = (null, false);
            foreach (var room in rooms.Values)
            {
                room.Disconnected();
            }
        }
    }

    /// <summary>Another account: nothing that is known holds any more.</summary>
    public void Clear()
    {
        lock (gate)
        {
            rooms.Clear();
            invitations.Clear();
            (Me, Server) = (null, null);
        }
    }

    public void Received(HubLink from, object payload)
    {
        lock (gate)
        {
            if (from != link)
            {
                return;
            }

            switch (payload)
            {
                case RoomEvents batch:
                    Apply(batch);
                    break;
                case PresenceChanged change when rooms.TryGetValue(change.Room, out var room):
                    room.Apply(change);
                    Hint(room, facade => new ChatEvent.PresenceChanged(facade));
                    break;
                case TypingChanged change when rooms.TryGetValue(change.Room, out var room):
                    room.Apply(change);
                    Hint(room, facade => new ChatEvent.TypingChanged(facade));
                    break;
                case ReadMarkMoved read when rooms.TryGetValue(read.Room, out var room):
                    ReadMoved(room, read.Seq);
                    break;
                case ResyncNeeded resync when rooms.TryGetValue(resync.Room, out var room):
                    room.Timeline.MarkLost();
                    fetcher.Pump(room);
                    break;
                case RoomChanged change:
                    Apply(change);
                    break;
                case RoomRemoved removal:
                    Remove(removal.Room, removal.Reason);
                    break;
                default:
                    // Of a room that is not followed, or of a later protocol.
                    break;
            }
        }
    }

    public void ReadMoved(RoomState room, long seq)
    {
        lock (gate)
        {
            room.MoveReadMark(seq);
            Hint(room, facade => new ChatEvent.ReadChanged(facade));
        }
    }

    /// <summary>Takes in the answer of a <c>subscribe</c>, if its connection is still the one.</summary>
    public void Apply(HubLink from, RoomState room, long ticket, RoomSync answer)
    {
        lock (gate)
        {
            if (from != link)
            {
                return;
            }

            var isNew = room.Known is null;
            room.Learn(answer);
            if (isNew)
            {
                events.Publish(new ChatEvent.RoomAdded(Facade(room)));
            }

            Tell(room, room.Timeline.Apply(ticket, answer));
        }
    }

    /// <summary>Runs a step of a room's timeline and tells of what it changed.</summary>
    public void Step(RoomState room, Func<RoomState, IReadOnlyList<TimelineChange>> step)
    {
        lock (gate)
        {
            Tell(room, step(room));
        }
    }

    /// <summary>Reads or changes under the lock.</summary>
    public T Locked<T>(Func<T> read)
    {
        lock (gate)
        {
            return read();
        }
    }

    /// <summary>Whether timelines may go on: nobody reads too slowly, and no sync is under way that will tell more.</summary>
    public bool MayFetch => link is not null && !syncing && !events.IsFull();

    /// <summary>Fetches whatever rooms are in need of.</summary>
    public void PumpAll()
    {
        lock (gate)
        {
            foreach (var room in rooms.Values)
            {
                fetcher.Pump(room);
            }
        }
    }

    public void Remove(string id, string reason)
    {
        lock (gate)
        {
            if (syncing)
            {
                removedWhileSyncing.Add(id);
            }

            if (rooms.Remove(id, out var room))
            {
                room.Settle();
                if (room.Known is not null)
                {
                    events.Publish(new ChatEvent.RoomRemoved(Facade(room), reason));
                }
            }

            if (invitations.Remove(id))
            {
                events.Hint(new ChatEvent.InvitationsChanged());
            }
        }
    }

    private void Apply(SyncAnswer answer, Dictionary<string, long> revs, Dictionary<string, long> tickets)
    {
        (Me, Server) = (answer.Me, answer.Server);
        foreach (var sync in answer.Rooms.Where(sync => !removedWhileSyncing.Contains(sync.Room.Id)))
        {
            var room = Room(sync.Room.Id);
            var isNew = room.Known is null;
            room.Learn(sync);
            events.Publish(isNew ? new ChatEvent.RoomAdded(Facade(room)) : new ChatEvent.RoomUpdated(Facade(room)));
            var known = tickets.TryGetValue(room.Id, out var ticket);
            ticket = known ? ticket : room.Timeline.BeginFetch();
            // A room whose revision was not named has a fresh page, whatever its timeline had.
            var fresh = !revs.ContainsKey(room.Id);
            Tell(room, room.Timeline.Apply(ticket, fresh ? sync with { Reset = true } : sync));
        }

        var here = answer.Rooms.Select(r => r.Room.Id).ToHashSet();
        foreach (var gone in tickets.Keys.Where(id => !here.Contains(id)).ToList())
        {
            Remove(gone, RemovalReasons.Left);
        }

        invitations.Clear();
        foreach (var invitation in answer.Invitations)
        {
            invitations[invitation.Id] = invitation;
        }

        events.Hint(new ChatEvent.InvitationsChanged());
        PumpAll();
    }

    private void Apply(RoomEvents batch)
    {
        if (!options.FollowAllRooms && !rooms.ContainsKey(batch.Room))
        {
            return;
        }

        var room = Room(batch.Room);
        if (events.IsFull())
        {
            // Not taken in, so not lost: it is fetched once there is room to tell of it.
            room.Timeline.MarkLost();
            return;
        }

        Tell(room, room.Timeline.Apply(batch.Events));
    }

    private void Apply(RoomChanged change)
    {
        var id = change.Room.Id;
        if (change.Room.Role == Roles.Invited)
        {
            invitations[id] = change.Room;
            events.Hint(new ChatEvent.InvitationsChanged());
            return;
        }

        if (invitations.Remove(id))
        {
            events.Hint(new ChatEvent.InvitationsChanged());
        }

        if (!options.FollowAllRooms && !rooms.ContainsKey(id))
        {
            return;
        }

        removedWhileSyncing.Remove(id);
        var room = Room(id);
        var isNew = room.Known is null;
        room.Learn(change.Room);
        events.Publish(isNew ? new ChatEvent.RoomAdded(Facade(room)) : new ChatEvent.RoomUpdated(Facade(room)));
        if (change.Rev is { } rev)
        {
            Tell(room, room.Timeline.SubscribedAt(rev));
        }
    }

    private void Tell(RoomState room, IReadOnlyList<TimelineChange> changes)
    {
        if (room.Known is not null)
        {
            var facade = Facade(room);
            foreach (var change in changes)
            {
                events.Publish(Translate(room, facade, change));
            }
        }

        fetcher.Pump(room);
        if (room.Timeline.IsLive)
        {
            room.Settle();
        }
    }

    private static ChatEvent Translate(RoomState room, ChatRoom facade, TimelineChange change)
    {
        switch (change)
        {
            case TimelineChange.Posted { Message: var message }:
                room.Count(message);
                return new ChatEvent.MessagePosted(facade, message);
            case TimelineChange.Edited { Message: var message }:
                return new ChatEvent.MessageEdited(facade, message);
            case TimelineChange.Deleted { Message: var message }:
                return new ChatEvent.MessageDeleted(facade, message);
            case TimelineChange.Reacted { Message: var message, Reaction: var reaction }:
                return new ChatEvent.MessageReacted(facade, message, reaction);
            case TimelineChange.Skipped(var from, var to):
                return new ChatEvent.MessagesSkipped(facade, from, to);
            case TimelineChange.Reset:
                return new ChatEvent.TimelineReset(facade);
            default:
                throw new InvalidOperationException($"Unknown change {change}.");
        }
    }

    private RoomState Room(string id) => rooms.TryGetValue(id, out var room)
        ? room
        : rooms[id] = new RoomState(id, Me?.User ?? "", options.Timeline, gate);

    private ChatRoom Facade(RoomState room) => room.Facade ??= new ChatRoom(client, room);

    private void Hint(RoomState room, Func<ChatRoom, ChatEvent> hint)
    {
        if (room.Known is not null)
        {
            events.Hint(hint(Facade(room)));
        }
    }
}
