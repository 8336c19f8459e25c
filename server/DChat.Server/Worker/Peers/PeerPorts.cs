using System.Collections.Concurrent;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;

namespace DChat.Server.Worker.Peers;

/// <summary>The links of this gateway to the hosts of the cluster: one to each, made before it is needed, so that no room waits for it when it moves.</summary>
internal sealed class PeerPorts(NodeDialer dialer, RegistryReplica replica, MissedEntries missed, WorkerIdentity identity, TimeProvider time, ILogger<PeerPort> log) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<PeerPort>> _ports = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<PeerPort, Task> _ending = new();

    /// <summary>A host came to be reachable, or is not any more.</summary>
    public event Action<IHostPort>? Changed;

    /// <summary>Workers that host, or whose rooms are needed here, and to which there is no link.</summary>
    public IReadOnlyList<string> Unreachable => [.. _ports.Where(static port => port.Value is { IsValueCreated: true, Value.IsUp: false }).Select(static port => port.Key)];

    /// <summary>There are other workers, and none of them can be reached.</summary>
    public bool ReachesNobody => !_ports.IsEmpty && _ports.Values.All(static port => port is not { IsValueCreated: true, Value.IsUp: true });

    /// <summary>Whether any worker that this one has a link to hears a coordinator.</summary>
    public async Task<bool> HearsCoordinatorAsync()
    {
        var asked = _ports.Values.Where(static port => port is { IsValueCreated: true, Value.IsUp: true }).Select(static port => port.Value.HearsCoordinatorAsync().AsTask());
        return (await Task.WhenAll(asked).ConfigureAwait(false)).Contains(true);
    }

    /// <summary>The way to a worker, made at the first need; null where it is gone from the registry, or is this one.</summary>
    public PeerPort? Find(string worker)
    {
        if (worker == identity.Id || replica.State.FindWorker(worker) is null or { State: WorkerState.Gone })
        {
            return null;
        }

        return _ports.GetOrAdd(worker, static (worker, self) => new Lazy<PeerPort>(() => self.Make(worker)), this).Value;
    }

    /// <summary>Makes links to those that host, and ends those to workers that the registry says are gone.</summary>
    public void Refresh()
    {
        foreach (var worker in replica.State.Workers())
        {
            if (worker is { Capacity: > 0, State: WorkerState.Active })
            {
                _ = Find(worker.Id);
            }
        }

        foreach (var (worker, port) in _ports)
        {
            if (replica.State.FindWorker(worker) is null or { State: WorkerState.Gone } && _ports.TryRemove(KeyValuePair.Create(worker, port)))
            {
                End(port.Value);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, port) in _ports)
        {
            End(port.Value);
        }

        _ports.Clear();
        await Task.WhenAll(_ending.Values).ConfigureAwait(false);
    }

    private PeerPort Make(string worker) => new(worker, dialer, replica, missed, time, port => Changed?.Invoke(port), log);

    private void End(PeerPort port)
    {
        var ended = _ending[port] = port.DisposeAsync().AsTask();
        _ = ended.ContinueWith(_ => _ending.TryRemove(port, out Task? _), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }
}
