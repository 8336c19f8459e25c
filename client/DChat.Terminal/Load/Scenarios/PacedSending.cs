using System.Diagnostics;

namespace DChat.Terminal.Load.Scenarios;

/// <summary>Sends at the rate that the options ask for.</summary>
internal static class PacedSending
{
    /// <summary>What a sender may have unanswered. Beyond it the run falls behind, and says so.</summary>
    private const int InFlightMax = 1_000;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    /// <summary>A send within this time of when it was due counts from when it was made, so the tick itself is no latency.</summary>
    private static readonly long OnTimeTicks = Stopwatch.Frequency / 500;

    /// <summary>Sends until stopped, each by a sender at random.</summary>
    public static async Task RunAsync(LoadRun run, IReadOnlyList<LoadClient> senders, List<string> notes, CancellationToken stop)
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
            notes.Add($"{notSent} of {due} sends that were due could not be made: nobody was connected, or every sender waited for {InFlightMax} answers");
        }
    }

    private static bool TrySendByAny(IReadOnlyList<LoadClient> senders, int first, long dueTicks)
    {
        const int Attempts = 16;
        for (var attempt = 0; attempt < Math.Min(Attempts, senders.Count); attempt++)
        {
            if (senders[(first + attempt) % senders.Count].TrySend(dueTicks, InFlightMax))
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
