using DChat.Core.ControlLog;

namespace DChat.Server.Coordinator;

/// <summary>How far this node is behind the control log. Only the log knows its end, so it is asked every now and then.</summary>
internal sealed class LogLag(IControlLog log, RegistryReplica replica, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private long _last;
    private long _awaySince; // 0: it answered.

    /// <summary>Committed entries that are not applied here.</summary>
    public long Entries => Math.Max(0, Volatile.Read(ref _last) - replica.Index);

    /// <summary>For how long it has not answered, 0 while it does: <see cref="Entries"/> tells nothing then.</summary>
    public double AwaySeconds => Volatile.Read(ref _awaySince) is not 0 and var since ? time.GetElapsedTime(since).TotalSeconds : 0;

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
        var asked = time.GetTimestamp();
        try
        {
            Volatile.Write(ref _last, (await log.ReadBoundsAsync(cancellation)).Last);
            Volatile.Write(ref _awaySince, 0);
        }
        catch (ControlLogUnavailableException)
        {
            // The end as last known stays; that the log is away is said by who leads or follows.
            Interlocked.CompareExchange(ref _awaySince, asked, 0);
        }
    }
}
