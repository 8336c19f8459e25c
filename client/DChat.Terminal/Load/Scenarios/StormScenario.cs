namespace DChat.Terminal.Load.Scenarios;

/// <summary>
/// One server is killed by somebody else, and all of its clients come back to the others. The first member of each room is on another server and
/// goes on sending. Measured from the first connection lost until every client has all that it missed; latencies are those of that time.
/// </summary>
internal static class StormScenario
{
    /// <summary>Stands in the progress line when the first server may be killed.</summary>
    public const string Ready = "waiting for the first server to be killed";

    private static readonly TimeSpan KillLimit = TimeSpan.FromMinutes(5);

    public static async Task<LoadReport> RunAsync(ScenarioContext context, CancellationToken cancellation)
    {
        var (run, fleet, options) = (context.Run, context.Fleet, context.Options);
        var writers = Filling.Writers(context);
        var storming = fleet.Clients.Except(writers).ToList();
        var staying = writers.ToHashSet();
        var others = options.Servers.Count - 1;
        fleet.ServerOf = (client, _) => options.Servers[1 + (client.Index % others)];
        await context.ConnectAsync(writers, cancellation);

        // The others have served as many for a while, not only waited: a process optimizes its code at its first work.
        await context.ConnectAsync(storming, cancellation);
        await fleet.DisconnectAsync(storming);

        fleet.ServerOf = (client, attempt) => attempt == 0 && !staying.Contains(client)
            ? options.Servers[0]
            : options.Servers[1 + ((client.Index + attempt) % others)];
        var connects = await context.ConnectAsync(storming, cancellation);
        foreach (var writer in writers)
        {
            writer.IsSender = true;
        }

        context.Progress.Enter("warming up");
        using var sending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var paced = PacedSending.RunAsync(run, writers, context.Notes, sending.Token);
        await Task.Delay(options.Warmup, cancellation);

        var moving = await fleet.RoomsHostedAtAsync(options.Servers[0], cancellation);
        var elsewhere = new Elsewhere([.. run.Rooms.Select(room => !moving.Contains(room.Id))]);
        context.Progress.Enter(Ready);
        if (!await Pace.UntilAsync(() => run.Reconnects > 0, KillLimit, cancellation))
        {
            throw new CannotStartException($"{options.Servers[0]} was not killed within {KillLimit.TotalMinutes} minutes");
        }

        context.Progress.Enter("coming back");
        run.Observer = elsewhere;
        var lost = LoadRun.Now;
        var measurement = Measurement.Begin(run, context.Own, context.Server);
        var isBack = await Pace.UntilAsync(
            () => storming.TrueForAll(client => client.Server != options.Servers[0] && client.IsCaughtUp) && writers.All(writer => writer.IsCaughtUp),
            options.Drain,
            cancellation);
        var seconds = LoadMeter.Microseconds(LoadRun.Now - lost) / 1e6;
        var measured = measurement.End();
        run.Observer = null;
        if (!isBack)
        {
            context.Notes.Add($"after {options.Drain.TotalSeconds} s {fleet.Clients.Count(client => !client.IsCaughtUp)} clients were not back");
        }

        await sending.CancelAsync();
        await paced;
        await context.DrainAsync(cancellation);
        if (options.VerifyHistory)
        {
            await context.ReadBackAsync(cancellation);
        }

        return context.Report(measured, connects) with
        {
            ResumeSeconds = isBack ? seconds : null,
            SendToAckElsewhere = LoadReport.Latency.Of(elsewhere.Latency),
        };
    }

    /// <summary>What sends take in rooms that do not move.</summary>
    private sealed class Elsewhere(bool[] stays) : ILoadObserver
    {
        public LatencyHistogram Latency { get; } = new();

        public void Acknowledged(int client, int room, long sentTicks, long now)
        {
            if (stays[room])
            {
                lock (Latency)
                {
                    Latency.Record(LoadMeter.Microseconds(now - sentTicks));
                }
            }
        }

        public void Shown(int client, int room, long now)
        {
            // Whether all is shown is the checker's to say.
        }
    }
}
