using DChat.Server.Cli;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Joining;
using DChat.Server.Worker.Peers;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Worker;

/// <summary>
/// Sends the clients of a worker to others while it hears no coordinator and another worker does: its rooms were given away and it does not
/// know to whom, nor who was banned or signed out. Where nobody hears a coordinator all go on as they are.
/// </summary>
internal sealed partial class CutOffWatch(
    IClusterMembership membership, PeerPorts peers, ChatGateway gateway, ServerOptions options, TimeProvider time, ILogger<CutOffWatch> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private Task _goodbyes = Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.CutOffMs == 0)
        {
            return;
        }

        var verdict = new CutOffVerdict(TimeSpan.FromMilliseconds(options.CutOffMs), membership.SearchAsync);
        var started = time.GetTimestamp();
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                var was = verdict.IsCutOff;
                var hears = membership.HearsCoordinator;
                verdict.See(hears, !hears && await peers.HearsCoordinatorAsync().WaitAsync(stoppingToken), time.GetElapsedTime(started));
                if (verdict.IsCutOff && !was)
                {
                    CutOff(log, options.CutOffMs);
                    _goodbyes = gateway.CutOffAsync();
                }
                else if (was && !verdict.IsCutOff)
                {
                    gateway.TakePartAgain();
                    Back(log);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await _goodbyes; // Draining has closed the connections that they wait for.
        }
    }

    [LoggerMessage(2621, LogLevel.Warning, "for {Ms} ms other workers have heard a coordinator and this one none: clients are sent to others until it does")]
    private static partial void CutOff(ILogger log, int ms);

    [LoggerMessage(2622, LogLevel.Information, "a coordinator is heard again: clients are welcome")]
    private static partial void Back(ILogger log);
}
