using System.Collections.Frozen;
using DChat.Core.Placement;
using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Workers;

using Worker = DChat.Core.Registry.Worker;

/// <summary>Finds workers that alone cannot use the message store, for a leader: what <see cref="StoreTrouble"/> makes of the reports, in words.</summary>
internal sealed partial class StoreLookout(RegistryReplica replica, WorkerWatch watch, ILogger log)
{
    private static readonly StoreTroubleOptions Options = new(
        Apart: WorkerReports.Interval,
        Lasting: WorkerReports.StoreCheckLimit - TimeSpan.FromMilliseconds(250), // A store that is silent is told of when the first check is over: that is enough.
        Recovery: WorkerReports.StoreCheckLimit + WorkerReports.Interval);

    private IReadOnlyDictionary<string, IReadOnlySet<string>> _alone = FrozenDictionary<string, IReadOnlySet<string>>.Empty;
    private bool _isAway;

    /// <summary>Some cannot use their store, and it is not known whether others can.</summary>
    public bool IsUndecided { get; private set; }

    /// <summary>Who can use the store, of those that were so while a worker could not; null: nothing says that its trouble is its own. To be called by any thread.</summary>
    public IReadOnlySet<string>? BetterOffThan(string worker) => Volatile.Read(ref _alone).GetValueOrDefault(worker);

    public void Look()
    {
        var hosts = replica.State.Workers().Where(worker => worker is { State: WorkerState.Active or WorkerState.Draining, Capacity: > 0 }).ToList();
        var stores = new List<(string Worker, StoreHealth Store)>(hosts.Count);
        foreach (var host in hosts)
        {
            if (watch.Find(host.Id) is { Store: { } store } sight && sight.Peer.Incarnation == host.Incarnation)
            {
                stores.Add((host.Id, store));
            }
        }

        var alone = StoreTrouble.Of(stores, Options);
        var ill = stores.Count(worker => !worker.Store.IsWell);
        Tell(hosts, alone, ill, stores.Count);
        IsUndecided = ill > alone.Count;
        Volatile.Write(ref _alone, alone);
    }

    /// <summary>Each change once.</summary>
    private void Tell(List<Worker> hosts, IReadOnlyDictionary<string, IReadOnlySet<string>> alone, int ill, int all)
    {
        foreach (var worker in hosts.Where(host => alone.ContainsKey(host.Id) && !_alone.ContainsKey(host.Id)))
        {
            Alone(log, worker.Id, alone[worker.Id].Count, worker.RoomCount, watch.Find(worker.Id)?.Report?.StoreError ?? "");
        }

        var isAway = all > 1 && ill == all;
        if (isAway != _isAway)
        {
            _isAway = isAway;
            if (isAway)
            {
                Away(log, all);
            }
            else
            {
                Back(log);
            }
        }
    }

    [LoggerMessage(2079, LogLevel.Warning, "worker {Worker} cannot use the message store, and {Others} others can: its {Rooms} rooms go to them: {Why}")]
    private static partial void Alone(ILogger log, string worker, int others, int rooms, string why);

    [LoggerMessage(2081, LogLevel.Warning, "none of {Workers} workers can use the message store: rooms stay where they are")]
    private static partial void Away(ILogger log, int workers);

    [LoggerMessage(2082, LogLevel.Information, "workers can use the message store again")]
    private static partial void Back(ILogger log);
}
