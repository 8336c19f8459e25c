namespace DChat.Terminal.Load.Scenarios;

/// <summary>Members of rooms send, at a rate or as fast as it goes, and are shown each other's messages.</summary>
internal static class ChatScenario
{
    public static async Task<LoadReport> RunAsync(ScenarioContext context, CancellationToken cancellation)
    {
        var (run, fleet, options) = (context.Run, context.Fleet, context.Options);
        var connects = await context.ConnectAsync(fleet.Clients, cancellation);
        var senders = fleet.Clients.Where(client => client.Memberships.Count > 0).Take(options.EffectiveSenders).ToList();
        senders.ForEach(sender => sender.IsSender = true);

        run.Marks.IsOn = options.MarkRead;
        context.Progress.Enter("warming up");
        using var sending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var paced = options.SendsPerSecond > 0 ? PacedSending.RunAsync(run, senders, context.Notes, sending.Token) : Task.CompletedTask;
        if (options.SendsPerSecond == 0)
        {
            run.Window = options.InFlight;
            senders.ForEach(sender => sender.StartWindow());
        }

        await Task.Delay(options.Warmup, cancellation);
        var measured = await context.MeasureAsync(cancellation);
        run.Window = 0;
        await sending.CancelAsync();
        await paced;
        run.Marks.IsOn = false;
        await context.DrainAsync(cancellation);
        if (options.VerifyHistory && !options.Bare)
        {
            await context.ReadBackAsync(cancellation);
        }

        return context.Report(measured, connects);
    }
}
