using System.Diagnostics;

namespace DChat.Terminal.Load.Scenarios;

/// <summary>Members of rooms send, at a rate or as fast as it goes, and are shown each other's messages.</summary>
internal static class ChatScenario
{
    /// <summary>What a sender may have unanswered when it sends at a rate. Beyond it the run falls behind, and says so.</summary>
    private const int InFlightAtRateMax = 1_000;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    /// <summary>A send within this time of when it was due counts from when it was made, so the tick itself is no latency.</summary>
    private static readonly long OnTimeTicks = Stopwatch.Frequency / 500;

    public static async Task<LoadReport> RunAsync(ScenarioContext context, CancellationToken cancellation)
    {
        var (run, fleet, options) = (context.Run, context.Fleet, context.Options);
        var connects = await context.ConnectAsync(fleet.Clients, cancellation);
        var senders = fleet.Clients.Where(client => client.Memberships.Count > 0).Take(options.EffectiveSenders).ToList();
        senders.ForEach(sender => sender.IsSender = true);

        context.Progress.Enter("warming up");
        using var sending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var paced = options.SendsPerSecond > 0 ? SendAtRateAsync(run, senders, context.Notes, sending.Token) : Task.CompletedTask;
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
        await context.DrainAsync(cancellation);
        if (options.VerifyHistory && !options.Bare)
        {
            context.Progress.Enter("reading back");
            if (await ReadBack.AllRoomsAsync(run, fleet, cancellation) is > 0 and var unread)
            {
                context.Notes.Add($"{unread} rooms could not be read back: none of their members is connected");
            }
        }

        return context.Report(measured, connects);
    }

    private static async Task SendAtRateAsync(LoadRun run, List<LoadClient> senders, List<string> notes, CancellationToken stop)
    {
        var random = new Random(run.Options.Seed);
        var started = LoadRun.Now;
        var ticksPerSend = Stopwatch.Frequency / run.Options.SendsPerSecond;
        var (due, notSent) = (0L, 0L);
        using var timer = new PeriodicTimer(Tick);
        while (!stop.IsCancellationRequested)
        {
            await WaitAsync(timer, stop);
            var now = LoadRun.Now;
            for (; started + (long)(due * ticksPerSend) <= now && !stop.IsCancellationRequested; due++)
            {
                var dueTicks = started + (long)(due * ticksPerSend);
                if (!TrySendByAny(senders, random.Next(senders.Count), now - dueTicks < OnTimeTicks ? LoadRun.Now : dueTicks))
                {
                    notSent++;
                }
            }
        }

        if (notSent > 0)
        {
            notes.Add($"{notSent} of {due} sends that were due could not be made: nobody was connected, or every sender waited for {InFlightAtRateMax} answers");
        }
    }

    private static bool TrySendByAny(List<LoadClient> senders, int first, long dueTicks)
    {
        const int Attempts = 16;
        for (var attempt = 0; attempt < Math.Min(Attempts, senders.Count); attempt++)
        {
            if (senders[(first + attempt) % senders.Count].TrySend(dueTicks, InFlightAtRateMax))
            {
                return true;
            }
        }

        return false;
    }

    private static async Task WaitAsync(PeriodicTimer timer, CancellationToken stop)
    {
        try
        {
            await timer.WaitForNextTickAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return;
        }
    }
}
