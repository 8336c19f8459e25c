using DChat.Server.Worker.Host;
using DChat.Server.Worker.Peers;

namespace DChat.Server.Worker.Gateway;

/// <summary>Where a feed gets its events from: the room's host of the moment, and the one before while that may still have something to tell.</summary>
internal sealed partial class RoomFeed
{
    /// <summary>How long the host before may take to tell what it committed last, in milliseconds.</summary>
    private const int GapMs = 2_000;

    /// <summary>Batches of the new host that wait for the last of the old one; beyond, clients resume by themselves.</summary>
    private const int HeldMax = 256;

    private readonly Queue<RoomBatch> held = new();
    private Source? current;
    private Source? previous;
    private long gapTo = -1;
    private long gapUntil;

    /// <summary>The new host tells everything after <paramref name="from"/>.</summary>
    private void GoOnFrom(long from)
    {
        if (rev < 0 || subscriptions.Count == 0 || from == rev)
        {
            Advance(from);
        }
        else if (from > rev)
        {
            gapTo = Math.Max(gapTo, from);
            gapUntil = Environment.TickCount64 + GapMs;
            if (previous is null)
            {
                GiveGapUp();
            }
            else
            {
                routes.Watch(route!);
            }
        }
        else
        {
            // The store forgot what was told: it was restored, or lost commits. Clients find that out when they resume.
            Advance(from);
            EndAll(from);
        }
    }

    private void Publish(Source source, RoomBatch batch)
    {
        lock (gate)
        {
            source.ToldRev = Math.Max(source.ToldRev, batch.LastRev);
            if (rev < 0)
            {
                Advance(batch.LastRev); // Nobody is subscribed before the feed is open.
            }
            else if (batch.FirstRev == rev + 1)
            {
                Deliver(batch);
                while (held.TryPeek(out var next) && next.FirstRev <= rev + 1)
                {
                    held.Dequeue();
                    if (next.FirstRev == rev + 1)
                    {
                        Deliver(next);
                    }
                }

                gapTo = rev >= gapTo && held.Count == 0 ? -1 : gapTo;
            }
            else if (batch.LastRev > rev)
            {
                Hold(source, batch);
            }
        }
    }

    /// <summary>What is missing before a batch may still come from the host before.</summary>
    private void Hold(Source source, RoomBatch batch)
    {
        gapUntil = gapTo < 0 ? Environment.TickCount64 + GapMs : gapUntil;
        gapTo = Math.Max(gapTo, batch.LastRev);
        held.Enqueue(batch);
        var other = source == current ? previous : current ?? previous;
        if (source == previous || other is null or { HasEnded: true } || held.Count > HeldMax)
        {
            GiveGapUp();
        }
        else
        {
            routes.Watch(route!);
        }
    }

    private void GiveGapUp()
    {
        Advance(Math.Max(rev, gapTo));
        gapTo = -1;
        held.Clear();
        EndAll(rev);
    }

    private void Deliver(RoomBatch batch)
    {
        var ended = 0;
        foreach (var subscription in subscriptions)
        {
            if (subscription.Ended)
            {
                ended++;
            }
            else
            {
                subscription.Connection.Outbox.WriteEvents(batch.Frame, subscription, batch.LastRev);
            }
        }

        Advance(batch.LastRev);
        metrics.Deliveries.Add((long)(subscriptions.Count - ended) * batch.Count);
        if (ended > 0)
        {
            RemoveEnded();
        }
    }

    private void Skip(Source source, long skippedRev)
    {
        lock (gate)
        {
            source.ToldRev = Math.Max(source.ToldRev, skippedRev);
            if (skippedRev > rev)
            {
                gapTo = Math.Max(gapTo, skippedRev);
                GiveGapUp();
            }
        }
    }

    private void PublishSoft(Source source, byte[] frame)
    {
        lock (gate)
        {
            foreach (var subscription in source == previous ? [] : subscriptions)
            {
                if (!subscription.Ended)
                {
                    subscription.Connection.Outbox.WriteDroppable(frame);
                }
            }
        }
    }

    private void TellRead(string user, long seq)
    {
        lock (gate)
        {
            var told = users.ContainsKey(user) ? subscriptions.Find(subscription => !subscription.Ended && subscription.Connection.User.Name == user) : null;
            told?.Connection.User.TellRead(Room, seq, except: null);
        }
    }

    private void Lost(Source source)
    {
        lock (gate)
        {
            source.HasEnded = true;
            if (source == previous)
            {
                previous = null;
                if (gapTo >= 0)
                {
                    GiveGapUp(); // It has told all that it had.
                }
            }

            current = source == current ? null : current;
            if (current is null && !closed)
            {
                FollowLater();
            }
        }

        Follow();
    }

    private void Say(string user, PresenceState state)
    {
        if (current is { HasEnded: false } source)
        {
            source.Target.Port.Announce(Room, source, [new UserPresence(user, state)]);
        }
    }

    private List<UserPresence> Present() => [.. users.Select(static user => new UserPresence(user.Key, user.Value.Told))];

    private void Close()
    {
        Source? left;
        lock (gate)
        {
            closed = true;
            left = current;
            current = null;
            opening?.TrySetResult(false);
            held.Clear();
            gapTo = -1;
        }

        left?.Target.Port.Unsubscribe(Room, left);
        route?.RemoveFeed(this);
    }

    /// <summary>One subscription at one host.</summary>
    private sealed class Source(RoomFeed feed, RoomTarget target) : IRoomSink
    {
        public RoomTarget Target { get; } = target;

        /// <summary>The last revision that came from it; it may come before the answer. Under the feed's lock.</summary>
        public long ToldRev { get; set; } = -1;

        /// <summary>It tells nothing any more. Under the feed's lock.</summary>
        public bool HasEnded { get; set; }

        public void Publish(RoomBatch batch) => feed.Publish(this, batch);

        public void Skip(long rev) => feed.Skip(this, rev);

        public void PublishSoft(byte[] frame) => feed.PublishSoft(this, frame);

        public void TellRead(string user, long seq) => feed.TellRead(user, seq);

        public void Lost() => feed.Lost(this);
    }
}
