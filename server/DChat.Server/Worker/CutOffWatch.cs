using DChat.Server.Cli;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Joining;
using DChat.Server.Worker.Peers;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Worker;

/// <summary>
/// Sends the clients of a worker to others while it hears no coordinator and another worker does: its rooms were given away and it does not
/// know to whom, nor who was banned or signed out. Where it reaches no other worker either, the store tells: somebody else has opened a room of its own.
/// Where nobody hears a coordinator all go on as they are.
/// </summary>
internal sealed partial class CutOffWatch(
    IClusterMembership membership, PeerPorts peers, RoomHost host, ChatGateway gateway, ServerOptions options, TimeProvider time, ILogger<CutOffWatch> log) : BackgroundService
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
        var (started, lostBefore) = (time.GetTimestamp(), host.RoomsLost);
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                var was = verdict.IsCutOff;
                var hears = membership.HearsCoordinator;
                lostBefore = hears ? host.RoomsLost : lostBefore;
                var goesOn = !hears && (await peers.HearsCoordinatorAsync().WaitAsync(stoppingToken) || (peers.ReachesNobody && host.RoomsLost > lostBefore));
                verdict.See(hears, goesOn, time.GetElapsedTime(started));
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

    [LoggerMessage(2621, LogLevel.Warning, "for {Ms} ms the cluster has gone on elsewhere and this worker has heard no coordinator: clients are sent to others until it does")]
    private static partial void CutOff(ILogger log, int ms);

    [LoggerMessage(2622, LogLevel.Information, "a coordinator is heard again: clients are welcome")]
    private static partial void Back(ILogger log);
}
