using DChat.Protocol;
using DChat.Terminal.Load.Checking;

namespace DChat.Terminal.Load.Scenarios;

/// <summary>Reads rooms back as a client would that has never seen them: what is acknowledged must be there.</summary>
internal static class ReadBack
{
    private const int RoomsAtOnce = 8;
    private const int Attempts = 20;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(250);

    /// <summary>Rooms without a member that is still connected are left out; the answer is how many.</summary>
    public static async Task<int> AllRoomsAsync(LoadRun run, Fleet fleet, CancellationToken cancellation)
    {
        var unread = 0;
        await Parallel.ForEachAsync(
            run.Rooms.Where(room => room.Order is not null),
            new ParallelOptions { MaxDegreeOfParallelism = RoomsAtOnce, CancellationToken = cancellation },
            async (room, token) =>
            {
                if (room.Members.Select(member => fleet.Clients[member]).FirstOrDefault(client => client.IsUp) is not { } reader)
                {
                    Interlocked.Increment(ref unread);
                    return;
                }

                await ChangesAsync(run, room, reader, token);
                await HistoryAsync(run, room, reader, token);
            });
        return unread;
    }

    /// <summary>Everything since the run began, by revision, as a client that was away for all of it.</summary>
    private static async Task ChangesAsync(LoadRun run, LoadRoom room, LoadClient reader, CancellationToken cancellation)
    {
        var order = room.Order!;
        var view = run.AddView(order, reader.Index);
        view.Start(order.BaseRev);
        var more = true;
        while (more)
        {
            await RetryAsync(
                () => reader.CallAsync(
                    HubMethods.Subscribe,
                    new SubscribeRequest(room.Id, view.LastRev),
                    ProtocolJson.Wire.SubscribeRequest,
                    answer =>
                    {
                        var page = run.Syncs.ReadSubscribe(answer);
                        foreach (var facts in page.Messages)
                        {
                            order.Observe(facts);
                            view.Advance(facts.Rev, facts.Rev, 1);
                        }

                        more = page.More && page.Messages.Count > 0;
                        if (!more)
                        {
                            view.EndOfPage(page.Rev);
                        }
                    }),
                cancellation);
        }
    }

    private static async Task HistoryAsync(LoadRun run, LoadRoom room, LoadClient reader, CancellationToken cancellation)
    {
        var order = room.Order!;
        long? before = null;
        var more = true;
        var page = new List<MessageFacts>();
        while (more)
        {
            await RetryAsync(
                () => reader.CallAsync(
                    HubMethods.History,
                    new HistoryRequest(room.Id, before, ProtocolLimits.PageMax),
                    ProtocolJson.Wire.HistoryRequest,
                    answer =>
                    {
                        page.Clear();
                        more = run.Syncs.ReadHistory(answer, page);
                    }),
                cancellation);
            foreach (var facts in page)
            {
                order.ObserveInHistory(facts);
            }

            more &= page.Count > 0 && page[0].Rev > order.BaseRev;
            before = page.Count > 0 ? page[0].Seq : null;
        }

        order.HistoryWasRead();
    }

    private static async Task RetryAsync(Func<Task> call, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await call().WaitAsync(TimeSpan.FromSeconds(30), cancellation);
                return;
            }
            catch (Exception failure) when (failure is HubCallException { Code: ErrorCodes.Unavailable or ErrorCodes.RateLimited } or TimeoutException && attempt < Attempts)
            {
                await Task.Delay(BetweenAttempts, cancellation);
            }
        }
    }
}
