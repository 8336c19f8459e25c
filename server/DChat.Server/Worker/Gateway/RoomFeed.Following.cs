using DChat.Server.Worker.Peers;
using Microsoft.Extensions.Logging;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker.Gateway;

/// <summary>How a feed comes to be subscribed at its room's host, and stays so whichever that is.</summary>
internal sealed partial class RoomFeed
{
    /// <summary>How long is waited until a host that could not serve the room is asked again, in milliseconds.</summary>
    private const int RetryMs = 200;

    /// <summary>For which a call is held at the most.</summary>
    public static readonly TimeSpan HoldLimit = TimeSpan.FromMilliseconds(RoomHost.HoldMs);

    private TaskCompletionSource<bool>? opening;
    private long retryAt;
    private bool isFollowing;
    private bool isAgain;

    /// <summary>Waits until the feed is subscribed. False where the room's host could not be reached in time.</summary>
    public async ValueTask<bool> OpenAsync(TimeSpan limit)
    {
        if (Volatile.Read(ref route) is null)
        {
            Interlocked.CompareExchange(ref route, routes.Attach(Room, this), null);
        }

        Task<bool> opened;
        lock (gate)
        {
            if (closed || rev >= 0)
            {
                return !closed;
            }

            opening = opening is { Task.IsCompleted: false } ? opening : new(TaskCreationOptions.RunContinuationsAsynchronously);
            opened = opening.Task;
        }

        Follow();
        try
        {
            return await opened.WaitAsync(limit).ConfigureAwait(false);
        }
        catch (TimeoutException) when (limit < HoldLimit)
        {
            return false; // Others may wait on.
        }
        catch (TimeoutException)
        {
            lock (gate)
            {
                opening?.TrySetResult(false);
            }

            return false;
        }
    }

    /// <summary>Subscribes at the room's host where that is not done: the room has another one, or its host can be reached again.</summary>
    public void Follow()
    {
        lock (gate)
        {
            if (isFollowing || Volatile.Read(ref route) is null)
            {
                isAgain = isFollowing;
                return;
            }

            isFollowing = true;
        }

        _ = RunAsync();
    }

    /// <summary>Sees to what has waited for its time; false where nothing waits any more.</summary>
    public bool Tick(long now)
    {
        bool isDue;
        bool isWaiting;
        lock (gate)
        {
            if (gapTo >= 0 && now >= gapUntil)
            {
                GiveGapUp();
            }

            isDue = retryAt != 0 && now >= retryAt;
            retryAt = isDue || closed ? 0 : retryAt;
            isWaiting = retryAt != 0 || gapTo >= 0;
        }

        if (isDue)
        {
            Follow();
        }

        return isWaiting;
    }

    private async Task RunAsync()
    {
        await Task.Yield(); // The locks of route and room come before the feed's, which the caller may hold.
        while (true)
        {
            await FollowTargetAsync().ConfigureAwait(false);
            lock (gate)
            {
                isFollowing = isAgain;
                isAgain = false;
                if (!isFollowing)
                {
                    return;
                }
            }
        }
    }

    private async Task FollowTargetAsync()
    {
        Source? source = null;
        try
        {
            var target = route!.Target;
            if (IsWanted(target, out var afterRev))
            {
                source = new Source(this, target!);
                var from = await target!.Port.SubscribeAsync(Room, target.Epoch, source, afterRev).ConfigureAwait(false);
                if (!Subscribed(source, from))
                {
                    target.Port.Unsubscribe(Room, source);
                }
            }
        }
        catch (Exception failure)
        {
            // A bug; but who follows this room is not to wait for ever, and who follows others is not to notice.
            FollowingBroke(log, Room, failure);
            lock (gate)
            {
                if (source is not null)
                {
                    source.HasEnded = true;
                }

                FollowLater();
            }
        }
    }

    private bool IsWanted(RoomTarget? target, out long? afterRev)
    {
        lock (gate)
        {
            afterRev = rev >= 0 ? rev : null;
            if (closed)
            {
                return false;
            }

            if (target is { Port.IsUp: true })
            {
                return current is null || current.Target != target || current.HasEnded;
            }

            previous = current ?? previous;
            current = null; // What it told last may still come; nobody is announced to it any more.
            if (rev < 0 && target is null && !routes.Exists(Room))
            {
                opening?.TrySetResult(false);
            }

            return false;
        }
    }

    /// <summary>A host answered. False where its answer is of no use.</summary>
    private bool Subscribed(Source source, long? from)
    {
        lock (gate)
        {
            if (closed || source.HasEnded || from is null)
            {
                if (!closed && rev < 0 && !routes.HasOtherHosts)
                {
                    opening?.TrySetResult(false);
                }

                FollowLater();
                return from is null;
            }

            previous = (current ?? previous) is { HasEnded: false } before ? before : null;
            current = source;
            retryAt = 0;
            if (users.Count > 0)
            {
                source.Target.Port.Announce(Room, source, Present());
            }

            GoOnFrom(Math.Max(from.Value, source.ToldRev));
            opening?.TrySetResult(true);
            return true;
        }
    }

    /// <summary>The room's host is asked again in a while.</summary>
    private void FollowLater()
    {
        retryAt = Environment.TickCount64 + RetryMs;
        routes.Watch(route!);
    }

    [LoggerMessage(2303, LogLevel.Error, "room {Room} could not be followed; trying again")]
    private static partial void FollowingBroke(ILogger log, string room, Exception exception);
}
