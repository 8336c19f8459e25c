using DChat.Core.ControlLog;

namespace DChat.Server.Coordinator;

/// <summary>How far this node is behind the control log. Only the log knows its end, so it is asked every now and then.</summary>
internal sealed class LogLag(IControlLog log, RegistryReplica replica, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private long _last;

    /// <summary>Committed entries that are not applied here.</summary>
    public long Entries => Math.Max(0, Volatile.Read(ref _last) - replica.Index);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                await AskAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task AskAsync(CancellationToken cancellation)
    {
        try
        {
            Volatile.Write(ref _last, (await log.ReadBoundsAsync(cancellation)).Last);
        }
        catch (ControlLogUnavailableException)
        {
            // The end as last known stays; that the log is away is said by who leads or follows.
        }
    }
}
