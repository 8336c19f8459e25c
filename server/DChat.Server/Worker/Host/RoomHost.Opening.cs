using DChat.Core.Messages;
using DChat.Protocol;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker.Host;

/// <summary>How rooms open, many at once, are opened again after trouble, and are let go.</summary>
internal sealed partial class RoomHost
{
    /// <summary>Brings a room with work on its way: to the opener, or to the commit loop. Under its lock.</summary>
    private void Schedule(HostedRoom room)
    {
        switch (room.Phase)
        {
            case RoomPhase.New:
                room.Phase = RoomPhase.Opening;
                room.Opened = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                opening.Writer.TryWrite(room);
                break;
            case RoomPhase.Open when !room.IsQueued && room.Waiting.Count > 0:
                room.IsQueued = true;
                commits.Enqueue(room);
                break;
        }
    }

    private async Task OpenLoopAsync()
    {
        await foreach (var first in opening.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            var batch = new List<HostedRoom> { first };
            while (batch.Count < OpenAtOnceMax && opening.Reader.TryRead(out var next))
            {
                batch.Add(next);
            }

            await OpenAsync(batch).ConfigureAwait(false);
        }
    }

    private async Task OpenAsync(List<HostedRoom> batch)
    {
        var hosted = new List<HostedRoom>(batch.Count);
        var asked = new List<RoomAtEpoch>(batch.Count);
        foreach (var room in batch)
        {
            if (authority.EpochOf(room.Id) == room.Epoch)
            {
                hosted.Add(room);
                asked.Add(new RoomAtEpoch(room.Id, room.Epoch));
            }
            else
            {
                Retire(room, NotHere(room.Id));
            }
        }

        try
        {
            var openings = await store.OpenAsync(asked, CancellationToken.None).ConfigureAwait(false);
            if (asked.Count > 0 && Interlocked.Exchange(ref isAwaySaid, false))
            {
                OpenAgain(log);
            }

            for (var i = 0; i < hosted.Count; i++)
            {
                // The others do not wait for what is read for slow mode; nor does a host that stops.
                if (openings[i].Status != RoomStatus.Ok || SlowSince(hosted[i]) is not { } since || openings[i].LastSentAt < since || !slowed.Writer.TryWrite((hosted[i], openings[i])))
                {
                    Opened(hosted[i], openings[i]);
                }
            }
        }
        catch (MessageStoreUnavailableException exception)
        {
            SayOpenFailed(hosted.Count, exception);
            foreach (var room in hosted)
            {
                Postpone(room);
            }
        }
    }

    /// <summary>From when on slow mode asks who sent in a room; null: it does not ask, or that is known here.</summary>
    private long? SlowSince(HostedRoom room) => room.LastSends is null && authority.SlowModeSeconds(room.Id) is > 0 and var seconds
        ? time.GetUtcNow().ToUnixTimeMilliseconds() - (seconds * 1_000L)
        : null;

    /// <summary>Opens rooms in which somebody may have to wait for a message that a host before this one committed.</summary>
    private Task OpenSlowedLoopAsync() => Parallel.ForEachAsync(
        slowed.Reader.ReadAllAsync(CancellationToken.None), new ParallelOptions { MaxDegreeOfParallelism = OpenSlowedAtOnce }, async (each, _) => await OpenSlowedAsync(each.Room, each.Opening).ConfigureAwait(false));

    private async Task OpenSlowedAsync(HostedRoom room, RoomOpening opened)
    {
        if (stopping.IsCancellationRequested)
        {
            Postpone(room); // A stop does not wait for what is read for each of them.
            return;
        }

        try
        {
            room.LastSends = await SendTimes.ReadAsync(store, room.Id, SlowSince(room) ?? long.MaxValue, CancellationToken.None).ConfigureAwait(false);
            Opened(room, opened);
        }
        catch (MessageStoreUnavailableException exception)
        {
            SayOpenFailed(1, exception);
            Postpone(room);
        }
    }

    /// <summary>Once, and then once in a while: every room comes again each second, by itself or with others, as long as it lasts.</summary>
    private void SayOpenFailed(int count, MessageStoreUnavailableException exception)
    {
        OpenFailedTrace(log, exception);
        var (now, next) = (Environment.TickCount64, Volatile.Read(ref sayAwayNextAt));
        if (next <= now && Interlocked.CompareExchange(ref sayAwayNextAt, now + CommitLoop.SayEveryMs, next) == next)
        {
            Volatile.Write(ref isAwaySaid, true);
            OpenFailed(log, count, exception.Message);
        }
    }

    private void Opened(HostedRoom room, RoomOpening opened)
    {
        if (opened.Status != RoomStatus.Ok)
        {
            RoomLost(log, room.Id, room.Epoch, opened.Status);
            Retire(room, opened.Status == RoomStatus.Closed ? Deleted : ChangeOutcome.Moved);
            return;
        }

        lock (room.Gate)
        {
            if (room.Phase == RoomPhase.Gone)
            {
                return; // It was given to another host meanwhile, or deleted.
            }

            room.Seq = opened.Seq;
            room.Rev = opened.Rev;
            room.LastSentAt = opened.LastSentAt;
            RoomPublisher.SkipTo(room, opened.Rev);
            room.Phase = RoomPhase.Open;
            room.IsFenced = true;
            room.Opened?.TrySetResult(true);
            AddNotices(room);
            Schedule(room);
        }
    }

    private void AddNotices(HostedRoom room)
    {
        foreach (var notice in authority.NoticesOf(room.Id))
        {
            if ((notice.Index, notice.Ordinal).CompareTo(room.NoticesThrough) > 0)
            {
                room.NoticesThrough = (notice.Index, notice.Ordinal);
                var post = new PostMessage("", notice.ClientId, notice.At, MessageKind.System, notice.Text, null, [], []);
                room.Waiting.Enqueue(new PendingChange(post, Unheard.Instance, long.MaxValue));
            }
        }

        Schedule(room);
    }

    /// <summary>The store is away: who waits is told, and the next who needs the room opens it again.</summary>
    private void Postpone(HostedRoom room)
    {
        List<PendingChange> waiting;
        lock (room.Gate)
        {
            if (room.Phase == RoomPhase.Gone)
            {
                return; // As above; who waited was told.
            }

            room.Phase = RoomPhase.New;
            room.Opened?.TrySetResult(false);
            waiting = [.. room.Waiting];
            waiting.ForEach(static change => change.Refuse());
            room.Waiting.Clear();
            room.NoticesThrough = default;
        }

        Interrupted(room);
        foreach (var change in waiting)
        {
            change.Receiver.Completed(ChangeOutcome.StoreAway);
        }
    }

    private void Retire(HostedRoom room, ChangeOutcome why)
    {
        if (why.End == ChangeEnd.Moved && authority.EpochOf(room.Id) == room.Epoch)
        {
            Interlocked.Increment(ref roomsLost); // The store says so, and nobody else has.
        }

        List<PendingChange> waiting;
        List<IRoomSink> sinks;
        lock (room.Gate)
        {
            room.Phase = RoomPhase.Gone;
            room.Opened?.TrySetResult(false);
            waiting = [.. room.Waiting];
            waiting.ForEach(static change => change.Refuse());
            room.Waiting.Clear();
            sinks = [.. room.Sinks];
            room.Sinks.Clear();
        }

        rooms.TryRemove(KeyValuePair.Create(room.Id, room));
        load.Forget(room);
        RoomClosed?.Invoke(room.Id, room.LastSentAt);
        foreach (var sink in sinks)
        {
            sink.Lost();
        }

        foreach (var change in waiting)
        {
            change.Receiver.Completed(why);
        }
    }

    /// <summary>To be told when its phase is <see cref="RoomPhase.New"/> already: it is looked at once.</summary>
    private void Interrupted(HostedRoom room) => interrupted.TryAdd(room, 0);

    /// <summary>Opens rooms again whose store was away, so that subscribers learn of what was committed without anybody asking.</summary>
    private async Task ReopenAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(ReopenMs));
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                foreach (var room in interrupted.Keys)
                {
                    interrupted.TryRemove(room, out _);
                    lock (room.Gate)
                    {
                        if (room.Phase == RoomPhase.New && room.Sinks.Count > 0)
                        {
                            Schedule(room);
                        }
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(IdleMs / 4));
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                var before = Environment.TickCount64 - IdleMs;
                foreach (var (id, room) in rooms)
                {
                    lock (room.Gate)
                    {
                        if (room.Phase is RoomPhase.Open or RoomPhase.New && room.Sinks.Count == 0 && room.Waiting.Count == 0 && !room.IsQueued && room.UsedAt < before)
                        {
                            room.Phase = RoomPhase.Gone;
                            rooms.TryRemove(KeyValuePair.Create(id, room));
                            load.Forget(room);
                            RoomClosed?.Invoke(id, room.LastSentAt);
                        }
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    [LoggerMessage(2601, LogLevel.Warning, "the message store is away: {Rooms} rooms could not be opened; trying again: {Why}")]
    private static partial void OpenFailed(ILogger log, int rooms, string why);

    [LoggerMessage(2606, LogLevel.Information, "the message store answers again: rooms are opened")]
    private static partial void OpenAgain(ILogger log);

    [LoggerMessage(2605, LogLevel.Debug, "why rooms could not be opened")]
    private static partial void OpenFailedTrace(ILogger log, Exception exception);

    [LoggerMessage(2602, LogLevel.Warning, "room {Room} is not ours any more at epoch {Epoch}: {Status}")]
    private static partial void RoomLost(ILogger log, string room, long epoch, RoomStatus status);
}
