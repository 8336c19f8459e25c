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
        foreach (var room in replica.State.RoomsOn(identity.Id))
        {
            var more = true;
            while (more && DueIn(room.Id) is { } due)
            {
                // What is removed is not served from memory either, whether the rest follows or not.
                more = await store.RetainAsync(due.Room, due.SentBefore, due.KeptMs, StepMessages, stopping).ConfigureAwait(false);
                host.Retained(room.Id, due.SentBefore);
                await Task.Delay(more ? Pause : TimeSpan.Zero, time, stopping).ConfigureAwait(false);
            }
        }
    }

    /// <summary>What a room is to lose by what is known now, looked at before each step: whoever keeps more from now on is heard. Null: nothing, or that is not known.</summary>
    private (RoomAtEpoch Room, long SentBefore, long KeptMs)? DueIn(string id)
    {
        var state = replica.State;
        if (!membership.ReachesLeader || state.FindRoom(id) is not { } room || room.AssignedTo != identity.Id || state.HostOf(room) is not { } at)
        {
            return null;
        }

        var days = room.RetentionDays > 0 ? room.RetentionDays : options.RetentionDays;
        var kept = TimeSpan.FromDays(days);
        return days == 0 ? null : (new RoomAtEpoch(id, at.Epoch), (time.GetUtcNow() - kept).ToUnixTimeMilliseconds(), (long)kept.TotalMilliseconds);
    }

    [LoggerMessage(2401, LogLevel.Warning, "removing old messages waits: {Why}")]
    private static partial void Postponed(ILogger log, string why);
}
