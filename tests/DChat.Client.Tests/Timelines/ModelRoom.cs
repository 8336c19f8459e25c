using DChat.Protocol;

namespace DChat.Client.Tests.Timelines;

/// <summary>A room at a server, as the contract describes it, in memory and without a network.</summary>
internal sealed class ModelRoom(string me, int pageSize)
{
    private readonly SortedDictionary<long, Message> messages = [];
    private readonly Dictionary<long, HashSet<string>> mine = [];
    private long nextSeq = 1;

    public long Rev { get; private set; }

    /// <summary>Resuming below it is answered <c>reset</c>, as retention removed something.</summary>
    public long RetainedRev { get; private set; }

    public long NewestSeq => nextSeq - 1;

    public IEnumerable<Message> Messages => messages.Values.Select(Personal);

    public bool HasBefore(long seq) => messages.Count > 0 && messages.First().Key < seq;

    public RoomEvent Post(string author, string? clientId = null, string? body = null)
    {
        var seq = nextSeq++;
        messages[seq] = new Message(seq, ++Rev, MessageKinds.Text, author, clientId ?? $"c{seq}", seq, body ?? $"message {seq}");
        return new RoomEvent(Rev, EventKinds.Posted, messages[seq]);
    }

    public RoomEvent? Edit(long seq) => Change(seq, EventKinds.Edited, m => m with { Body = $"edited at {Rev}", EditedAt = Rev });

    public RoomEvent? Delete(long seq) => Change(seq, EventKinds.Deleted, m => m with { Body = "", DeletedAt = Rev });

    public RoomEvent? React(long seq, string user, string emoji)
    {
        if (!messages.TryGetValue(seq, out var message) || message.DeletedAt is not null)
        {
            return null;
        }

        var users = message.Reactions?.GetValueOrDefault(emoji)?.Users ?? [];
        var on = !users.Contains(user);
        var reactions = new Dictionary<string, ReactionSummary>(message.Reactions ?? new Dictionary<string, ReactionSummary>());
        string[] now = on ? [.. users, user] : [.. users.Where(u => u != user)];
        reactions[emoji] = new ReactionSummary(now.Length, now);
        if (now.Length == 0)
        {
            reactions.Remove(emoji);
        }

        if (user == me)
        {
            var own = mine.TryGetValue(seq, out var known) ? known : mine[seq] = [];
            _ = on ? own.Add(emoji) : own.Remove(emoji);
        }

        messages[seq] = message with { Rev = ++Rev, Reactions = reactions.Count == 0 ? null : reactions };
        return new RoomEvent(Rev, EventKinds.Reacted, messages[seq], new ReactionChange(user, emoji, on));
    }

    /// <summary>Removes the oldest messages, as retention does.</summary>
    public void Retain(int count)
    {
        foreach (var old in messages.Values.Take(Math.Max(0, messages.Count - count)).ToList())
        {
            messages.Remove(old.Seq);
            RetainedRev = Math.Max(RetainedRev, old.Rev);
        }
    }

    public RoomSync Subscribe(long? afterRev, bool tooLarge = false, bool forceReset = false)
    {
        var reset = forceReset || afterRev is null || afterRev < RetainedRev || afterRev > Rev;
        var all = reset
            ? messages.Values.TakeLast(pageSize).ToList()
            : messages.Values.Where(m => m.Rev > afterRev).OrderBy(m => m.Rev).Take(pageSize).ToList();
        var more = reset ? messages.Count > all.Count : messages.Values.Count(m => m.Rev > afterRev) > all.Count;
        if (tooLarge && all.Count > 0)
        {
            (all, more) = ([], true);
        }

        var room = new Room("r", "room", RoomKinds.Room, null, Visibilities.Public, false, "o", Roles.Member, 2, 0, false, 0);
        return new RoomSync(room, Rev, reset, [.. all.Select(Personal)], more, 0, 0, 0, [], 0);
    }

    public HistoryAnswer History(long? beforeSeq)
    {
        var older = messages.Values.Where(m => beforeSeq is null || m.Seq < beforeSeq).ToList();
        return new HistoryAnswer([.. older.TakeLast(pageSize).Select(Personal)], older.Count > pageSize);
    }

    private RoomEvent? Change(long seq, string kind, Func<Message, Message> change)
    {
        if (!messages.TryGetValue(seq, out var message) || message.DeletedAt is not null)
        {
            return null;
        }

        Rev++;
        messages[seq] = change(message) with { Rev = Rev };
        return new RoomEvent(Rev, kind, messages[seq]);
    }

    private Message Personal(Message message) =>
        mine.TryGetValue(message.Seq, out var own) && own.Count > 0 ? message with { Mine = [.. own.Order()] } : message;
}
