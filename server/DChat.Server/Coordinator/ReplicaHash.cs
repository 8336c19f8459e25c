using DChat.Core.Registry;

namespace DChat.Server.Coordinator;

/// <summary>
/// Which registry this node holds: two nodes that are at the same entry agree exactly where the hashes are equal. Computed from a state that
/// stays as it is, on a thread of its own: nobody waits for it but who asks, and who asks while it is computed is answered the same.
/// </summary>
internal sealed class ReplicaHash(RegistryReplica replica)
{
    private readonly Lock _gate = new();
    private Task<Mark> _latest = Task.FromResult(new Mark(-1, []));

    /// <param name="Index">The last entry that the state holds.</param>
    /// <param name="Hash"><see cref="RegistrySnapshot.StateHash"/> of it.</param>
    public sealed record Mark(long Index, byte[] Hash);

    /// <summary>Of a state that this node holds, or held a moment ago.</summary>
    public Task<Mark> TakeAsync()
    {
        lock (_gate)
        {
            if (_latest.IsCompleted && (!_latest.IsCompletedSuccessfully || _latest.Result.Index != replica.State.Index))
            {
                var state = replica.State;
                _latest = OwnThread.RunAsync(() => new Mark(state.Index, RegistrySnapshot.StateHash(state)));
            }

            return _latest;
        }
    }
}
