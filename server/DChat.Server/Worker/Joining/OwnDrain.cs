using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;

namespace DChat.Server.Worker.Joining;

/// <summary>
/// Whether an administrator, or this process itself, had it drained. The registry forgets that where the process is taken for gone; but who was
/// told to go goes, for no incarnation is ever told to stay after all.
/// </summary>
internal sealed class OwnDrain : IRegistryObserver, IDisposable
{
    private readonly NodeSelf _self;
    private readonly IDisposable _observing;
    private volatile bool _isAsked;

    public OwnDrain(RegistryReplica replica, NodeSelf self)
    {
        _self = self;
        _observing = replica.Subscribe(this, out var current);
        See(current);
    }

    public bool IsAsked => _isAsked;

    public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
    {
        foreach (var record in entry.Records)
        {
            foreach (var change in record.Events)
            {
                if (change is WorkerStateChanged { State: WorkerState.Draining } draining && draining.Worker == _self.Node)
                {
                    _isAsked |= IsSelf(before); // Whatever comes of it in the same entry: it may be gone by its end.
                    See(after);
                }
            }
        }
    }

    public void Replaced(RegistryState before, RegistryState after) => See(after);

    public void Dispose() => _observing.Dispose();

    private void See(RegistryState state) =>
        _isAsked |= IsSelf(state) && state.FindWorker(_self.Node)!.State == WorkerState.Draining;

    /// <summary>Not a process before this one.</summary>
    private bool IsSelf(RegistryState state) => state.FindWorker(_self.Node)?.Incarnation == _self.Incarnation;
}
