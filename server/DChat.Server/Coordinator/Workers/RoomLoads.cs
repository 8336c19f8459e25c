using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Workers;

/// <summary>What the busy rooms cost, by the workers' latest reports. A room that is in no report is quiet.</summary>
internal sealed class RoomLoads
{
    private Dictionary<string, double> _loads = new(StringComparer.Ordinal);

    public void Take(IEnumerable<WorkerReport> reports)
    {
        var loads = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var room in reports.SelectMany(report => report.Busiest))
        {
            loads[room.Room] = Math.Max(loads.GetValueOrDefault(room.Room), room.DeliveriesPerSecond);
        }

        _loads = loads;
    }

    public double Of(string room) => _loads.GetValueOrDefault(room);

    /// <summary>What the busy rooms of a worker cost together, by where rooms are assigned now: a room that just moved counts at its new host.</summary>
    public double On(RegistryState state, string worker) =>
        _loads.Where(load => state.FindRoom(load.Key)?.AssignedTo == worker).Sum(load => load.Value);
}
