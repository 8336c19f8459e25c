namespace DChat.Terminal.Load.Scenarios;

/// <summary>
/// Clients leave, miss messages, and all come back at once. The first member of each room stays and writes;
/// all others leave and resume. Measured until every one of them has all that it missed.
/// </summary>
internal static class ResumeScenario
{
    public static async Task<LoadReport> RunAsync(ScenarioContext context, CancellationToken cancellation)
    {
        var (run, fleet) = (context.Run, context.Fleet);
        await context.ConnectAsync(fleet.Clients, cancellation);
        var writers = Filling.Writers(context);
        var leaving = fleet.Clients.Except(writers).ToList();
        await fleet.DisconnectAsync(leaving);
        await Filling.RunAsync(context, writers, context.Options.Fill, cancellation);

        context.Progress.Enter("resuming");
        var caughtUp = new LatencyHistogram();
        var started = LoadRun.Now;
        var measurement = Measurement.Begin(run, context.Own, context.Server);
        var connects = await context.ConnectAsync(leaving, cancellation);
        await Pace.UntilAsync(() => leaving.TrueForAll(client => client.IsCaughtUp), context.Options.Drain, cancellation);
        var seconds = LoadMeter.Microseconds(LoadRun.Now - started) / 1e6;
        var measured = measurement.End();
        await context.DrainAsync(cancellation);
        return context.Report(measured, connects) with { ResumeSeconds = seconds };
    }
}
