namespace DChat.Core.Placement;

/// <summary>How the host of a new room is chosen.</summary>
public enum PlacementPolicy : byte
{
    /// <summary>The fewest expected deliveries a second, then connections, then rooms, relative to capacity.</summary>
    LeastLoaded = 0,

    /// <summary>One after the other.</summary>
    RoundRobin = 1,

    /// <summary>The worker on which the room was made; least-loaded where that one hosts nothing.</summary>
    Creator = 2,
}

/// <summary>What a worker that may be given rooms carries now.</summary>
/// <param name="Capacity">Relative to the others; at least 1.</param>
/// <param name="DeliveriesPerSecond">Expected, of the rooms assigned to it.</param>
public sealed record WorkerLoad(string Worker, int Capacity, double DeliveriesPerSecond, int Connections, int Rooms)
{
    /// <summary>What its rooms are expected to cost, quiet ones included, in deliveries a second.</summary>
    public double Expected => DeliveriesPerSecond + (Rooms * RoomLoad.Quiet);
}

/// <summary>Chooses hosts; pure.</summary>
public static class RoomPlacement
{
    /// <summary>The host of a new room, or null where there is no candidate. The order of the candidates does not matter.</summary>
    /// <param name="candidates">The active workers.</param>
    /// <param name="creatorWorker">The worker on which the room is made; empty: none.</param>
    /// <param name="turn">How many rooms were placed before; for <see cref="PlacementPolicy.RoundRobin"/>.</param>
    public static string? Choose(PlacementPolicy policy, IReadOnlyCollection<WorkerLoad> candidates, string creatorWorker, long turn)
    {
        if (candidates.Count == 0)
        {
            return null;
        }

        return policy switch
        {
            PlacementPolicy.LeastLoaded => LeastLoaded(candidates),
            PlacementPolicy.RoundRobin => candidates.OrderBy(load => load.Worker, StringComparer.Ordinal).ElementAt((int)(turn % candidates.Count)).Worker,
            PlacementPolicy.Creator => candidates.Any(load => load.Worker == creatorWorker) ? creatorWorker : LeastLoaded(candidates),
            _ => throw new ArgumentOutOfRangeException(nameof(policy), policy, "unknown placement policy"),
        };
    }

    private static string LeastLoaded(IReadOnlyCollection<WorkerLoad> candidates) =>
        candidates
            .OrderBy(load => load.Expected / load.Capacity)
            .ThenBy(load => (double)load.Connections / load.Capacity)
            .ThenBy(load => (double)load.Rooms / load.Capacity)
            .ThenBy(load => load.Worker, StringComparer.Ordinal)
            .First().Worker;
}
