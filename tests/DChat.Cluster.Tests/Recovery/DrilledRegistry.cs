using DChat.Cluster.Tests.Registry;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Nodes;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Recovery;

/// <summary>The registry of a drill as its nodes say that they hold it, and as the test makes it for itself from snapshots and log.</summary>
internal sealed class DrilledRegistry(string blobs, string secretFile)
{
    private readonly ClusterSecret _secret = ClusterSecret.LoadOrCreate(secretFile, mayCreate: false);

    public static (long Index, string Hash) MarkOf(RegistryState state) => (state.Index, Convert.ToHexString(RegistrySnapshot.StateHash(state)));

    /// <summary>Waits until all nodes say that they hold one registry, and it is of the last entry of the log.</summary>
    public async Task<(long Index, string Hash)> AgreedAsync(DrilledCluster cluster)
    {
        using var dialer = new NodeDialer(new NodeHandshake(_secret), new NodeSelf("drill", "1", "drill:1", "0"), null, TimeProvider.System);
        await using var log = cluster.OpenLog();
        (long Index, string Hash)? agreed = null;
        await Eventually.Holds(async () =>
        {
            var told = await Task.WhenAll(cluster.Coordinators.Concat(cluster.Workers).Select(node => NodeHash.AskAsync(dialer, node.Node.Authority)));
            agreed = told[0];
            return agreed is { } mark && told.All(each => each == mark) && mark.Index == (await log.ReadBoundsAsync(default)).Last;
        });
        return agreed!.Value;
    }

    /// <summary>Waits until a snapshot holds all of the log.</summary>
    /// <returns>The registry then, as the snapshot before that one and the log make it: that one has no part in it.</returns>
    public async Task<RegistryState> SnapshotOfAllAsync(DrilledCluster cluster)
    {
        await using var store = SwiftServer.Open(blobs);
        var snapshots = new SnapshotStore(store, _secret, Path.GetTempPath());
        await using var log = cluster.OpenLog();
        await Eventually.Holds(async () => (await snapshots.ListAsync(default))[0].Name.Index == (await log.ReadBoundsAsync(default)).Last);
        var found = await snapshots.ListAsync(default);
        return await GoOnAsync(log, await snapshots.ReadAsync(found[1].Name, default), found[0].Name.Index);
    }

    /// <summary>What a restore makes of a registry by the domain's rules. From what the restore wrote are taken the numbers alone, which it chose.</summary>
    public async Task<RegistryState> RestoredAsync(RegistryState before)
    {
        await using var store = SwiftServer.Open(blobs);
        var snapshots = new SnapshotStore(store, _secret, Path.GetTempPath());
        var written = await snapshots.ReadAsync((await snapshots.ListAsync(default)).First(each => each.Name.IsRestored).Name, default);
        var line = written.AuditPage(null, RegistryBounds.AuditLines).First(line => line.Action == "restore");
        return RegistryMachine.Restore(before, new RegistryRestoration(written.Index, written.LastEpoch, written.Store, line.At, line.Text));
    }

    public async Task<RegistryState> GoOnAsync(DrilledCluster cluster, RegistryState from, long through)
    {
        await using var log = cluster.OpenLog();
        return await GoOnAsync(log, from, through);
    }

    /// <summary>The registry that the log makes of one up to an entry.</summary>
    private static async Task<RegistryState> GoOnAsync(IControlLogReader log, RegistryState from, long through)
    {
        var state = from;
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        await foreach (var entry in log.FollowAsync(from.Index + 1, limit.Token))
        {
            state = RegistryMachine.Apply(state, entry.Index, RegistryEntryCodec.Decode(entry.Payload.Span));
            if (entry.Index == through)
            {
                break;
            }
        }

        return state;
    }
}
