using DChat.Protocol;

namespace DChat.Client.Timelines;

/// <summary>
/// One room's messages as a client knows them: applies events by <c>rev</c>, holds those that overtook others, notices
/// holes and says what to fetch. Pure: it does no I/O and reads no clock; the chat client drives it.
/// Not safe for use by several threads at once.
/// </summary>
/// <remarks>
/// Invariants. Everything that changed up to <see cref="Rev"/> is in (as far as the window reaches). A message is
/// announced (<see cref="TimelineChange.Posted"/>) at most once, in <c>seq</c> order. An answer counts only if its
/// ticket is the latest that was given out, so an answer that comes late, or over a connection that is gone, does nothing.
/// </remarks>
public sealed class RoomTimeline
{
    /// <summary>Messages above the bound before the window is trimmed, so that not every message shifts it.</summary>
    private const int TrimSlack = 256;

    private readonly string me;
    private readonly TimelineOptions options;
    private readonly MessageWindow window = new();
    private readonly SortedDictionary<long, RoomEvent> held = [];
    private readonly List<Update> outside = [];
    private int windowMax;
    private long? rev;
    private long? announced;
    private long? announceAfterRev;
    private bool lost;
    private bool partial;
    private bool fetching;
    private long? fetchAfter;
    private long tickets;
    private long fetchTicket;
    private long? olderTicket;

    /// <param name="me">The user's own name: whose reactions are <see cref="Message.Mine"/>.</param>
    public RoomTimeline(string me, TimelineOptions? options = null)
    {
        this.me = me;
        this.options = options ?? new TimelineOptions();
        windowMax = this.options.WindowMax;
    }

    /// <summary>Every change up to this revision is in; null before the first page.</summary>
    public long? Rev => rev;

    /// <summary>Whether nothing is known to be missing.</summary>
    public bool IsLive => rev is not null && !fetching && Need is null;

    /// <summary>Whether the room has messages before <see cref="Messages"/>.</summary>
    public bool HasOlder => window.HasOlder;

    /// <summary>The known messages, ascending by <c>seq</c>. A snapshot: later changes do not touch it.</summary>
    public IReadOnlyList<Message> Messages => window.Snapshot();

    /// <summary>What to fetch now, or null where nothing is missing or the answer is on its way.</summary>
    public TimelineNeed? Need => fetching ? null
        : lost || held.Count > 0 ? new TimelineNeed.Changes(rev)
        : Backfilling && olderTicket is null ? new TimelineNeed.Older(window.OldestSeq!.Value)
        : null;

    private bool Backfilling => window.HasOlder && window.OldestSeq - 1 > announced;

    /// <summary>The known message with this <c>seq</c>, or null.</summary>
    public Message? Find(long seq) => window.Find(seq);

    /// <summary>A <c>sync</c> or <c>subscribe</c> for this room, after <see cref="Rev"/>, is about to be asked.</summary>
    /// <returns>The ticket to hand in with the answer, or with <see cref="FetchFailed"/>.</returns>
    public long BeginFetch()
    {
        // Whatever was lost until now is in the answer: the server makes it later than the events that it sent.
        lost = false;
        fetching = true;
        fetchAfter = rev;
        return fetchTicket = ++tickets;
    }

    /// <summary>The request of this ticket failed; <see cref="Need"/> asks again.</summary>
    public void FetchFailed(long ticket)
    {
        if (fetching && ticket == fetchTicket)
        {
            fetching = false;
            lost = true;
        }
    }

    /// <summary>Takes in the answer of <c>sync</c> or <c>subscribe</c>.</summary>
    public IReadOnlyList<TimelineChange> Apply(long ticket, RoomSync answer)
    {
        if (!fetching || ticket != fetchTicket)
        {
            return [];
        }

        fetching = false;
        var changes = new List<TimelineChange>();
        if (fetchAfter is null || answer.Reset)
        {
            ApplyFreshPage(answer, changes);
        }
        else
        {
            ApplyChanges(answer, changes);
        }

        return Settle(changes);
    }

    /// <summary>Takes in live events, in whatever order and however often they come.</summary>
    public IReadOnlyList<TimelineChange> Apply(IReadOnlyList<RoomEvent> events)
    {
        var changes = new List<TimelineChange>();
        foreach (var change in events)
        {
            if (change.Rev == rev + 1 && !partial)
            {
                ApplyEvent(change, changes);
            }
            else if (rev is null || change.Rev > rev)
            {
                Hold(change);
            }
        }

        return Settle(changes);
    }

    /// <summary>The server reported the room, subscribed from this revision on (<c>roomChanged</c>).</summary>
    public IReadOnlyList<TimelineChange> SubscribedAt(long subscribedRev)
    {
        if (rev is null)
        {
            if (subscribedRev == 0)
            {
                (rev, announced) = (0, 0);
            }
            else
            {
                announceAfterRev ??= subscribedRev;
                lost = true;
            }
        }
        else if (subscribedRev > rev)
        {
            lost = true;
        }

        return Settle([]);
    }

    /// <summary>Events were dropped on the way (<c>resync</c>, or a queue of this client was full): fetch what is after <see cref="Rev"/>.</summary>
    public void MarkLost()
    {
        held.Clear();
        lost = true;
    }

    /// <summary>The connection is gone: answers that are still under way count no more.</summary>
    public void Disconnected()
    {
        MarkLost();
        fetching = false;
        olderTicket = null;
        outside.Clear();
    }

    /// <summary>Messages before the oldest one are about to be asked for, with <c>history</c>; null where there are none, or while another such request is open.</summary>
    public long? BeginOlder()
    {
        if (olderTicket is not null || !window.HasOlder || window.Count == 0)
        {
            return null;
        }

        return olderTicket = ++tickets;
    }

    /// <summary>The request of this ticket failed.</summary>
    public void OlderFailed(long ticket)
    {
        if (ticket == olderTicket)
        {
            olderTicket = null;
            outside.Clear();
        }
    }

    /// <summary>Takes in a page before the oldest message.</summary>
    /// <param name="keep">Do not trim them away again (a reader scrolled back).</param>
    public IReadOnlyList<TimelineChange> ApplyOlder(long ticket, HistoryAnswer page, bool keep)
    {
        if (ticket != olderTicket)
        {
            return [];
        }

        olderTicket = null;
        window.Prepend(page.Messages, page.More);
        foreach (var update in outside)
        {
            Merge(update);
        }

        outside.Clear();
        if (keep)
        {
            windowMax = Math.Max(windowMax, window.Count);
        }

        return Settle([]);
    }

    /// <summary>Lets the window shrink back to <see cref="TimelineOptions.WindowMax"/> after a reader scrolled back.</summary>
    public void Release()
    {
        windowMax = options.WindowMax;
        Trim();
    }

    private void ApplyFreshPage(RoomSync answer, List<TimelineChange> changes)
    {
        if (answer.Messages.Count == 0 && answer.More)
        {
            // It did not fit into the answer of sync: ask for this room alone.
            rev = null;
            lost = true;
            return;
        }

        if (rev > answer.Rev && rev != fetchAfter)
        {
            // Live events led, without a hole, beyond this page while it was under way: it is a step back.
            return;
        }

        window.Replace(answer.Messages, answer.More);
        windowMax = options.WindowMax;
        rev = answer.Rev;
        partial = false;
        olderTicket = null;
        outside.Clear();
        var newest = window.NewestSeq ?? 0;
        // A room that was put back to an older state goes on below what was announced.
        announced = announced is { } known ? Math.Min(known, newest)
            : announceAfterRev is { } after ? BaseOf(answer.Messages, after)
            : newest;
        announceAfterRev = null;
        changes.Add(new TimelineChange.Reset());
        if (Backfilling && window.OldestSeq - 1 - announced > options.BackfillMax)
        {
            changes.Add(new TimelineChange.Skipped(announced.Value + 1, window.OldestSeq!.Value - 1));
            announced = window.OldestSeq - 1;
        }
    }

    /// <summary>The last message of a first page that was there when the subscription began, so that all after it are announced.</summary>
    private static long BaseOf(IReadOnlyList<Message> page, long subscribedRev)
    {
        var before = page.Where(m => m.Rev <= subscribedRev).Select(m => m.Seq).DefaultIfEmpty(0).Max();
        return before > 0 || page.Count == 0 ? before : page.Min(m => m.Seq) - 1;
    }

    private void ApplyChanges(RoomSync answer, List<TimelineChange> changes)
    {
        foreach (var message in answer.Messages)
        {
            var known = window.Find(message.Seq);
            if (Merge(new Update(message, null, FromPage: true)) && message.Seq <= announced)
            {
                changes.Add(Difference(known, message));
            }
        }

        var covered = answer.More ? answer.Messages.Select(m => m.Rev).DefaultIfEmpty(0).Max() : answer.Rev;
        rev = Math.Max(rev ?? 0, covered);
        // Of a message whose latest change lies beyond this page, earlier ones are missing as well; an event shows
        // only its own change, so none may be applied before the last page.
        partial = answer.More;
        lost |= answer.More;
    }

    private static TimelineChange Difference(Message? known, Message now) =>
        now.DeletedAt is not null && known?.DeletedAt is null ? new TimelineChange.Deleted(now)
        : now.EditedAt != known?.EditedAt ? new TimelineChange.Edited(now)
        : new TimelineChange.Reacted(now, null);

    private void ApplyEvent(RoomEvent change, List<TimelineChange> changes)
    {
        rev = change.Rev;
        var seq = change.Message.Seq;
        if (!Merge(new Update(change.Message, change.Reaction, FromPage: false)) || !(seq <= announced))
        {
            return;
        }

        var now = window.Find(seq) ?? change.Message;
        switch (change.Kind)
        {
            case EventKinds.Edited:
                changes.Add(new TimelineChange.Edited(now));
                break;
            case EventKinds.Deleted:
                changes.Add(new TimelineChange.Deleted(now));
                break;
            case EventKinds.Reacted:
                changes.Add(new TimelineChange.Reacted(now, change.Reaction));
                break;
            default:
                // An announced message that is posted again, or a kind of a later protocol: its state is in, that is all.
                break;
        }
    }

    /// <summary>Puts a message's newer state in. False where what is known is as new.</summary>
    private bool Merge(Update update)
    {
        var (message, reaction, fromPage) = update;
        var known = window.Find(message.Seq);
        if (known is not null && known.Rev >= message.Rev)
        {
            return false;
        }

        if (!window.Covers(message.Seq))
        {
            if (olderTicket is not null)
            {
                Remember(update);
            }

            return true;
        }

        window.Put(fromPage ? message : message with { Mine = MineAfter(known?.Mine, reaction) });
        return true;
    }

    private IReadOnlyList<string>? MineAfter(IReadOnlyList<string>? mine, ReactionChange? reaction)
    {
        if (reaction is null || !string.Equals(reaction.User, me, StringComparison.OrdinalIgnoreCase))
        {
            return mine;
        }

        var others = (mine ?? []).Where(emoji => !string.Equals(emoji, reaction.Emoji, StringComparison.Ordinal));
        string[] now = reaction.On ? [.. others, reaction.Emoji] : [.. others];
        return now.Length == 0 ? null : now;
    }

    /// <summary>A change of a message that a page under way may carry in its older state.</summary>
    private void Remember(Update update)
    {
        outside.Add(update);
        if (outside.Count > options.HeldMax)
        {
            olderTicket = null;
            outside.Clear();
        }
    }

    private void Hold(RoomEvent change)
    {
        held[change.Rev] = change;
        if (held.Count > options.HeldMax)
        {
            MarkLost();
        }
    }

    private List<TimelineChange> Settle(List<TimelineChange> changes)
    {
        while (rev is not null && held.Count > 0 && held.First() is { Key: var next } first && next <= rev + (partial ? 0 : 1))
        {
            held.Remove(next);
            if (next == rev + 1)
            {
                ApplyEvent(first.Value, changes);
            }
        }

        Announce(changes);
        Trim();
        return changes;
    }

    private void Announce(List<TimelineChange> changes)
    {
        if (rev is null || announced is not { } last)
        {
            return;
        }

        // A seq that is missing now comes with what is still to be fetched; after that it is missing at the server, too.
        var complete = !fetching && !lost && held.Count == 0 && !Backfilling;
        foreach (var message in window.After(last))
        {
            if (message.Seq != announced + 1 && !complete)
            {
                break;
            }

            announced = message.Seq;
            changes.Add(new TimelineChange.Posted(message));
        }
    }

    private void Trim()
    {
        if (window.Count > windowMax + TrimSlack && olderTicket is null && announced == window.NewestSeq)
        {
            window.TrimTo(windowMax);
        }
    }

    /// <param name="Reaction">Of a live event, what changed.</param>
    /// <param name="FromPage">It carries the reader's own reactions (<see cref="Message.Mine"/>).</param>
    private readonly record struct Update(Message Message, ReactionChange? Reaction, bool FromPage);
}
