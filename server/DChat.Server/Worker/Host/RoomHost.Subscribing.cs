namespace DChat.Server.Worker.Host;

/// <summary>How gateways come to follow rooms.</summary>
internal sealed partial class RoomHost
{
    /// <summary>
    /// Subscribes a gateway: from the answered revision on it is told every change. Null where the room cannot be opened here now, or not
    /// under this epoch.
    /// </summary>
    /// <param name="afterRev">
    /// Up to where the gateway's clients were told by another host; what was told here since comes before the answer, and everybody who is here
    /// is told. Null: they were told nothing.
    /// </param>
    public ValueTask<long?> SubscribeAsync(string roomId, long epoch, IRoomSink sink, long? afterRev, CancellationToken cancellation) =>
        WhenOpenAsync(
            roomId,
            epoch,
            room =>
            {
                if (!room.Sinks.Contains(sink))
                {
                    room.Sinks.Add(sink);
                }

                if (afterRev is { } told)
                {
                    room.Recent.Replay(told, sink);
                    soft.TellAll(room);
                }

                return room.PublishedRev;
            },
            cancellation);

    /// <summary>
    /// Sees to it that the store knows this host and epoch, so that no host before can write the room any more, and that what was judged here before
    /// this call is committed or never will be. False where it cannot be opened here now, or not under this epoch.
    /// </summary>
    /// <exception cref="TimeoutException">It does not open, or what is in flight does not land, within <see cref="HoldMs"/>.</exception>
    public async ValueTask<bool> FenceAsync(string roomId, long epoch)
    {
        if (Enter(roomId, epoch) is not { } room)
        {
            return false;
        }

        Task landed;
        lock (room.Gate)
        {
            landed = room.Flight.LandedAsync();
        }

        await landed.WaitAsync(TimeSpan.FromMilliseconds(HoldMs), CancellationToken.None).ConfigureAwait(false);
        return room is { IsFenced: true, IsLeaving: false }
            || await WhenOpenAsync(roomId, epoch, static _ => 0, CancellationToken.None).ConfigureAwait(false) is not null;
    }

    /// <summary>Whether a room is in use here: open, being opened, or to be opened again.</summary>
    public bool Holds(string roomId) => rooms.ContainsKey(roomId);

    /// <summary>Does something under the lock of a room that is open, opening it first where that is needed. Null where it cannot be opened.</summary>
    private async ValueTask<long?> WhenOpenAsync(string roomId, long epoch, Func<HostedRoom, long> work, CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            if (Enter(roomId, epoch) is not { } room)
            {
                return null;
            }

            Task<bool> opened;
            lock (room.Gate)
            {
                if (room.Phase == RoomPhase.Gone || room.IsLeaving || room.Epoch != epoch)
                {
                    continue;
                }

                room.UsedAt = Environment.TickCount64;
                if (room.Phase == RoomPhase.Open)
                {
                    return work(room);
                }

                Schedule(room);
                opened = room.Opened!.Task;
            }

            if (!await opened.WaitAsync(TimeSpan.FromMilliseconds(HoldMs), cancellation).ConfigureAwait(false))
            {
                return null;
            }
        }

        return null;
    }

    public void Unsubscribe(string roomId, IRoomSink sink)
    {
        if (rooms.TryGetValue(roomId, out var room))
        {
            lock (room.Gate)
            {
                room.Sinks.Remove(sink);
            }

            soft.Leave(room, sink);
        }
    }

    /// <summary>How many gateways are subscribed at a room.</summary>
    public int CountGateways(string roomId)
    {
        if (!rooms.TryGetValue(roomId, out var room))
        {
            return 0;
        }

        lock (room.Gate)
        {
            return room.Sinks.Count;
        }
    }

    /// <summary>The changes after a revision up to the one at which the caller subscribed, from the ring where it reaches back so far.</summary>
    public ResumePage? TryResume(string roomId, long afterRev, long throughRev, int limit)
    {
        if (!rooms.TryGetValue(roomId, out var room))
        {
            return null;
        }

        lock (room.Gate)
        {
            return room.Phase == RoomPhase.Open ? room.Ring.TryRead(afterRev, throughRev, limit) : null;
        }
    }
}
