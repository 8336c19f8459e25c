using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Workers;

/// <summary>
/// What the busy rooms cost, by the workers' latest reports. A room that is in no report is quiet, unless it moved lately: its new host's
/// average begins at nothing, and by that alone ever more rooms would be moved there, and back again.
/// </summary>
/// <param name="rest">For so long after it moved a room counts at least what it cost before.</param>
internal sealed class RoomLoads(TimeProvider time, TimeSpan rest)
{
    /// <summary>Never changed in place. No more than the rooms of the latest reports, and of reports before them those that moved within the rest.</summary>
    private IReadOnlyDictionary<string, Known> _rooms = new Dictionary<string, Known>();

    /// <summary>Nothing is known any more.</summary>
    public void Forget() => Volatile.Write(ref _rooms, new Dictionary<string, Known>());

    /// <param name="reports">The latest of each worker that has rooms.</param>
    public void Take(RegistryState state, IEnumerable<(string Worker, WorkerReport Report)> reports)
    {
        var reported = new Dictionary<string, Known>(StringComparer.Ordinal);
        foreach (var (worker, report) in reports)
        {
            foreach (var room in report.Busiest)
            {
                if (!reported.TryGetValue(room.Room, out var other) || other.Load < room.DeliveriesPerSecond)
                {
                    reported[room.Room] = new Known(room.DeliveriesPerSecond, worker, 0, null);
                }
            }
        }

        var rooms = new Dictionary<string, Known>(StringComparer.Ordinal);
        foreach (var room in _rooms.Keys.Union(reported.Keys, StringComparer.Ordinal))
        {
            if (state.FindRoom(room) is { } found)
            {
                var now = Next(_rooms.TryGetValue(room, out var before) ? before : reported[room], reported.GetValueOrDefault(room).Load, found.AssignedTo);
                if (now.Load > 0)
                {
                    rooms.Add(room, now);
                }
            }
        }

        Volatile.Write(ref _rooms, rooms);
    }

    public double Of(string room) => Volatile.Read(ref _rooms).TryGetValue(room, out var known) ? known.Load : 0;

    /// <summary>What the busy rooms of a worker cost together, by where rooms are assigned now: a room that just moved counts at its new host.</summary>
    public double On(RegistryState state, string worker) =>
        Volatile.Read(ref _rooms).Where(room => state.FindRoom(room.Key)?.AssignedTo == worker).Sum(room => room.Value.Load);

    private Known Next(Known before, double reported, string host)
    {
        var (least, movedAt) = before.Host == host ? (before.Least, before.MovedAt) : (before.Load, time.GetTimestamp());
        return movedAt is { } at && time.GetElapsedTime(at) < rest
            ? new Known(Math.Max(least, reported), host, least, at)
            : new Known(reported, host, 0, null);
    }

    /// <param name="Host">To which it was assigned; of a room that was not known yet: who reported it.</param>
    /// <param name="Least">What it cost before it moved, if that was lately.</param>
    private readonly record struct Known(double Load, string Host, double Least, long? MovedAt);
}
