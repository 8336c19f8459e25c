namespace DChat.Core.Placement;

/// <summary>When rooms move though nobody died.</summary>
/// <param name="Hysteresis">A worker gives rooms away only when its load is above the average by this part of it; more than 0. Default: 0.2.</param>
/// <param name="LeastGain">And by at least so much, in deliveries a second; more than 0. Default: 1, which is ten quiet rooms.</param>
/// <param name="MovesMax">Rooms that may move at one time; 0: none do. Default: 50.</param>
public sealed record RebalancingOptions(double Hysteresis = 0.2, double LeastGain = 1, int MovesMax = 50);

/// <summary>
/// Evens the loads of workers out, few rooms at a time; pure. A room moves only where that makes the busier of the two workers less
/// busy than it was, so rooms do not wander; of a hot room and many others it is the one that evens most that moves.
/// </summary>
public static class Rebalancing
{
    /// <summary>The moves to make now; none where the loads are even enough.</summary>
    /// <param name="workers">The active workers that host.</param>
    /// <param name="roomsOf">The rooms of a worker that may move; those that moved lately left out. Asked at most once a worker.</param>
    public static IReadOnlyList<RoomMove> Plan(IReadOnlyCollection<WorkerLoad> workers, Func<string, IEnumerable<RoomLoad>> roomsOf, RebalancingOptions options)
    {
        var moves = new List<RoomMove>();
        var scales = workers.Select(worker => new Scale(worker)).ToList();
        if (scales.Count < 2)
        {
            return moves;
        }

        var average = scales.Sum(scale => scale.Load) / scales.Sum(scale => scale.Capacity);
        while (moves.Count < options.MovesMax)
        {
            var to = scales.MinBy(scale => (scale.Relative, scale.Worker))!;
            var (from, best) = Source(to);
            if (from is null)
            {
                break;
            }

            var room = from.Rooms![best];
            from.Rooms.RemoveAt(best);
            from.Load -= room.Expected;
            to.Load += room.Expected;
            moves.Add(new RoomMove(room.Room, to.Worker));
        }

        return moves;

        // The busiest of those above the average that has a room to give: one hot room that helps nobody does not keep the others' rooms where they are.
        (Scale? From, int Best) Source(Scale to)
        {
            foreach (var from in scales.Where(IsTooBusy).OrderByDescending(scale => (scale.Relative, scale.Worker)))
            {
                from.Rooms ??= [.. roomsOf(from.Worker).OrderBy(room => room.Expected).ThenBy(room => room.Room, StringComparer.Ordinal)];
                if (Best(from, to) is >= 0 and var best)
                {
                    return (from, best);
                }
            }

            return (null, -1);
        }

        bool IsTooBusy(Scale scale) => scale.Relative > average * (1 + options.Hysteresis) && scale.Load - (average * scale.Capacity) >= options.LeastGain;
    }

    /// <summary>The room whose move leaves the busier of the two the least busy; -1 where none makes it less busy than it is.</summary>
    private static int Best(Scale from, Scale to)
    {
        var best = -1;
        var least = from.Relative;
        for (var i = 0; i < from.Rooms!.Count; i++)
        {
            var moved = from.Rooms[i].Expected;
            var left = Math.Max((from.Load - moved) / from.Capacity, (to.Load + moved) / to.Capacity);
            if (left < least)
            {
                (best, least) = (i, left);
            }
        }

        return best;
    }

    private sealed class Scale(WorkerLoad worker)
    {
        public string Worker { get; } = worker.Worker;

        public double Capacity { get; } = worker.Capacity;

        public double Load { get; set; } = worker.Expected;

        public double Relative => Load / Capacity;

        /// <summary>Least busy first; read at the first need.</summary>
        public List<RoomLoad>? Rooms { get; set; }
    }
}
