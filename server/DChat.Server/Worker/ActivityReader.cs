using DChat.Core.Messages;
using DChat.Server.Coordinator;
using DChat.Server.Worker.Peers;

namespace DChat.Server.Worker;

/// <summary>Reads from the store, once after the start, when each room was last active: rooms that nobody opened since are listed rightly.</summary>
internal sealed partial class ActivityReader(IMessageStore store, RegistryReplica replica, RoomActivities activities, ILogger<ActivityReader> log) : BackgroundService
{
    /// <summary>Rooms of one question.</summary>
    private const int RoomsAtOnce = 5_000;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        try
        {
            foreach (var rooms in replica.State.AllRooms().Select(room => room.Id).Chunk(RoomsAtOnce))
            {
                var sent = await store.ReadLastSentAsync(rooms, stoppingToken);
                for (var i = 0; i < rooms.Length; i++)
                {
                    activities.Know(rooms[i], sent[i]);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The worker stops.
        }
        catch (Exception failure) when (failure is MessageStoreUnavailableException or MessageStoreDamagedException)
        {
            NotRead(log, failure.Message); // Damage ends the process when a room is opened there, not for the order of a list.
        }
    }

    [LoggerMessage(2404, LogLevel.Warning, "when rooms were last active could not be read; they are listed by their creation until somebody opens them: {Why}")]
    private static partial void NotRead(ILogger log, string why);
}
