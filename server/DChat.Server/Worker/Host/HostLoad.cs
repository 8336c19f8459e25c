using System.Collections.Concurrent;
using DChat.Server.Coordinator.Workers;

namespace DChat.Server.Worker.Host;

/// <summary>What the rooms hosted here cost, in deliveries a second (events times users online), and whose activity changed.</summary>
internal sealed class HostLoad
{
    /// <summary>How often loads are averaged anew.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>What a second that passes leaves of the average: about ten seconds count.</summary>
    internal const double Keep = 0.9;

    /// <summary>A room that costs less, in deliveries a second, is not averaged any more.</summary>
    private const double Least = 0.01;

    private readonly ConcurrentDictionary<HostedRoom, byte> busy = new();
    private readonly ConcurrentDictionary<HostedRoom, byte> changed = new();
    private double total;

    /// <summary>Deliveries a second of all rooms, over the last seconds.</summary>
    public double DeliveriesPerSecond => Volatile.Read(ref total);

    /// <summary>The busiest rooms, busiest first.</summary>
    public IReadOnlyList<RoomLoadReport> BusiestRooms(int max) =>
    [
        .. busy.Keys.Where(static room => room.Phase != RoomPhase.Gone && room.DeliveriesPerSecond > 0)
            .Select(static room => new RoomLoadReport(room.Id, room.DeliveriesPerSecond))
            .OrderByDescending(static room => room.DeliveriesPerSecond)
            .Take(max),
    ];

    /// <summary>The activity of rooms where it changed since it was taken last.</summary>
    public IReadOnlyList<RoomActivity> TakeChanges(int max)
    {
        var taken = new List<RoomActivity>();
        foreach (var room in changed.Keys)
        {
            if (taken.Count == max)
            {
                break;
            }

            changed.TryRemove(room, out _);
            lock (room.Gate)
            {
                if (room.Phase != RoomPhase.Gone)
                {
                    taken.Add(new RoomActivity(room.Id, room.Presence.Online, room.LastSentAt));
                }
            }
        }

        return taken;
    }

    /// <summary>Events of a room were told. Under its lock.</summary>
    public void Published(HostedRoom room, int events)
    {
        room.Deliveries += (long)events * room.Presence.Online;
        if (!room.IsBusy)
        {
            room.IsBusy = true;
            busy.TryAdd(room, 0);
            Changed(room);
        }
    }

    /// <summary>Who is online in a room changed.</summary>
    public void Changed(HostedRoom room) => changed.TryAdd(room, 0);

    /// <summary>A room is not hosted here any more.</summary>
    public void Forget(HostedRoom room) => changed.TryRemove(room, out _);

    public async Task RunAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
            {
                Average();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private void Average()
    {
        var sum = 0.0;
        foreach (var room in busy.Keys)
        {
            lock (room.Gate)
            {
                if (room.Deliveries > 0)
                {
                    Changed(room);
                }

                room.DeliveriesPerSecond = (room.DeliveriesPerSecond * Keep) + (room.Deliveries * (1 - Keep));
                room.Deliveries = 0;
                if (room.Phase == RoomPhase.Gone || room.DeliveriesPerSecond < Least)
                {
                    room.DeliveriesPerSecond = 0;
                    room.IsBusy = false;
                    busy.TryRemove(room, out _);
                }

                sum += room.DeliveriesPerSecond;
            }
        }

        Volatile.Write(ref total, sum);
    }
}
