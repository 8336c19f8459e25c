using System.Security.Cryptography;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Storage.Files;
using DChat.Storage.Memory;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A coordinator's registry beside a log that was put back as it was before, and perhaps written on.</summary>
public sealed class RegistryRecoveryTests : IDisposable
{
    private readonly MemoryControlCluster _before = new();
    private readonly MemoryControlCluster _putBack = new();
    private readonly RegistryReplica _replica = new(TimeProvider.System);

    public void Dispose()
    {
        _before.Dispose();
        _putBack.Dispose();
    }

    [Theory]
    [InlineData(2, "ends at entry 2")]
    [InlineData(3, "another entry 3")]
    [InlineData(5, "another entry 3")]
    public async Task A_coordinator_applies_nothing_upon_what_the_log_does_not_hold(int entries, string why)
    {
        await WriteAsync(_before, 1, 3);
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        await WriteAsync(_putBack, 1, 2);
        await WriteAsync(_putBack, 3, entries, at: 2);
        var held = _replica.State;

        foreach (var act in (Func<RegistryRecovery, Task>[])[recovery => recovery.CatchUpAsync(_replica, CancellationToken.None), recovery => recovery.FollowAsync(_replica, CancellationToken.None)])
        {
            var damaged = await Assert.ThrowsAsync<ControlLogDamagedException>(() => act(Over(_putBack)).Within());
            Assert.Contains(why, damaged.Message, StringComparison.Ordinal);
            Assert.Same(held, _replica.State);
        }
    }

    [Fact]
    public async Task One_that_holds_what_the_log_holds_goes_on_also_where_that_is_truncated()
    {
        await WriteAsync(_before, 1, 3);
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        var term = await WriteAsync(_before, 4, 4);
        Assert.True(await new MemoryControlLog(_before).TruncateAsync(term, 3, CancellationToken.None));
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        Assert.Equal(4, _replica.Index);
    }

    [Fact]
    public async Task A_snapshot_of_a_newer_program_is_passed_over_for_one_before_it_and_named_where_that_is_not_enough()
    {
        using var folder = new TemporaryFolder();
        var snapshots = new SnapshotStore(FileBlobStore.OpenFolder(folder["blobs"]), ClusterSecret.LoadOrCreate(folder["secret"], mayCreate: true), folder["scratch"]);
        var term = await WriteAsync(_before, 1, 3);
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        await snapshots.WriteAsync(_replica.State, term, CancellationToken.None).Within();
        await WriteAsync(_before, 4, 6);
        await Over(_before).CatchUpAsync(_replica, CancellationToken.None).Within();
        var name = await snapshots.WriteAsync(_replica.State, term, CancellationToken.None).Within();
        var bytes = await File.ReadAllBytesAsync(FileOf(name));
        bytes[8] = 99; // Its format.
        File.Delete(FileOf(name));
        await File.WriteAllBytesAsync(FileOf(name with { Hash = SnapshotName.HashOf(SHA256.HashData(bytes)) }), bytes);
        string FileOf(SnapshotName snapshot) => Path.Combine(folder["blobs"], snapshot.ToString());

        var log = new MemoryControlLog(_before);
        Assert.True(await log.TruncateAsync(term, 3, CancellationToken.None));
        var recovered = new RegistryReplica(TimeProvider.System);
        await Over(_before, snapshots).RecoverAsync(recovered, CancellationToken.None).Within();
        Assert.Equal(6, recovered.Index);

        Assert.True(await log.TruncateAsync(term, 5, CancellationToken.None));
        var unknown = await Assert.ThrowsAsync<UnknownRegistryEventException>(() => Over(_before, snapshots).RecoverAsync(new RegistryReplica(TimeProvider.System), CancellationToken.None).Within());
        Assert.Contains("format 99", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_is_overtaken_by_a_leader_who_truncates_is_told_to_look_again()
    {
        using var folder = new TemporaryFolder();
        var snapshots = new SnapshotStore(FileBlobStore.OpenFolder(folder["blobs"]), ClusterSecret.LoadOrCreate(folder["secret"], mayCreate: true), folder["scratch"]);
        var term = await WriteAsync(_before, 1, 6);
        var log = new MemoryControlLog(_before);
        Assert.True(await log.TruncateAsync(term, 3, CancellationToken.None));

        // It finds no snapshot: those that were there went with the truncation.
        var recovery = new RegistryRecovery(new Overtaken(log, term), snapshots, NullLogger.Instance);
        await Assert.ThrowsAsync<EntryTruncatedException>(() => recovery.RecoverAsync(_replica, CancellationToken.None).Within());
        await Assert.ThrowsAsync<ControlLogDamagedException>(() => recovery.RecoverAsync(_replica, CancellationToken.None).Within()); // Now nobody was at work.
    }

    private static RegistryRecovery Over(MemoryControlCluster log, SnapshotStore? snapshots = null) => new(new MemoryControlLog(log), snapshots!, NullLogger.Instance);

    private static async Task<long> WriteAsync(MemoryControlCluster cluster, long from, long through, long at = 1)
    {
        var log = new MemoryControlLog(cluster);
        var term = (await log.ReadLeaderAsync(CancellationToken.None))?.Term ?? (await log.CampaignAsync("a:1", CancellationToken.None)).Term;
        for (var index = from; index <= through; index++)
        {
            var entry = RegistryReplicaTests.Entry(RegistryBench.Account($"user{index}")) with { At = at };
            Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(term, index, RegistryEntryCodec.Encode(entry), CancellationToken.None));
        }

        return term;
    }

    /// <summary>A log that is truncated further as soon as its bounds were read.</summary>
    private sealed class Overtaken(MemoryControlLog log, long term) : IControlLogReader
    {
        public async Task<LogBounds> ReadBoundsAsync(CancellationToken cancellation)
        {
            var bounds = await log.ReadBoundsAsync(cancellation);
            await log.TruncateAsync(term, 5, cancellation);
            return bounds;
        }

        public IAsyncEnumerable<LogEntry> FollowAsync(long fromIndex, CancellationToken cancellation) => log.FollowAsync(fromIndex, cancellation);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
