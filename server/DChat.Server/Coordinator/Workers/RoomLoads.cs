using System.Collections.Concurrent;
using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Workers;

/// <summary>
/// What the busy rooms cost, by the workers' latest reports. A report names the busiest rooms only, and says what all of them cost together: what that
/// is more belongs to the others in equal parts. A room that moved lately counts what it cost before: its new host's
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

    /// <summary>Rooms that were in no report, and moved since one was taken. No more than are moved in that second.</summary>
    private Dictionary<string, Known> _strays = [];

    /// <summary>Rooms that were assigned, or deleted (null), while reports are taken.</summary>
    private List<(string Room, string? Host)>? _meanwhile;

    /// <summary>Nothing is known any more.</summary>
    public void Forget()
    {
        lock (_summing)
        {
            Volatile.Write(ref _rooms, new Dictionary<string, Known>());
            _sums = new Sums();
            _strays = [];
            _meanwhile = null;
        }
    }

    /// <summary>One caller at a time; what is assigned meanwhile is told by another.</summary>
    /// <param name="read">The state now.</param>
    /// <param name="reports">The latest of each worker that has rooms, of that state.</param>
    public void Take(Func<RegistryState> read, Func<RegistryState, IEnumerable<(string Worker, WorkerReport Report)>> reports)
    {
        Dictionary<string, Known> strays;
        lock (_summing)
        {
            _meanwhile = []; // Before the state is read: what it does not hold yet comes here.
            (strays, _strays) = (_strays, []);
        }

        var state = read();
        var (rooms, sums) = Know(state, reports(state), strays);
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
    /// <param name="from">To which it was assigned; empty: to none.</param>
    /// <param name="host">Null: there is no such room any more.</param>
    public void Moved(string room, string from, string? host)
    {
        lock (_summing)
        {
            _meanwhile?.Add((room, host));
            if (_sums.Move(room, host) || _sums.Give(from) is not (> 0 and var load) || host is null)
            {
                return;
            }

            _sums.Add(room, load, host);
            _strays[room] = new Known(load, host, load, time.GetTimestamp());
        }
    }

    /// <param name="host">To which it is assigned.</param>
    public double Of(string room, string host) => Volatile.Read(ref _rooms).TryGetValue(room, out var known) ? known.Load : Volatile.Read(ref _sums).Each(host);

    /// <summary>What the rooms of a worker cost together, by where rooms are assigned now.</summary>
    public double On(string worker)
    {
        lock (_summing)
        {
            return _sums.Of(worker);
        }
    }

    private (Dictionary<string, Known> Rooms, Sums Sums) Know(RegistryState state, IEnumerable<(string Worker, WorkerReport Report)> reports, Dictionary<string, Known> strays)
    {
        var reported = new Dictionary<string, Known>(StringComparer.Ordinal);
        var totals = new List<(string Worker, double Load)>();
        foreach (var (worker, report) in reports)
        {
            if (report.Busiest.Count == WorkerReports.BusiestMax)
            {
                totals.Add((worker, report.DeliveriesPerSecond));
            }

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
        foreach (var room in _rooms.Keys.Union(reported.Keys, StringComparer.Ordinal).Union(strays.Keys, StringComparer.Ordinal))
        {
            if (state.FindRoom(room) is { } found)
            {
                var before = strays.TryGetValue(room, out var stray) ? stray : _rooms.TryGetValue(room, out var known) ? known : reported[room];
                var now = Next(before, reported.GetValueOrDefault(room).Load, found.AssignedTo);
                if (now.Load > 0)
                {
                    rooms.Add(room, now);
                    sums.Add(room, now.Load, found.AssignedTo);
                }
            }
        }

        foreach (var (worker, load) in totals)
        {
            if (state.FindWorker(worker) is { } found)
            {
                sums.Rest(worker, load, found.RoomCount);
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

    /// <summary>Busy rooms by host, and what its other rooms cost together.</summary>
    private sealed class Sums
    {
        private readonly Dictionary<string, (double Load, string Host)> _rooms = new(StringComparer.Ordinal);
        private readonly Dictionary<string, (double Load, int Rooms)> _hosts = new(StringComparer.Ordinal);
        private readonly Dictionary<string, double> _rests = new(StringComparer.Ordinal);
        private readonly ConcurrentDictionary<string, double> _each = new(StringComparer.Ordinal);

        public double Of(string host) => Math.Max(0, _hosts.GetValueOrDefault(host).Load + _rests.GetValueOrDefault(host)); // What was added and taken away again may differ in the last digit.

        /// <summary>What each room costs that is not one of the busy ones. By any thread.</summary>
        public double Each(string host) => _each.GetValueOrDefault(host);

        public void Add(string room, double load, string host)
        {
            _rooms.Add(room, (load, host));
            var before = _hosts.GetValueOrDefault(host);
            _hosts[host] = (before.Load + load, before.Rooms + 1);
        }

        /// <summary>What all rooms of a host cost together, and how many it has: when all of its busy ones are added.</summary>
        public void Rest(string host, double load, int rooms)
        {
            var busy = _hosts.GetValueOrDefault(host);
            if (load > busy.Load && rooms > busy.Rooms)
            {
                _rests[host] = load - busy.Load;
                _each[host] = (load - busy.Load) / (rooms - busy.Rooms);
            }
        }

        /// <summary>A room that is not one of the busy ones leaves a host.</summary>
        /// <returns>What it cost.</returns>
        public double Give(string host)
        {
            var each = Math.Min(Each(host), _rests.GetValueOrDefault(host));
            if (each > 0)
            {
                _rests[host] -= each;
            }

            return each;
        }

        /// <returns>Whether it is one of the busy ones.</returns>
        public bool Move(string room, string? host)
        {
            if (!_rooms.Remove(room, out var known))
            {
                return false;
            }

            var before = _hosts[known.Host];
            _hosts[known.Host] = (before.Load - known.Load, before.Rooms - 1);
            if (host is not null)
            {
                Add(room, known.Load, host);
            }

            return true;
        }
    }
}
