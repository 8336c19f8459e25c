using System.Globalization;

namespace DChat.Terminal.Load;

/// <summary>One line that is written over and over while the run lasts; in a log, a line every few seconds.</summary>
internal sealed class Progress(LoadRun run, TextWriter output, bool isTerminal) : IAsyncDisposable
{
    private static readonly TimeSpan OnTerminal = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan InLog = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _ended = new();
    private Task _writing = Task.CompletedTask;
    private string _phase = "starting";

    public static Progress Start(LoadRun run)
    {
        var progress = new Progress(run, Console.Error, !Console.IsErrorRedirected);
        progress._writing = progress.WriteAsync();
        return progress;
    }

    /// <summary>What the run is doing now.</summary>
    public void Enter(string phase) => Volatile.Write(ref _phase, phase);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _writing;
        if (isTerminal)
        {
            await output.WriteAsync("\r\x1b[K");
        }

        _ended.Dispose();
    }

    private async Task WriteAsync()
    {
        var every = isTerminal ? OnTerminal : InLog;
        var (before, after) = isTerminal ? ("\r\x1b[K", "") : ("", Environment.NewLine);
        using var timer = new PeriodicTimer(every);
        var started = LoadRun.Now;
        var (lastDeliveries, lastAcks) = (0L, 0L);
        while (!_ended.IsCancellationRequested)
        {
            var (deliveries, acks) = (run.Meter.Deliveries, run.Meter.Acknowledgements);
            var seconds = LoadMeter.Microseconds(LoadRun.Now - started) / 1_000_000;
            await output.WriteAsync(before + string.Create(
                CultureInfo.InvariantCulture,
                $"{seconds,4} s  {Volatile.Read(ref _phase)}  {(deliveries - lastDeliveries) / every.TotalSeconds:N0} deliveries/s  {(acks - lastAcks) / every.TotalSeconds:N0} acks/s  findings {run.Checker.FindingsSoFar}  reconnects {run.Reconnects}{(run.Checker.FirstFinding is { } first ? $"  first finding: {first}" : "")}") + after);
            (lastDeliveries, lastAcks) = (deliveries, acks);
            await WaitAsync(timer);
        }
    }

    private async Task WaitAsync(PeriodicTimer timer)
    {
        try
        {
            await timer.WaitForNextTickAsync(_ended.Token);
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
    }
}
