using DChat.Core.Messages;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker.Host;

/// <summary>How rooms go to other hosts: as the registry says, and as the store says where this worker does not hear the registry.</summary>
internal sealed partial class RoomHost
{
    /// <summary>How often the store is asked whose the open rooms are, in milliseconds.</summary>
    private const int GuardMs = 1_000;

    /// <summary>Rooms of one such question.</summary>
    private const int GuardAtOnceMax = 10_000;

    /// <summary>Lets rooms go that the registry gave to another worker or another epoch. What is being committed is told first.</summary>
    public void Recheck(IEnumerable<string> roomIds)
    {
        foreach (var id in roomIds)
        {
            if (rooms.TryGetValue(id, out var room))
            {
                Recheck(room);
            }
        }
    }

    /// <inheritdoc cref="Recheck(IEnumerable{string})"/>
    public void RecheckAll()
    {
        foreach (var room in rooms.Values)
        {
            Recheck(room);
        }
    }

    private void Recheck(HostedRoom room)
    {
        lock (room.Gate)
        {
            if (room.Epoch == 0 || authority.EpochOf(room.Id) == room.Epoch || !authority.Exists(room.Id))
            {
                return; // Deleted rooms are closed, which is another way to go.
            }
        }

        Leave(room);
    }

    private void Leave(HostedRoom room)
    {
        lock (room.Gate)
        {
            room.IsLeaving = true;
            if (room.Flight.Count > 0)
            {
                return;
            }
        }

        Retire(room, NotHere(room.Id));
    }

    /// <summary>Rooms that other hosts have, as the store showed before the registry did: so often. It tells that the cluster goes on elsewhere.</summary>
    public long RoomsLost => Interlocked.Read(ref roomsLost);

    /// <summary>
    /// Finds out that rooms were opened by another host though this one has nothing to write: a quiet room is no silent hole. The registry as it is
    /// known here does not say whether there is another host: who is cut off from the coordinator does not hear of a new one.
    /// </summary>
    private async Task GuardAsync()
    {
        if (!store.IsShared)
        {
            return;
        }

        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(GuardMs));
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                foreach (var part in rooms.Values.Where(static room => room.Phase == RoomPhase.Open).Chunk(GuardAtOnceMax))
                {
                    await GuardAsync(part).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task GuardAsync(HostedRoom[] open)
    {
        try
        {
            var epochs = await store.ReadEpochsAsync(Array.ConvertAll(open, static room => room.Id), stopping.Token).ConfigureAwait(false);
            for (var i = 0; i < open.Length; i++)
            {
                if (epochs[i] > open[i].Epoch)
                {
                    FoundLost(log, open[i].Id, open[i].Epoch, epochs[i]);
                    Interlocked.Increment(ref roomsLost);
                    Leave(open[i]);
                }
            }
        }
        catch (MessageStoreUnavailableException exception)
        {
            NotGuarded(log, open.Length, exception.Message);
        }
    }

    [LoggerMessage(2603, LogLevel.Warning, "room {Room} is not ours any more: ours is epoch {Epoch}, the store's is {StoreEpoch}")]
    private static partial void FoundLost(ILogger log, string room, long epoch, long storeEpoch);

    [LoggerMessage(2604, LogLevel.Warning, "the message store is away: whose {Rooms} open rooms are is not known: {Why}")]
    private static partial void NotGuarded(ILogger log, int rooms, string why);
}
