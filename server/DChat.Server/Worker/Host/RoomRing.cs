using System.Buffers;

namespace DChat.Server.Worker.Host;

/// <summary>
/// A room's most recent changes, already serialized: most resumes are answered from here and never reach the store.
/// Bounded in changes and bytes. Not thread-safe: its room's lock guards it.
/// </summary>
internal sealed class RoomRing
{
    /// <summary>The most changes kept of a room.</summary>
    public const int ChangesMax = 1_024;

    /// <summary>The most bytes kept of a room.</summary>
    public const int BytesMax = 512 * 1024;

    private readonly Queue<Entry> entries = new();
    private (long After, long Rev, int Limit) cachedKey = (-1, -1, -1);
    private ResumePage? cached;
    private long bytes;

    /// <summary>The ring continues every revision from here on.</summary>
    public long FloorRev { get; private set; }

    /// <summary>The last revision that was told here. Another host may have told more since: this one does not know.</summary>
    public long LastRev { get; private set; }

    /// <summary>Forgets all; the next change is <paramref name="rev"/> + 1.</summary>
    public void Reset(long rev)
    {
        entries.Clear();
        bytes = 0;
        FloorRev = rev;
        LastRev = rev;
        cached = null;
    }

    /// <param name="message">The message after the change, as JSON text.</param>
    /// <param name="reacted">The message has reactions, so a page must say which are the reader's own.</param>
    /// <param name="sentAt">When the message was sent, in Unix milliseconds.</param>
    public void Add(long rev, long seq, ReadOnlyMemory<byte> message, bool reacted, long sentAt)
    {
        entries.Enqueue(new Entry(rev, seq, message, reacted, sentAt));
        bytes += message.Length;
        LastRev = rev;
        while (entries.Count > ChangesMax || bytes > BytesMax)
        {
            Drop();
        }
    }

    /// <summary>Forgets every change of a message sent before then: retention removed it, and the store answers who resumes below.</summary>
    public void Retain(long sentBefore)
    {
        var last = FloorRev;
        foreach (var entry in entries)
        {
            last = entry.SentAt < sentBefore ? entry.Rev : last;
        }

        while (entries.TryPeek(out var oldest) && oldest.Rev <= last)
        {
            Drop();
        }

        cached = null;
    }

    /// <summary>
    /// The messages changed after a revision in their latest state, lowest <c>rev</c> first; null where the ring does not reach
    /// back or forward so far, or the page depends on its reader. All who missed the same get the same bytes.
    /// </summary>
    public ResumePage? TryRead(long afterRev, long throughRev, int limit)
    {
        if (afterRev < FloorRev || afterRev > throughRev || throughRev > LastRev)
        {
            return null;
        }

        if (cached is not null && cachedKey == (afterRev, throughRev, limit))
        {
            return cached;
        }

        var latest = new Dictionary<long, Entry>();
        foreach (var entry in entries)
        {
            if (entry.Rev > afterRev && entry.Rev <= throughRev)
            {
                if (entry.Reacted)
                {
                    return null;
                }

                latest[entry.Seq] = entry;
            }
        }

        cached = Build(latest, limit);
        cachedKey = (afterRev, throughRev, limit);
        return cached;
    }

    private void Drop()
    {
        var oldest = entries.Dequeue();
        bytes -= oldest.Message.Length;
        FloorRev = oldest.Rev;
    }

    private static ResumePage Build(Dictionary<long, Entry> latest, int limit)
    {
        var ordered = new List<Entry>(latest.Values);
        ordered.Sort(static (left, right) => left.Rev.CompareTo(right.Rev));
        var count = Math.Min(limit, ordered.Count);
        var json = new ArrayBufferWriter<byte>(256);
        json.Write("["u8);
        for (var i = 0; i < count; i++)
        {
            if (i > 0)
            {
                json.Write(","u8);
            }

            json.Write(ordered[i].Message.Span);
        }

        json.Write("]"u8);
        return new ResumePage(json.WrittenMemory, count, ordered.Count > count);
    }

    private readonly record struct Entry(long Rev, long Seq, ReadOnlyMemory<byte> Message, bool Reacted, long SentAt);
}

/// <param name="Messages">A JSON array of messages.</param>
/// <param name="More">There are others after the last of them.</param>
internal sealed record ResumePage(ReadOnlyMemory<byte> Messages, int Count, bool More);
