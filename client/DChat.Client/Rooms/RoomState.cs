using DChat.Client.Timelines;
using DChat.Protocol;

namespace DChat.Client.Rooms;

/// <summary>What the client knows of one room. Everything here is guarded by the book's lock, so that one event changes it as a whole.</summary>
internal sealed class RoomState(string id, string me, TimelineOptions options, Lock gate)
{
    private static readonly IReadOnlyDictionary<string, string> Nobody = new Dictionary<string, string>();

    private readonly string mention = "@" + me;
    private long countedRev;
    private TaskCompletionSource? settled;

    public string Id { get; } = id;

    /// <summary>Null only for a room whose events came before it was told of.</summary>
    public Room? Known { get; private set; }

    public Room Info => Known ?? throw new InvalidOperationException("The room is not known yet.");

    public RoomTimeline Timeline { get; } = new(me, options);

    public long ReadSeq { get; private set; }

    public long Unread { get; private set; }

    public long Mentions { get; private set; }

    public IReadOnlyDictionary<string, string> Presence { get; private set; } = Nobody;

    public int OnlineCount { get; private set; }

    public IReadOnlyList<string> Typing { get; private set; } = [];

    /// <summary>A fetch of what the timeline needs is under way, or waits to be repeated.</summary>
    public bool Fetching { get; set; }

    /// <summary>The facade that users hold; made once.</summary>
    public ChatRoom? Facade { get; set; }

    /// <summary>Completes when the timeline is live, or the room is gone.</summary>
    public Task WhenSettled()
    {
        if (Timeline.IsLive)
        {
            return Task.CompletedTask;
        }

        settled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return settled.Task;
    }

    public void Settle()
    {
        settled?.TrySetResult();
        settled = null;
    }

    public T Read<T>(Func<RoomState, T> read)
    {
        lock (gate)
        {
            return read(this);
        }
    }

    public void Change(Action<RoomState> change)
    {
        lock (gate)
        {
            change(this);
        }
    }

    public void Learn(Room room) => Known = room;

    public void Learn(RoomSync sync)
    {
        Known = sync.Room;
        (ReadSeq, Unread, Mentions) = (sync.ReadSeq, sync.Unread, sync.Mentions);
        countedRev = sync.Rev;
        Presence = sync.Online.ToDictionary(user => user, _ => PresenceStates.Online);
        OnlineCount = sync.OnlineCount;
        Typing = [];
    }

    public void Apply(PresenceChanged change)
    {
        var presence = change.Full ? [] : new Dictionary<string, string>(Presence);
        foreach (var (user, state) in change.Users)
        {
            if (state == PresenceStates.Offline)
            {
                presence.Remove(user);
            }
            else if (presence.Count < ProtocolLimits.PresenceNamesMax || presence.ContainsKey(user))
            {
                presence[user] = state;
            }
        }

        Presence = change.Online > ProtocolLimits.PresenceNamesMax ? Nobody : presence;
        OnlineCount = change.Online;
    }

    public void Apply(TypingChanged change) =>
        Typing = [.. change.Users.Where(user => !string.Equals(user, me, StringComparison.OrdinalIgnoreCase))];

    /// <summary>Counts a message that was announced, unless the server's count has it already.</summary>
    public void Count(Message message)
    {
        if (message.Seq > ReadSeq && message.Rev > countedRev)
        {
            Unread++;
            Mentions += Names(message) ? 1 : 0;
        }
    }

    public void MoveReadMark(long seq)
    {
        if (seq <= ReadSeq)
        {
            return;
        }

        ReadSeq = seq;
        var newest = Timeline.Messages.Count == 0 ? seq : Timeline.Messages[^1].Seq;
        Unread = Math.Max(0, newest - seq);
        Mentions = Timeline.Messages.Count(m => m.Seq > seq && Names(m));
    }

    public void Disconnected()
    {
        Timeline.Disconnected();
        Typing = [];
    }

    private bool Names(Message message)
    {
        var at = message.Body.IndexOf(mention, StringComparison.OrdinalIgnoreCase);
        while (at >= 0)
        {
            var end = at + mention.Length;
            if (end == message.Body.Length || !IsNamePart(message.Body[end]))
            {
                return true;
            }

            at = message.Body.IndexOf(mention, end, StringComparison.OrdinalIgnoreCase);
        }

        return false;
    }

    private static bool IsNamePart(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-';
}
