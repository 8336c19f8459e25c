using System.Globalization;

namespace DChat.Terminal.Load;

/// <summary>One line that is written over and over while the run lasts; silent where nobody looks at a terminal.</summary>
internal sealed class Progress(LoadRun run, TextWriter? terminal) : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _ended = new();
    private Task _writing = Task.CompletedTask;
    private string _phase = "starting";

    public static Progress Start(LoadRun run)
    {
        var progress = new Progress(run, Console.IsErrorRedirected ? null : Console.Error);
        progress._writing = progress.WriteAsync();
        return progress;
    }

    /// <summary>What the run is doing now.</summary>
    public void Enter(string phase) => Volatile.Write(ref _phase, phase);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _writing;
        if (terminal is not null)
        {
            await terminal.WriteAsync("\r\x1b[K");
        }

        _ended.Dispose();
    }

    private async Task WriteAsync()
    {
        if (terminal is null)
        {
            return;
        }

        using var timer = new PeriodicTimer(Every);
        var started = LoadRun.Now;
        var (lastDeliveries, lastAcks) = (0L, 0L);
        while (!_ended.IsCancellationRequested)
        {
            var (deliveries, acks) = (run.Meter.Deliveries, run.Meter.Acknowledgements);
            var seconds = LoadMeter.Microseconds(LoadRun.Now - started) / 1_000_000;
            await terminal.WriteAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"\r\x1b[K{seconds,4} s  {Volatile.Read(ref _phase)}  {deliveries - lastDeliveries:N0} deliveries/s  {acks - lastAcks:N0} acks/s  findings {run.Checker.FindingsSoFar}  reconnects {run.Reconnects}"));
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
