using System.Threading.Channels;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Observability;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker.Host;

/// <summary>
/// Group commit: everything that waits, across rooms, becomes one transaction; the next batch gathers while one commits,
/// and one is published while the next commits. The only one who numbers and publishes changes of this worker's rooms.
/// </summary>
/// <remarks>
/// After an unknown outcome the rooms are opened again, and only those of which it is unknown; what had been committed after all is told by a skip
/// (<see cref="IRoomSink.Skip"/>), and the changes are repeated with their ids, so each happens once.
/// </remarks>
internal sealed partial class CommitLoop(
    IMessageStore store,
    IRoomAuthority authority,
    TimeProvider time,
    Action<HostedRoom, ChangeOutcome> retire,
    Action<HostedRoom> interrupted,
    RoomPublisher publisher,
    FirstAnswers answers,
    DChatMetrics metrics,
    ILogger log)
{
    /// <summary>Changes in one transaction.</summary>
    public const int BatchChangesMax = 1_024;

    /// <summary>Roughly the bytes of one transaction.</summary>
    public const int BatchBytesMax = 4 * 1024 * 1024;

    /// <summary>How long an unknown outcome is looked into before the callers are answered <c>unavailable</c>, in milliseconds.</summary>
    private const int RecoverMs = 2_000;

    /// <summary>The wait between two tries at it, in milliseconds.</summary>
    private const int RetryMs = 100;

    /// <summary>That a store is still away is said once in this time, in milliseconds.</summary>
    public const int SayEveryMs = 10_000;

    private readonly Channel<HostedRoom> ready = Channel.CreateUnbounded<HostedRoom>(new() { SingleReader = true });
    private long sayNextAt;

    /// <summary>Puts an open room with waiting changes in line. Its <see cref="HostedRoom.IsQueued"/> is set by the caller.</summary>
    public void Enqueue(HostedRoom room) => ready.Writer.TryWrite(room);

    public async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            Batch? committed = null;
            while (true)
            {
                if (committed is null && !await ready.Reader.WaitToReadAsync(stopping).ConfigureAwait(false))
                {
                    return;
                }

                var batch = Gather();
                if (batch.Rooms.Count == 0)
                {
                    Publish(committed);
                    committed = null;
                    Refuse(batch);
                    continue;
                }

                var started = time.GetTimestamp();
                var write = store.WriteAsync(batch.Writes, CancellationToken.None);
                Publish(committed);
                batch.Results = await FinishAsync(write, batch).ConfigureAwait(false);
                Settle(batch);
                Refuse(batch);
                metrics.Committed(batch.Changes, time.GetElapsedTime(started));
                metrics.Sends.Add(CountPosts(batch));
                committed = batch;
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops: what still waits was never acknowledged.
        }
    }

    private Batch Gather()
    {
        var batch = new Batch();
        while (batch.Changes < BatchChangesMax && batch.Bytes < BatchBytesMax && ready.Reader.TryRead(out var room))
        {
            var taken = Take(room, batch);
            if (taken.Count > 0)
            {
                batch.Add(room, taken);
            }
            else
            {
                Release(room);
            }
        }

        return batch;
    }

    private List<PendingChange> Take(HostedRoom room, Batch batch)
    {
        var taken = new List<PendingChange>();
        HashSet<string>? slowed = null;
        lock (room.Gate)
        {
            if (room.Phase != RoomPhase.Open || room.IsLeaving)
            {
                return taken;
            }

            while (batch.Changes + taken.Count < BatchChangesMax && batch.Bytes < BatchBytesMax
                && room.Waiting.TryPeek(out var pending) && FitsPace(room, pending.Change, ref slowed))
            {
                taken.Add(room.Waiting.Dequeue());
                batch.Bytes += pending.Cost;
            }

            room.Flight.Take();
        }

        taken.RemoveAll(pending => !IsAllowed(room, pending, batch));
        if (taken.Count == 0)
        {
            Landed(room, isEmpty: true);
        }

        return taken;
    }

    /// <summary>Nothing of a batch is left to be told; a room that another worker got goes now.</summary>
    private void Landed(HostedRoom room, bool isEmpty = false)
    {
        lock (room.Gate)
        {
            if (isEmpty)
            {
                room.Flight.Drop();
            }
            else
            {
                room.Flight.Land();
            }

            if (room.Flight.Count > 0 || !room.IsLeaving)
            {
                return;
            }
        }

        retire(room, authority.Exists(room.Id) ? ChangeOutcome.Moved : Deleted);
    }

    /// <summary>A room is in one batch at a time, since each continues the revision of the one before: in line again only now.</summary>
    private void Release(HostedRoom room)
    {
        lock (room.Gate)
        {
            room.IsQueued = room.Phase == RoomPhase.Open && !room.IsLeaving && room.Waiting.Count > 0;
            if (room.IsQueued)
            {
                Enqueue(room);
            }
        }
    }

    private bool IsAllowed(HostedRoom room, PendingChange pending, Batch batch)
    {
        if (pending.Flow?.Admits(pending.Attempt) == false)
        {
            batch.Bounced.Add(pending);
            return false;
        }

        var error = pending.Refusal;
        if (error is null && pending.DeadlineMs < Environment.TickCount64)
        {
            // It may be on its way once more, with a little more time: what its gateway sent after it comes again too, and then behind it.
            pending.Refuse();
            error = new HubError(ErrorCodes.Unavailable, "it took too long; try again");
        }

        error ??= authority.Check(room.Id, pending.Change) ?? CheckPace(room, pending.Change);
        if (error is null)
        {
            return true;
        }

        batch.Refused.Add((room.Id, pending, error));
        return false;
    }

    /// <summary>Only when the batch is written: what is refused may repeat a change of this very batch.</summary>
    private void Refuse(Batch batch)
    {
        foreach (var (room, pending, error) in batch.Refused)
        {
            answers.Answer(room, pending.Change, error, pending.Receiver);
        }

        foreach (var pending in batch.Bounced)
        {
            pending.Receiver.Completed(ChangeOutcome.Moved);
        }
    }

    private HubError? CheckPace(HostedRoom room, RoomChange change)
    {
        if (change is not PostMessage { Author.Length: > 0 } post)
        {
            return null;
        }

        var seconds = authority.SlowModeSeconds(room.Id, post.Author);
        if (seconds == 0)
        {
            return null;
        }

        room.LastSends ??= new SendTimes();
        var waitMs = room.LastSends.WaitMs(post.Author, post.At, seconds);
        return waitMs > 0 ? new HubError(ErrorCodes.SlowMode, $"slow mode: one message every {seconds} s", waitMs) : null;
    }

    /// <summary>
    /// Whether slow mode lets a post pass is known when the author's one before it is committed, or is not: there are never two in one batch.
    /// </summary>
    private bool FitsPace(HostedRoom room, RoomChange change, ref HashSet<string>? slowed) =>
        change is not PostMessage { Author.Length: > 0 } post
        || authority.SlowModeSeconds(room.Id, post.Author) == 0
        || (slowed ??= new HashSet<string>(StringComparer.Ordinal)).Add(post.Author);

    /// <summary>Only what is committed counts for slow mode, and a repeat counts as sent when it was first.</summary>
    private static void NotePace(HostedRoom room, List<PendingChange> pending, IReadOnlyList<ChangeResult> results)
    {
        for (var i = 0; i < pending.Count && room.LastSends is { } sends; i++)
        {
            if (pending[i].Change is PostMessage { Author.Length: > 0 } post && results[i].Refusal == ChangeRefusal.None)
            {
                sends.Note(post.Author, results[i].Answer.SentAt);
            }
        }
    }

    private async Task<IReadOnlyList<RoomWriteResult>?> FinishAsync(Task<IReadOnlyList<RoomWriteResult>> write, Batch batch)
    {
        try
        {
            return await write.ConfigureAwait(false);
        }
        catch (MessageStoreUnavailableException exception)
        {
            OutcomeUnknown(log, batch.Changes, batch.Rooms.Count, exception.Message);
            OutcomeUnknownTrace(log, exception);
        }

        var giveUpAt = Environment.TickCount64 + RecoverMs;
        while (Environment.TickCount64 < giveUpAt)
        {
            try
            {
                return await RepeatAsync(batch).ConfigureAwait(false);
            }
            catch (MessageStoreUnavailableException exception)
            {
                SayStillUnknown(exception);
                await Task.Delay(RetryMs, CancellationToken.None).ConfigureAwait(false);
            }
        }

        return null;
    }

    private void SayStillUnknown(MessageStoreUnavailableException exception)
    {
        if (sayNextAt <= Environment.TickCount64)
        {
            sayNextAt = Environment.TickCount64 + SayEveryMs;
            StillUnknown(log, exception.Message);
        }
    }

    private async Task<IReadOnlyList<RoomWriteResult>> RepeatAsync(Batch batch)
    {
        var asked = batch.Writes.ConvertAll(write => new RoomAtEpoch(write.Room, write.Epoch));
        var openings = await store.OpenAsync(asked, CancellationToken.None).ConfigureAwait(false);
        for (var i = 0; i < openings.Count; i++)
        {
            var room = batch.Rooms[i];
            if (openings[i].Status == RoomStatus.Ok)
            {
                lock (room.Gate)
                {
                    room.Seq = openings[i].Seq;
                    room.Rev = openings[i].Rev;
                    RoomPublisher.SkipTo(room, room.Rev);
                }
            }

            batch.Writes[i] = batch.Writes[i] with { Rev = room.Rev };
        }

        return await store.WriteAsync(batch.Writes, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>
    /// Notes where the rooms stand, and puts those whose write failed out of line, before the next batch is numbered. A room must not
    /// be opened again while changes of it are committed and not published: those who resumed at what opening found would be told twice.
    /// </summary>
    private void Settle(Batch batch)
    {
        for (var i = 0; i < batch.Rooms.Count; i++)
        {
            var room = batch.Rooms[i];
            switch (batch.Results?[i].Status ?? RoomStatus.Unknown)
            {
                case RoomStatus.Ok:
                    room.Seq = batch.Results![i].Seq;
                    room.Rev = batch.Results[i].Rev;
                    NotePace(room, batch.Pending[i], batch.Results[i].Changes);
                    break;
                case RoomStatus.Stale:
                    Reopen(room, batch.Pending[i], isKnown: true);
                    break;
                case RoomStatus.Unknown:
                    Reopen(room, batch.Pending[i], isKnown: false);
                    break;
                case var status:
                    Lost(room, batch.Pending[i], status);
                    break;
            }

            Release(room);
        }
    }

    /// <summary>Messages of people that were committed now: no repeats, refusals, other changes and system messages.</summary>
    private static int CountPosts(Batch batch) => batch.Results?.Sum(static result => result.Changes.Count(static change =>
        change.Event is { Kind: RoomEventKind.Posted, Message.Kind: not MessageKind.System })) ?? 0;

    private void Publish(Batch? batch)
    {
        for (var i = 0; i < (batch?.Rooms.Count ?? 0); i++)
        {
            if (batch!.Results?[i] is { Status: RoomStatus.Ok } result)
            {
                Answer(batch.Pending[i], result.Changes);
                publisher.Publish(batch.Rooms[i], result.Changes);
            }

            Landed(batch.Rooms[i]);
        }
    }

    private static void Answer(List<PendingChange> pending, IReadOnlyList<ChangeResult> results)
    {
        for (var i = 0; i < pending.Count; i++)
        {
            pending[i].Receiver.Completed(ChangeOutcome.From(results[i]));
        }
    }

    /// <summary>Nothing was made, or that stays unknown: the callers try again with their ids, and the room opens again before anything else.</summary>
    /// <param name="isKnown">Nothing was made, and nothing of it will be.</param>
    private void Reopen(HostedRoom room, List<PendingChange> pending, bool isKnown)
    {
        lock (room.Gate)
        {
            room.IsFenced &= isKnown; // Else what was judged long ago may be committed yet, until it is opened again.
            if (room.Phase == RoomPhase.Open)
            {
                room.Phase = RoomPhase.New;
                room.NoticesThrough = default;
            }

            while (room.Waiting.TryDequeue(out var waiting))
            {
                pending.Add(waiting);
            }

            pending.ForEach(static change => change.Refuse());
        }

        interrupted(room);
        foreach (var change in pending)
        {
            change.Receiver.Completed(ChangeOutcome.StoreAway);
        }
    }

    private void Lost(HostedRoom room, List<PendingChange> pending, RoomStatus status)
    {
        RoomFenced(log, room.Id, room.Epoch, status);
        var outcome = status == RoomStatus.Closed ? Deleted : ChangeOutcome.Moved;
        lock (room.Gate)
        {
            pending.ForEach(static change => change.Refuse());
        }

        retire(room, outcome);
        foreach (var change in pending)
        {
            change.Receiver.Completed(outcome);
        }
    }

    private static ChangeOutcome Deleted { get; } = ChangeOutcome.Failed(new HubError(ErrorCodes.NotFound, "the room was deleted"));

    [LoggerMessage(2610, LogLevel.Warning, "the outcome of {Changes} changes in {Rooms} rooms is unknown; opening the rooms again: {Why}")]
    private static partial void OutcomeUnknown(ILogger log, int changes, int rooms, string why);

    [LoggerMessage(2613, LogLevel.Debug, "why the outcome of changes is unknown")]
    private static partial void OutcomeUnknownTrace(ILogger log, Exception exception);

    [LoggerMessage(2611, LogLevel.Warning, "the message store is still away: {Why}")]
    private static partial void StillUnknown(ILogger log, string why);

    [LoggerMessage(2612, LogLevel.Warning, "room {Room} is fenced at epoch {Epoch}: {Status}")]
    private static partial void RoomFenced(ILogger log, string room, long epoch, RoomStatus status);

    private sealed class Batch
    {
        public List<HostedRoom> Rooms { get; } = [];

        public List<List<PendingChange>> Pending { get; } = [];

        public List<RoomWrite> Writes { get; } = [];

        public List<(string Room, PendingChange Change, HubError Error)> Refused { get; } = [];

        /// <summary>Not made, as one before them was not: their gateway sends them again.</summary>
        public List<PendingChange> Bounced { get; } = [];

        /// <summary>Null where the outcome of all stays unknown.</summary>
        public IReadOnlyList<RoomWriteResult>? Results { get; set; }

        public int Changes { get; private set; }

        public int Bytes { get; set; }

        public void Add(HostedRoom room, List<PendingChange> pending)
        {
            Rooms.Add(room);
            Pending.Add(pending);
            Writes.Add(new RoomWrite(room.Id, room.Epoch, room.Rev, pending.ConvertAll(static change => change.Change)));
            Changes += pending.Count;
        }
    }
}
