using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Storage.Files;
using DChat.Storage.Sqlite.ControlLog;

namespace DChat.Benchmarks.Bench.Registries;

/// <summary>A coordinator's data folder with a large registry: a snapshot and the entries after it, as a leader leaves them.</summary>
internal static class GeneratedRegistry
{
    public static async Task WriteAsync(RegistrySize size, string folder, Action<string> tell)
    {
        Directory.CreateDirectory(folder);
        var secret = ClusterSecret.LoadOrCreate(Path.Combine(folder, "cluster-secret"), mayCreate: true);
        var generator = new RegistryGenerator(size);
        await using var log = SqliteControlLog.Open(Path.Combine(folder, "control.db"));
        await using var leadership = await log.CampaignAsync("127.0.0.1:1", CancellationToken.None);
        await AppendAsync(log, leadership.Term, generator, generator.Entries());
        tell($"  {generator.State.AccountCount:N0} accounts, {generator.State.RoomCount:N0} rooms, {generator.State.MembershipCount:N0} memberships in {generator.State.Index:N0} entries");
        var snapshots = new SnapshotStore(FileBlobStore.OpenFolder(Path.Combine(folder, "blobs")), secret, folder);
        var name = await snapshots.WriteAsync(generator.State, leadership.Term, CancellationToken.None);
        await log.TruncateAsync(leadership.Term, name.Index, CancellationToken.None);
        await AppendAsync(log, leadership.Term, generator, generator.Tail());
        tell($"  a snapshot of {new FileInfo(Path.Combine(folder, "blobs", name.ToString())).Length / 1e6:0.0} MB, and {size.TailEntries:N0} entries after it");
    }

    private static async Task AppendAsync(SqliteControlLog log, long term, RegistryGenerator generator, IEnumerable<RegistryEntry> entries)
    {
        foreach (var entry in entries)
        {
            var outcome = await log.AppendAsync(term, generator.State.Index, RegistryEntryCodec.Encode(entry), CancellationToken.None);
            if (outcome != AppendOutcome.Committed)
            {
                throw new InvalidOperationException($"entry {generator.State.Index} was not appended: {outcome}");
            }
        }
    }
}
