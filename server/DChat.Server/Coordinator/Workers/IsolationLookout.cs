using System.Collections.Frozen;
using DChat.Core.Placement;
using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Workers;

using Worker = DChat.Core.Registry.Worker;

/// <summary>Finds workers that others cannot reach, for a leader: what <see cref="Isolation"/> makes of the reports, for how long it is borne, and in words.</summary>
internal sealed partial class IsolationLookout(RegistryReplica replica, WorkerWatch watch, TimeProvider time, ILogger log)
{
    /// <summary>A worker that most others cannot reach keeps its rooms for so long: its links may be back at once, and a report tells of each that is.</summary>
    private static readonly TimeSpan FromMostBorne = TimeSpan.FromSeconds(1);

    /// <summary>
    /// One of two that cannot reach each other keeps them for longer than links take to be back when the network is (up to about 4.5 s): after a
    /// moment in which nobody reached anybody all would be moved for nothing.
    /// </summary>
    private static readonly TimeSpan PairBorne = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, long> _since = new(StringComparer.Ordinal);
    private IReadOnlySet<string> _isolated = FrozenSet<string>.Empty;
    private IReadOnlySet<string> _suspected = FrozenSet<string>.Empty;

    /// <summary>It has been isolated for longer than is borne. To be called by any thread.</summary>
    public bool IsIsolated(string worker) => Volatile.Read(ref _isolated).Contains(worker);

    /// <summary>It is isolated, borne or not: it is better given no more rooms, as just after an election, when nothing is known of how long it has been so. To be called by any thread.</summary>
    public bool IsSuspected(string worker) => Volatile.Read(ref _suspected).Contains(worker);

    /// <param name="isHeard">Of one that is not it is not known whether it lives: whoever cannot reach it is none the worse for that.</param>
    /// <param name="stores">One that alone cannot use the message store keeps no rooms that others would have to reach.</param>
    public void Look(Func<Worker, bool> isHeard, StoreLookout stores)
    {
        var active = replica.State.Workers().Where(worker => worker.State == WorkerState.Active && isHeard(worker) && stores.BetterOffThan(worker.Id) is null).ToList();
        var cuts = active.SelectMany(from => watch.Find(from.Id)?.Report?.Unreachable.Select(to => (from.Id, to)) ?? []).ToList();
        if (cuts.Count == 0 && _since.Count == 0)
        {
            return;
        }

        var fromMost = Isolation.FromMost(active.ConvertAll(worker => worker.Id), cuts);
        var others = active.Where(worker => !fromMost.Contains(worker.Id)).Select(worker => new LinkedWorker(worker.Id, worker.Capacity, worker.RoomCount, watch.Find(worker.Id)?.Report?.Connections ?? 0)).ToList();
        var ofPairs = Isolation.OfPairs(others, cuts, _since.Keys.ToHashSet(StringComparer.Ordinal));
        foreach (var worker in _since.Keys.Where(worker => !fromMost.Contains(worker) && !ofPairs.Contains(worker)).ToList())
        {
            _since.Remove(worker);
        }

        foreach (var worker in fromMost.Concat(ofPairs))
        {
            _since.TryAdd(worker, time.GetTimestamp());
        }

        var isolated = _since.Where(worker => _isolated.Contains(worker.Key) || time.GetElapsedTime(worker.Value) > (fromMost.Contains(worker.Key) ? FromMostBorne : PairBorne))
            .Select(worker => worker.Key).ToFrozenSet(StringComparer.Ordinal);
        Tell(active, isolated, cuts);
        Volatile.Write(ref _isolated, isolated);
        Volatile.Write(ref _suspected, _since.Keys.ToFrozenSet(StringComparer.Ordinal));
    }

    /// <summary>Each change once.</summary>
    private void Tell(List<Worker> active, FrozenSet<string> isolated, List<(string From, string To)> cuts)
    {
        foreach (var worker in active.Where(worker => isolated.Contains(worker.Id) && !_isolated.Contains(worker.Id)))
        {
            var others = cuts.Where(cut => cut.From == worker.Id).Select(cut => cut.To).Union(cuts.Where(cut => cut.To == worker.Id).Select(cut => cut.From));
            Isolated(log, worker.Id, string.Join(", ", others), worker.RoomCount);
        }

        foreach (var worker in active.Where(worker => !isolated.Contains(worker.Id) && _isolated.Contains(worker.Id)))
        {
            Reached(log, worker.Id);
        }
    }

    [LoggerMessage(2084, LogLevel.Warning, "worker {Worker} and {Others} cannot reach each other: its {Rooms} rooms go to workers that others reach")]
    private static partial void Isolated(ILogger log, string worker, string others, int rooms);

    [LoggerMessage(2085, LogLevel.Information, "worker {Worker} and the others reach each other again: it may have rooms")]
    private static partial void Reached(ILogger log, string worker);
}
