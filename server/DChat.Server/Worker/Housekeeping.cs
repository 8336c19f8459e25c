using DChat.Core.Messages;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Joining;
using Microsoft.Extensions.Hosting;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker;

/// <summary>Removes, in small steps, what need not be kept: messages of deleted rooms, and those past their retention.</summary>
internal sealed partial class Housekeeping(
    IMessageStore store,
    RegistryReplica replica,
    RoomHost host,
    IClusterMembership membership,
    DeletedRooms deleted,
    WorkerIdentity identity,
    ServerOptions options,
    TimeProvider time,
    ILogger<Housekeeping> log) : BackgroundService
{
    /// <summary>Messages removed in one transaction: senders wait no longer than for one of them.</summary>
    private const int StepMessages = 500;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                await CleanAsync(stoppingToken).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops; what is left waits for the next start.
        }
    }

    /// <summary>One round: all that is due now.</summary>
    internal async Task CleanAsync(CancellationToken stopping)
    {
        try
        {
            if (options.IsHost)
            {
                await deleted.CloseLeftAsync(stopping).ConfigureAwait(false);
            }

            while (await store.PurgeAsync(StepMessages, stopping).ConfigureAwait(false))
            {
                await Task.Delay(Pause, time, stopping).ConfigureAwait(false);
            }

            await RetainAsync(stopping).ConfigureAwait(false);
        }
        catch (MessageStoreUnavailableException exception)
        {
            Postponed(log, exception.Message);
        }
    }

    /// <summary>
    /// What is removed is gone for good: nothing is while no leader is reached, since how long a room keeps its messages may be another time by now, and
    /// nothing that is young by the store's own clock, or in a room that another host has.
    /// </summary>
    private async Task RetainAsync(CancellationToken stopping)
    {
        var state = replica.State;
        foreach (var room in state.RoomsOn(identity.Id))
        {
            if (!membership.ReachesLeader)
            {
                return;
            }

            var days = room.RetentionDays > 0 ? room.RetentionDays : options.RetentionDays;
            if (days == 0)
            {
                continue;
            }

            var kept = TimeSpan.FromDays(days);
            var sentBefore = (time.GetUtcNow() - kept).ToUnixTimeMilliseconds();
            var mine = new RoomAtEpoch(room.Id, state.HostOf(room)!.Value.Epoch);
            while (await store.RetainAsync(mine, sentBefore, (long)kept.TotalMilliseconds, StepMessages, stopping).ConfigureAwait(false))
            {
                await Task.Delay(Pause, time, stopping).ConfigureAwait(false);
            }

            host.Retained(room.Id, sentBefore);
        }
    }

    [LoggerMessage(2401, LogLevel.Warning, "removing old messages waits: {Why}")]
    private static partial void Postponed(ILogger log, string why);
}
