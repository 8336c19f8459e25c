using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Host;

namespace DChat.Server.Worker.Peers;

/// <summary>
/// The way from this gateway to one room, wherever it is hosted. Changes stand in line until a host says how they ended; when the room moves,
/// or a link comes back, all that stand are sent again in their order. The store tells repeats, so each is made once.
/// </summary>
/// <remarks>Lock order: route, room, feed, connection. An answer may come while the lock is held, by the same thread.</remarks>
internal sealed class RoomRoute(RoomRoutes routes, string room)
{
    /// <summary>Changes that may stand in line; more are answered <c>unavailable</c>.</summary>
    public const int OutstandingMax = RoomHost.WaitingMax;

    /// <summary>How long is waited until the same host is tried again, in milliseconds.</summary>
    private const int RetryMs = 200;

    /// <summary>How much later than agreed a host may answer, in milliseconds.</summary>
    private const int GraceMs = 2_000;

    private readonly Lock gate = new();
    private OutstandingChange? first;
    private OutstandingChange? last;
    private int count;
    private RoomTarget? target;
    private RoomFeed? feed;
    private long attempt;
    private long attemptedAt;
    private long usedAt = Environment.TickCount64;
    private bool isStalled;
    private bool isClosed;

    public string Room { get; } = room;

    /// <summary>What is sent from here to the host in this process.</summary>
    public ChangeFlow LocalFlow { get; } = new();

    /// <summary>Null while nobody hosts the room.</summary>
    public RoomTarget? Target => Volatile.Read(ref target);

    /// <summary>The room as this gateway's clients follow it; null while none does.</summary>
    public RoomFeed? Feed => Volatile.Read(ref feed);

    /// <summary>Puts a change in line and sends it; false where the route is out of use: ask for the room's route again.</summary>
    public bool TrySubmit(RoomChange change, HubError? refusal, IChangeReceiver receiver)
    {
        lock (gate)
        {
            if (isClosed)
            {
                return false;
            }

            usedAt = Environment.TickCount64;
            if (count < OutstandingMax)
            {
                var entry = new OutstandingChange(this, change, refusal, receiver, usedAt + RoomHost.HoldMs);
                Append(entry);
                if (!isStalled && (target is null || !target.Port.Submit(entry, target.Epoch, attempt)))
                {
                    Stall();
                }

                return true;
            }
        }

        receiver.Completed(ChangeOutcome.Unavailable("too much is waiting in this room; try again"));
        return true;
    }

    /// <summary>Whether something stands in line that a refused change may repeat, here or at a host elsewhere.</summary>
    public bool MayHold
    {
        get
        {
            lock (gate)
            {
                return count > 0 || target is { Port: not LocalHostPort };
            }
        }
    }

    /// <summary>A host says how a change ended, or that it is not the one to say. Whatever attempt it speaks of: the first answer counts.</summary>
    public void Completed(OutstandingChange change, in ChangeOutcome outcome)
    {
        lock (gate)
        {
            if (change.IsDone)
            {
                return;
            }

            if (outcome.End == ChangeEnd.Moved || (outcome.End == ChangeEnd.StoreAway && routes.HasOtherHosts))
            {
                Stall();
                return;
            }

            Remove(change);
        }

        change.Receiver.Completed(outcome);
    }

    /// <summary>Looks up where the room is hosted now, and goes there.</summary>
    public void Refresh()
    {
        lock (gate)
        {
            var now = routes.Resolve(Room);
            if (now == target)
            {
                return;
            }

            Volatile.Write(ref target, now);
            attempt = routes.NextAttempt();
            if (count > 0)
            {
                SendAll();
            }
        }

        Feed?.Follow();
    }

    /// <summary>A host can be reached again, or not any more.</summary>
    public void PortChanged(IHostPort port)
    {
        lock (gate)
        {
            if (target?.Port != port)
            {
                return;
            }

            if (count > 0)
            {
                Stall();
                if (port.IsUp)
                {
                    SendAll();
                }
            }
        }

        Feed?.Follow();
    }

    /// <summary>Sees to what has waited for its time; false where nothing waits any more.</summary>
    public bool Tick(long now)
    {
        List<(OutstandingChange, ChangeOutcome)>? late = null;
        bool isWaiting;
        lock (gate)
        {
            Expire(now, ref late);
            if (isStalled && count > 0 && now - attemptedAt >= RetryMs && target is { Port.IsUp: true })
            {
                SendAll();
            }

            isStalled &= count > 0;
            isWaiting = isStalled || first?.DeadlineMs <= now;
        }

        foreach (var (change, outcome) in late ?? [])
        {
            change.Receiver.Completed(outcome);
        }

        return (Feed?.Tick(now) ?? false) || isWaiting;
    }

    /// <summary>Makes a feed the room's; false where the route is out of use.</summary>
    public bool TrySetFeed(RoomFeed opened)
    {
        lock (gate)
        {
            if (!isClosed)
            {
                Volatile.Write(ref feed, opened);
            }

            return !isClosed;
        }
    }

    public void RemoveFeed(RoomFeed closed) => Interlocked.CompareExchange(ref feed, null, closed);

    /// <summary>Takes a route out of use that nobody needed since.</summary>
    public bool TryClose(long since)
    {
        lock (gate)
        {
            isClosed |= count == 0 && feed is null && usedAt < since;
            return isClosed;
        }
    }

    private void SendAll()
    {
        attempt = routes.NextAttempt();
        attemptedAt = Environment.TickCount64;
        isStalled = false;
        for (var change = first; change is not null && !isStalled;)
        {
            var next = change.Next; // Sending may end the change at once.
            if (change.DeadlineMs <= attemptedAt)
            {
                // A host may have refused it for that already and made what came after it: its caller is told.
                routes.Watch(this);
            }
            else if (target is null || !target.Port.Submit(change, target.Epoch, attempt))
            {
                Stall();
            }

            change = next;
        }
    }

    /// <summary>What stands in line has to be sent again, and before anything that comes.</summary>
    private void Stall()
    {
        isStalled = true;
        routes.Watch(this);
    }

    private void Expire(long now, ref List<(OutstandingChange, ChangeOutcome)>? late)
    {
        var isDeleted = isStalled && count > 0 && !routes.Exists(Room);
        now -= isStalled ? 0 : GraceMs; // A host has it and answers.
        for (var change = first; change is not null && (isDeleted || change.DeadlineMs <= now); change = first)
        {
            Remove(change);
            (late ??= []).Add((change, isDeleted
                ? ChangeOutcome.Failed(new HubError(ErrorCodes.NotFound, "no such room"))
                : ChangeOutcome.Unavailable("the room's host could not be reached; try again")));
        }
    }

    private void Append(OutstandingChange change)
    {
        change.Previous = last;
        if (last is null)
        {
            first = change;
        }
        else
        {
            last.Next = change;
        }

        last = change;
        count++;
    }

    private void Remove(OutstandingChange change)
    {
        change.IsDone = true;
        count--;
        if (change.Previous is { } previous)
        {
            previous.Next = change.Next;
        }
        else
        {
            first = change.Next;
        }

        if (change.Next is { } next)
        {
            next.Previous = change.Previous;
        }
        else
        {
            last = change.Previous;
        }
    }
}
