using DChat.Protocol;

namespace DChat.Client.Timelines;

/// <summary>The messages that a timeline has: an unbroken end of the room, by <c>seq</c>, each in its latest known state.</summary>
internal sealed class MessageWindow
{
    private readonly List<Message> messages = [];
    private Message[]? snapshot;

    /// <summary>Whether the room has messages before the first one here.</summary>
    public bool HasOlder { get; private set; }

    public int Count => messages.Count;

    public long? OldestSeq => messages.Count == 0 ? null : messages[0].Seq;

    public long? NewestSeq => messages.Count == 0 ? null : messages[^1].Seq;

    /// <summary>The messages as they are now; what was handed out does not change afterwards.</summary>
    public IReadOnlyList<Message> Snapshot() => snapshot ??= [.. messages];

    public Message? Find(long seq)
    {
        var index = IndexOf(seq);
        return index < 0 ? null : messages[index];
    }

    /// <summary>The messages with a higher <c>seq</c>, ascending.</summary>
    public IEnumerable<Message> After(long seq)
    {
        var index = IndexOf(seq);
        for (var i = index < 0 ? ~index : index + 1; i < messages.Count; i++)
        {
            yield return messages[i];
        }
    }

    /// <summary>Whether a message with this <c>seq</c> belongs here, and not before the oldest one.</summary>
    public bool Covers(long seq) => !HasOlder || messages.Count == 0 || seq >= messages[0].Seq;

    public void Put(Message message)
    {
        var index = IndexOf(message.Seq);
        if (index >= 0)
        {
            messages[index] = message;
        }
        else
        {
            messages.Insert(~index, message);
        }

        snapshot = null;
    }

    public void Replace(IEnumerable<Message> page, bool hasOlder)
    {
        messages.Clear();
        messages.AddRange(page.OrderBy(m => m.Seq));
        HasOlder = hasOlder;
        snapshot = null;
    }

    public void Prepend(IEnumerable<Message> page, bool hasOlder)
    {
        var before = OldestSeq ?? long.MaxValue;
        messages.InsertRange(0, page.Where(m => m.Seq < before).OrderBy(m => m.Seq));
        HasOlder = hasOlder;
        snapshot = null;
    }

    public void TrimTo(int count)
    {
        if (messages.Count > count)
        {
            messages.RemoveRange(0, messages.Count - count);
            HasOlder = true;
            snapshot = null;
        }
    }

    private int IndexOf(long seq)
    {
        var (low, high) = (0, messages.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = messages[middle].Seq;
            if (found == seq)
            {
                return middle;
            }

            (low, high) = found < seq ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}
