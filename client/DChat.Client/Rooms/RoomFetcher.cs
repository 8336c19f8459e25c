using System.Diagnostics.CodeAnalysis;
using DChat.Client.Connections;
using DChat.Client.Timelines;
using DChat.Protocol;

namespace DChat.Client.Rooms;

/// <summary>Fetches what timelines need: one request a room at a time, a few rooms at once, again after a pause where it fails.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never taken holds nothing to dispose.")]
internal sealed class RoomFetcher(RoomBook book, TimeProvider time, OwnedTasks tasks)
{
    private const int ParallelFetches = 8;

    /// <summary>Of rooms that were refused: a server may hold each of their requests for seconds, which keeps no other room from its own.</summary>
    private const int ParallelRepeats = 4;

    private static readonly TimeSpan RetryFirst = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryLongest = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim parallel = new(ParallelFetches, ParallelFetches);
    private readonly SemaphoreSlim repeating = new(ParallelRepeats, ParallelRepeats);

    /// <summary>Starts to fetch where the room needs it and may. Call it under the book's lock.</summary>
    public void Pump(RoomState room)
    {
        if (!room.Fetching && room.Timeline.Need is not null && book.MayFetch)
        {
            room.Fetching = true;
            tasks.Run(cancel => FetchAsync(room, cancel));
        }
    }

    private async Task FetchAsync(RoomState room, CancellationToken cancel)
    {
        var backoff = new Backoff(RetryFirst, RetryLongest, Random.Shared);
        try
        {
            for (var turns = parallel; await FetchInTurnAsync(turns, room, cancel).ConfigureAwait(false) is { } pause;)
            {
                turns = pause > TimeSpan.Zero ? repeating : parallel;
                if (pause > TimeSpan.Zero)
                {
                    await Task.Delay(backoff.Next() + pause, time, cancel).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            book.Locked(() => room.Fetching = false);
        }

        book.Step(room, _ => []);
    }

    private async Task<TimeSpan?> FetchInTurnAsync(SemaphoreSlim turns, RoomState room, CancellationToken cancel)
    {
        await turns.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            return await FetchOnceAsync(room, cancel).ConfigureAwait(false);
        }
        finally
        {
            turns.Release();
        }
    }

    /// <summary>One request. Null where nothing is left to do now; else how long to wait, at least, before the next.</summary>
    private async Task<TimeSpan?> FetchOnceAsync(RoomState room, CancellationToken cancel)
    {
        var (link, need) = book.Locked(() => book.MayFetch ? (book.Link, room.Timeline.Need) : (null, null));
        if (link is null || need is null)
        {
            return null;
        }

        try
        {
            if (need is TimelineNeed.Older older)
            {
                await FetchOlderAsync(room, link, older.BeforeSeq, cancel).ConfigureAwait(false);
            }
            else
            {
                await FetchChangesAsync(room, link, cancel).ConfigureAwait(false);
            }

            // The same need again means that the answer brought nothing: do not ask in a tight loop.
            return book.Locked(() => need.Equals(room.Timeline.Need)) ? RetryFirst : TimeSpan.Zero;
        }
        catch (LinkLostException)
        {
            // The next connection's sync brings it.
            return null;
        }
        catch (ChatException e) when (e.Code is ErrorCodes.NotMember or ErrorCodes.NotFound)
        {
            book.Remove(room.Id, RemovalReasons.Left);
            return null;
        }
        catch (ChatException e)
        {
            return e.RetryAfter ?? RetryFirst;
        }
    }

    private async Task FetchChangesAsync(RoomState room, HubLink link, CancellationToken cancel)
    {
        var (ticket, after) = book.Locked(() => (room.Timeline.BeginFetch(), room.Timeline.Rev));
        try
        {
            var answer = await link.InvokeAsync<RoomSync>(HubMethods.Subscribe, new SubscribeRequest(room.Id, after), cancel).ConfigureAwait(false);
            book.Apply(link, room, ticket, answer);
        }
        catch
        {
            book.Locked(() => { room.Timeline.FetchFailed(ticket); return 0; });
            throw;
        }
    }

    private async Task FetchOlderAsync(RoomState room, HubLink link, long beforeSeq, CancellationToken cancel)
    {
        if (book.Locked(room.Timeline.BeginOlder) is not { } ticket)
        {
            return;
        }

        try
        {
            var page = await link.InvokeAsync<HistoryAnswer>(HubMethods.History, new HistoryRequest(room.Id, beforeSeq, ProtocolLimits.PageMax), cancel).ConfigureAwait(false);
            book.Step(room, r => r.Timeline.ApplyOlder(ticket, page, keep: false));
        }
        catch
        {
            book.Locked(() => { room.Timeline.OlderFailed(ticket); return 0; });
            throw;
        }
    }
}
