using DChat.Core.Messages;
using DChat.Server.Coordinator;
using Microsoft.Extensions.Logging;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker.Calls;

/// <summary>
/// Closes the rows of deleted rooms in the message store: no host, however late it hears of it, writes them again, and their messages are purged.
/// Whoever deletes a room does so before it answers; what fails is done by a repeat, or by <see cref="Housekeeping"/>.
/// </summary>
internal sealed partial class DeletedRooms(IMessageStore store, RegistryReplica replica, RoomHost host, TimeProvider time, ILogger<DeletedRooms> log)
{
    /// <summary>What a deletion is answered whose room is not closed yet.</summary>
    public const string NotClosedYet = "the room is deleted; what was said in it is removed when the message store answers again";

    /// <summary>Rooms of one question for their epochs.</summary>
    private const int RoomsAtOnce = 1_000;

    /// <summary>Between two closings, so that senders come through.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Rooms that entries up to here deleted are closed. An index and no line's number: a restore lifts it.</summary>
    private long _through;

    /// <summary>Closes a room that was deleted; false where the store is away.</summary>
    public async Task<bool> CloseAsync(string room)
    {
        try
        {
            await host.CloseAsync(room).ConfigureAwait(false);
            return true;
        }
        catch (MessageStoreUnavailableException exception)
        {
            NotClosed(log, room, exception.Message);
            return false;
        }
    }

    /// <summary>Of a room that is not known, and may be one whose deletion was not carried out whole; false where the store is away.</summary>
    public async Task<bool> CloseUnknownAsync(string room) => !WasDeleted(room) || await CloseAsync(room).ConfigureAwait(false);

    /// <summary>
    /// Closes what was left open. What is deleted is known by the audit trail and not by being unknown: rooms that a restore does not know
    /// are kept for another. And only once: a process that hears no more of the registry does not come back to rooms that a restore opens again.
    /// </summary>
    /// <exception cref="MessageStoreUnavailableException">The store is away; the next call goes on.</exception>
    public async Task CloseLeftAsync(CancellationToken stopping)
    {
        var state = replica.State;
        var closed = 0;
        foreach (var deleted in state.DeletionsAfter(_through).Chunk(RoomsAtOnce))
        {
            var epochs = await store.ReadEpochsAsync(deleted, stopping).ConfigureAwait(false);
            foreach (var (room, epoch) in deleted.Zip(epochs))
            {
                if (epoch < long.MaxValue && state.FindRoom(room) is null)
                {
                    await host.CloseAsync(room).ConfigureAwait(false);
                    closed++;
                    await Task.Delay(Pause, time, stopping).ConfigureAwait(false);
                }
            }
        }

        Volatile.Write(ref _through, state.Index);
        if (closed > 0)
        {
            ClosedLate(log, closed);
        }
    }

    private bool WasDeleted(string room)
    {
        var state = replica.State;
        return state.FindRoom(room) is null && state.DeletionsAfter(Volatile.Read(ref _through)).Contains(room);
    }

    [LoggerMessage(2302, LogLevel.Warning, "deleted room {Room} could not be closed in the message store; that is tried again: {Why}")]
    private static partial void NotClosed(ILogger log, string room, string why);

    [LoggerMessage(2304, LogLevel.Information, "{Count} deleted rooms that were left open were closed in the message store")]
    private static partial void ClosedLate(ILogger log, int count);
}
