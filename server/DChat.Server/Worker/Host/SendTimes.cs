using DChat.Core.Messages;
using DChat.Core.Registry;

namespace DChat.Server.Worker.Host;

/// <summary>When each author of a room sent last, as far back as slow mode can ask. Of the room's opener until it is open, then of the commit loop alone.</summary>
internal sealed class SendTimes
{
    /// <summary>Messages that are read of a room that opens, the newest: whoever sent before all of these may send once too early.</summary>
    public const int ReadMax = 10 * MessageLimits.Page;

    private const int PruneFirst = 256;
    private const long LongestMs = RegistryBounds.SlowModeSeconds * 1_000L;

    private readonly Dictionary<string, long> _times = new(StringComparer.Ordinal);
    private int _pruneAt = PruneFirst;

    public int Count => _times.Count;

    /// <summary>What was sent since a time, from the store: by hosts before this one, too.</summary>
    /// <param name="since">Unix milliseconds UTC.</param>
    /// <exception cref="MessageStoreUnavailableException">The store is away.</exception>
    public static async Task<SendTimes> ReadAsync(IMessageStore store, string room, long since, CancellationToken cancellation)
    {
        var times = new SendTimes();
        var before = default(long?);
        for (var read = 0; read < ReadMax;)
        {
            var page = await store.ReadBeforeAsync(room, before, MessageLimits.Page, null, cancellation).ConfigureAwait(false);
            foreach (var message in page.Messages)
            {
                times.Note(message.Author, message.SentAt);
            }

            read += page.Messages.Count;
            if (!page.More || page.Messages[0].SentAt < since)
            {
                break;
            }

            before = page.Messages[0].Seq;
        }

        return times;
    }

    /// <returns>Unix milliseconds UTC; 0: not for as long as slow mode can ask.</returns>
    public long Of(string author) => _times.GetValueOrDefault(author);

    /// <summary>
    /// How long an author's next message has to wait; 0: not at all. A message that was dated later than now, by another worker's clock, counts as sent now:
    /// nobody waits for longer than the slow mode lasts.
    /// </summary>
    /// <param name="now">Unix milliseconds UTC.</param>
    public long WaitMs(string author, long now, int seconds)
    {
        var last = Of(author);
        if (last > now)
        {
            _times[author] = last = now;
        }

        return Math.Max(0, last + (seconds * 1_000L) - now);
    }

    public void Note(string author, long sentAt)
    {
        _times[author] = Math.Max(Of(author), sentAt);
        if (_times.Count >= _pruneAt)
        {
            foreach (var (old, _) in _times.Where(time => time.Value + LongestMs < sentAt).ToList())
            {
                _times.Remove(old);
            }

            _pruneAt = Math.Max(PruneFirst, 2 * _times.Count);
        }
    }
}
