using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Workers;

/// <summary>
/// What the busy rooms cost, by the workers' latest reports. A room that is in no report is quiet, unless it moved lately: its new host's
/// average begins at nothing, and by that alone ever more rooms would be moved there, and back again.
/// </summary>
/// <param name="rest">For so long after it moved a room counts at least what it cost before.</param>
/// <remarks>What a worker's rooms cost together is asked for every worker whenever a room is made, so it is kept and not summed up then.</remarks>
internal sealed class RoomLoads(TimeProvider time, TimeSpan rest)
{
    private readonly Lock _summing = new();

    /// <summary>Never changed in place. No more than the rooms of the latest reports, and of reports before them those that moved within the rest.</summary>
    private IReadOnlyDictionary<string, Known> _rooms = new Dictionary<string, Known>();
    private Sums _sums = new();

    /// <summary>Rooms that were assigned, or deleted (null), while reports are taken.</summary>
    private List<(string Room, string? Host)>? _meanwhile;

    /// <summary>Nothing is known any more.</summary>
    public void Forget()
    {
        lock (_summing)
        {
            Volatile.Write(ref _rooms, new Dictionary<string, Known>());
            _sums = new Sums();
            _meanwhile = null;
        }
    }

    /// <summary>One caller at a time; what is assigned meanwhile is told by another.</summary>
    /// <param name="read">The state now.</param>
    /// <param name="reports">The latest of each worker that has rooms, of that state.</param>
    public void Take(Func<RegistryState> read, Func<RegistryState, IEnumerable<(string Worker, WorkerReport Report)>> reports)
    {
        lock (_summing)
        {
            _meanwhile = []; // Before the state is read: what it does not hold yet comes here.
        }

        var state = read();
        var (rooms, sums) = Know(state, reports(state));
        lock (_summing)
        {
            foreach (var (room, host) in _meanwhile ?? [])
            {
                sums.Move(room, host);
            }

            _meanwhile = null;
            _sums = sums;
            Volatile.Write(ref _rooms, rooms);
        }
    }

    /// <summary>A room was assigned, or deleted: a room that just moved counts at its new host.</summary>
    /// <param name="host">Null: there is no such room any more.</param>
    public void Moved(string room, string? host)
    {
        lock (_summing)
        {
            _meanwhile?.Add((room, host));
            _sums.Move(room, host);
        }
    }

    public double Of(string room) => Volatile.Read(ref _rooms).TryGetValue(room, out var known) ? known.Load : 0;

    /// <summary>What the busy rooms of a worker cost together, by where rooms are assigned now.</summary>
    public double On(string worker)
    {
        lock (_summing)
        {
            return _sums.Of(worker);
        }
    }

    private (Dictionary<string, Known> Rooms, Sums Sums) Know(RegistryState state, IEnumerable<(string Worker, WorkerReport Report)> reports)
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
        var sums = new Sums();
        foreach (var room in _rooms.Keys.Union(reported.Keys, StringComparer.Ordinal))
        {
            if (state.FindRoom(room) is { } found)
            {
                var now = Next(_rooms.TryGetValue(room, out var before) ? before : reported[room], reported.GetValueOrDefault(room).Load, found.AssignedTo);
                if (now.Load > 0)
                {
                    rooms.Add(room, now);
                    sums.Add(room, now.Load, found.AssignedTo);
                }
            }
        }

        return (rooms, sums);
    }

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

    /// <summary>Busy rooms by host.</summary>
    private sealed class Sums
    {
        private readonly Dictionary<string, (double Load, string Host)> _rooms = new(StringComparer.Ordinal);
        private readonly Dictionary<string, double> _hosts = new(StringComparer.Ordinal);

        public double Of(string host) => Math.Max(0, _hosts.GetValueOrDefault(host)); // What was added and taken away again may differ in the last digit.

        public void Add(string room, double load, string host)
        {
            _rooms.Add(room, (load, host));
            _hosts[host] = _hosts.GetValueOrDefault(host) + load;
        }

        public void Move(string room, string? host)
        {
            if (_rooms.Remove(room, out var known))
            {
                _hosts[known.Host] -= known.Load;
                if (host is not null)
                {
                    Add(room, known.Load, host);
                }
            }
        }
    }
}
