using System.Text.Json.Serialization.Metadata;
using DChat.Protocol;

namespace DChat.Terminal.Load.Scenarios;

/// <summary>Fills rooms, then asks for their newest page, or searches in them, at a rate or as fast as it goes.</summary>
internal static class QueryScenario
{
    private const int HistoryPage = 100;
    private const int SearchPage = 20;
    private const int CallTimeoutSeconds = 30;

    /// <summary>The search index follows the commits within 2 s.</summary>
    private static readonly TimeSpan IndexLag = TimeSpan.FromSeconds(3);

    public static async Task<LoadReport> RunAsync(ScenarioContext context, CancellationToken cancellation)
    {
        var (run, fleet, options) = (context.Run, context.Fleet, context.Options);
        var connects = await context.ConnectAsync(fleet.Clients, cancellation);
        await Filling.RunAsync(context, Filling.Writers(context), options.Fill, cancellation);
        await context.DrainAsync(cancellation);
        await Task.Delay(IndexLag, cancellation);

        var askers = fleet.Clients.Where(client => client.Memberships.Count > 0).Take(options.EffectiveSenders).ToList();
        await AskAsync(context, askers, options.Warmup, new LatencyHistogram(), cancellation);
        context.Progress.Enter("measuring");
        var latency = new LatencyHistogram();
        var measurement = Measurement.Begin(run, context.Own, context.Server);
        await AskAsync(context, askers, options.Duration, latency, cancellation);
        var measured = measurement.End();
        return context.Report(measured, connects) with
        {
            Queries = LoadReport.Latency.Of(latency),
            QueriesPerSecond = latency.Count / measured.Seconds,
        };
    }

    private static async Task AskAsync(ScenarioContext context, List<LoadClient> askers, TimeSpan duration, LatencyHistogram latency, CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        ended.CancelAfter(duration);
        var perAsker = context.Options.SendsPerSecond / askers.Count;
        await Task.WhenAll(askers.Select((asker, index) => AskOnAndOnAsync(context, asker, index, perAsker, askers.Count, latency, ended.Token)));
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>One asker, one question at a time; its latency counts from when it was due.</summary>
    private static async Task AskOnAndOnAsync(ScenarioContext context, LoadClient asker, int index, double perSecond, int askers, LatencyHistogram latency, CancellationToken ended)
    {
        var random = new Random(HashCode.Combine(context.Options.Seed, index));
        var started = LoadRun.Now;
        for (var asked = 0; !ended.IsCancellationRequested; asked++)
        {
            var due = LoadRun.Now;
            if (perSecond > 0)
            {
                var dueSeconds = (asked + ((double)index / askers)) / perSecond;
                await Pace.UntilAsync(started, dueSeconds, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (ended.IsCancellationRequested)
                {
                    return;
                }

                // A timer's lateness is not the server's; only what an unanswered question held up counts.
                due = asked > 0 ? Math.Max(due, started + (long)(dueSeconds * System.Diagnostics.Stopwatch.Frequency)) : LoadRun.Now;
                due = LoadRun.Now - due < System.Diagnostics.Stopwatch.Frequency / 500 ? LoadRun.Now : due;
            }

            await AskOnceAsync(context, asker, random);
            lock (latency)
            {
                latency.Record(LoadMeter.Microseconds(LoadRun.Now - due));
            }
        }
    }

    private static Task AskOnceAsync(ScenarioContext context, LoadClient asker, Random random)
    {
        var room = asker.Memberships[random.Next(asker.Memberships.Count)].Room.Id;
        return context.Options.Scenario == LoadScenario.History
            ? AskAsync(asker, HubMethods.History, new HistoryRequest(room, Limit: HistoryPage), ProtocolJson.Wire.HistoryRequest)
            : AskAsync(asker, HubMethods.Search, new SearchRequest(Question(context.Run.Content, random), Limit: SearchPage), ProtocolJson.Wire.SearchRequest);
    }

    private static Task AskAsync<T>(LoadClient asker, string method, T argument, JsonTypeInfo<T> type) =>
        asker.CallAsync(method, argument, type, _ => { }).WaitAsync(TimeSpan.FromSeconds(CallTimeoutSeconds));

    /// <summary>Half of the questions are one word, the others two; words are as frequent in questions as they are in messages.</summary>
    private static string Question(SendContent content, Random random) =>
        random.Next(2) == 0 ? content.RandomWord(random) : $"{content.RandomWord(random)} {content.RandomWord(random)}";
}
