namespace DChat.Core.Placement;

/// <summary>Spreads the rooms of a worker that is gone, or goes, over the others; pure.</summary>
public static class RoomSpread
{
    /// <summary>
    /// A host for each room, the busiest first, each on the worker that is then the least loaded relative to its capacity (longest
    /// processing time first: Graham, 1969). With <see cref="PlacementPolicy.RoundRobin"/>: one after the other.
    /// </summary>
    /// <param name="candidates">The active workers; their loads as they are now. None: no room gets a host.</param>
    public static IReadOnlyList<RoomMove> Over(PlacementPolicy policy, IEnumerable<RoomLoad> rooms, IReadOnlyCollection<WorkerLoad> candidates)
    {
        if (candidates.Count == 0)
        {
            return [];
        }

        var moves = new List<RoomMove>();
        var ordered = rooms.OrderByDescending(room => room.Expected).ThenBy(room => room.Room, StringComparer.Ordinal);
        if (policy == PlacementPolicy.RoundRobin)
        {
            var turns = candidates.Select(load => load.Worker).Order(StringComparer.Ordinal).ToArray();
            moves.AddRange(ordered.Select((room, turn) => new RoomMove(room.Room, turns[turn % turns.Length])));
            return moves;
        }

        var queue = new PriorityQueue<(WorkerLoad Worker, double Load), (double Relative, string Worker)>();
        foreach (var candidate in candidates)
        {
            queue.Enqueue((candidate, candidate.Expected), (candidate.Expected / candidate.Capacity, candidate.Worker));
        }

        foreach (var room in ordered)
        {
            var (worker, load) = queue.Dequeue();
            moves.Add(new RoomMove(room.Room, worker.Worker));
            load += room.Expected;
            queue.Enqueue((worker, load), (load / worker.Capacity, worker.Worker));
        }

        return moves;
    }
}
