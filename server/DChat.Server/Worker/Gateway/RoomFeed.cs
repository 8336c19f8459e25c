using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DChat.Server.Observability;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Peers;

namespace DChat.Server.Worker.Gateway;

/// <summary>
/// A room as this gateway's clients follow it: subscribed once at the room's host, told to each local connection. When the room moves, it
/// goes on at the next host where it stood at the last one, and its clients do not notice.
/// </summary>
/// <remarks>
/// The lock makes subscribing exact: a connection that is added at revision R is told R + 1 and everything after it, and nothing before.
/// Lock order: route, room, feed, connection.
/// </remarks>
internal sealed partial class RoomFeed
{
    private readonly Lock gate = new();
    private readonly List<Subscription> subscriptions = [];

    /// <summary>Whose connections follow the room, how many of each, and how the room's host was told that the user stands.</summary>
    private readonly Dictionary<string, (int Connections, PresenceState Told)> users = new(StringComparer.Ordinal);
    private readonly RoomRoutes routes;
    private readonly DChatMetrics metrics;
    private readonly ILogger log;
    private RoomRoute? route;
    private long rev = -1;
    private TaskCompletionSource? advanced;
    private bool closed;

    public RoomFeed(string room, RoomRoutes routes, DChatMetrics metrics, ILogger log)
    {
        (Room, this.routes, this.metrics, this.log) = (room, routes, metrics, log);
    }

    public string Room { get; }

    public int Count
    {
        get
        {
            lock (gate)
            {
                return subscriptions.Count;
            }
        }
    }

    /// <summary>Out of use: ask for the room's feed again.</summary>
    public bool IsClosed
    {
        get
        {
            lock (gate)
            {
                return closed;
            }
        }
    }

    /// <summary>
    /// Adds a connection; answers the revision from which on it is told everything, or null where the feed is not open (any more)
    /// or the connection may not have it.
    /// </summary>
    /// <param name="isAllowed">Asked under the feed's lock: a removal that is answered already is never overtaken.</param>
    /// <param name="attached">Where the connection was not in yet: called under the feed's lock with the revision, before the first event.</param>
    public long? Attach(ChatConnection connection, Func<bool> isAllowed, Action<long>? attached = null)
    {
        lock (gate)
        {
            if (closed || rev < 0 || !isAllowed())
            {
                return null;
            }

            if (connection.FindSubscription(this) is not null)
            {
                return rev;
            }

            var subscription = new Subscription(connection, this);
            if (!connection.AddSubscription(subscription))
            {
                return null;
            }

            subscriptions.Add(subscription);
            Add(connection.User);

            attached?.Invoke(rev);
            return rev;
        }
    }

    /// <summary>
    /// Waits until the feed stands at a revision that somebody was shown elsewhere, by a gateway that heard of it earlier. False where that
    /// takes longer than the limit.
    /// </summary>
    public async ValueTask<bool> ReachAsync(long shownRev, TimeSpan limit)
    {
        var giveUpAt = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        while (true)
        {
            Task next;
            lock (gate)
            {
                if (closed || rev >= shownRev)
                {
                    return true;
                }

                next = (advanced ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            var left = giveUpAt - Environment.TickCount64;
            if (left <= 0 || await Task.WhenAny(next, Task.Delay(TimeSpan.FromMilliseconds(left))).ConfigureAwait(false) != next)
            {
                return false;
            }
        }
    }

    /// <summary>Ends a connection's subscription. Nothing reaches it after this returns.</summary>
    public void Detach(Subscription subscription)
    {
        lock (gate)
        {
            subscription.End();
            if (subscriptions.Remove(subscription))
            {
                Left(subscription);
            }
        }
    }

    /// <summary>Ends all subscriptions of a user. Nothing reaches them after this returns.</summary>
    public void DetachUser(string user)
    {
        lock (gate)
        {
            for (var i = subscriptions.Count - 1; i >= 0; i--)
            {
                var subscription = subscriptions[i];
                if (subscription.Connection.User.Name == user)
                {
                    subscription.End();
                    subscriptions.RemoveAt(i);
                    subscription.Connection.RemoveSubscription(subscription);
                    Left(subscription);
                }
            }
        }
    }

    /// <summary>Ends all subscriptions and the feed. Nothing reaches them after this returns.</summary>
    public void DetachAll()
    {
        lock (gate)
        {
            foreach (var subscription in subscriptions)
            {
                subscription.End();
            }

            RemoveEnded();
        }

        Close();
    }

    /// <summary>Tells each connection something that depends on its user.</summary>
    public void Tell(Func<string, byte[]?> frameFor)
    {
        lock (gate)
        {
            foreach (var subscription in subscriptions)
            {
                if (!subscription.Ended && frameFor(subscription.Connection.User.Name) is { } frame)
                {
                    subscription.Connection.Outbox.WriteFrame(frame);
                }
            }
        }
    }

    /// <summary>Tells the room's host how a local user stands now, where it was told otherwise.</summary>
    public void Announce(LocalUser user)
    {
        lock (gate)
        {
            // Looked at under the lock: of two who tell it, the later one tells the newer.
            ref var known = ref CollectionsMarshal.GetValueRefOrNullRef(users, user.Name);
            if (!Unsafe.IsNullRef(ref known) && user.State is var state and not PresenceState.Offline && state != known.Told)
            {
                known.Told = state;
                Say(user.Name, state);
            }
        }
    }

    /// <summary>A local user has read up to a message: the room's host has the user's other gateways told.</summary>
    public void MarkRead(string user, long seq)
    {
        Source? source;
        lock (gate)
        {
            source = users.ContainsKey(user) && current is { HasEnded: false } ? current : null;
        }

        source?.Target.Port.MarkRead(Room, source, user, seq); // Without the lock: a host in this process takes the room's, which comes before it.
    }

    /// <summary>Closes an empty feed; false where it is in use.</summary>
    public bool TryClose()
    {
        lock (gate)
        {
            if (subscriptions.Count > 0 || opening is { Task.IsCompleted: false })
            {
                return false;
            }

            closed = true;
        }

        Close();
        return true;
    }

    private void Advance(long to)
    {
        rev = to;
        advanced?.TrySetResult();
        advanced = null;
    }

    private void EndAll(long skippedRev)
    {
        foreach (var subscription in subscriptions)
        {
            if (subscription.End())
            {
                subscription.Connection.Outbox.WriteFrame(subscription.ResyncFrame(skippedRev));
            }
        }

        RemoveEnded();
    }

    private void RemoveEnded()
    {
        for (var i = subscriptions.Count - 1; i >= 0; i--)
        {
            var subscription = subscriptions[i];
            if (subscription.Ended)
            {
                subscriptions.RemoveAt(i);
                subscription.Connection.RemoveSubscription(subscription);
                Left(subscription);
            }
        }
    }

    private void Add(LocalUser user)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(users, user.Name, out _);
        if (++known.Connections == 1)
        {
            known.Told = user.State;
            Say(user.Name, known.Told);
        }
    }

    private void Left(Subscription subscription)
    {
        var user = subscription.Connection.User.Name;
        if (--CollectionsMarshal.GetValueRefOrNullRef(users, user).Connections == 0)
        {
            users.Remove(user);
            Say(user, PresenceState.Offline);
        }
    }
}
