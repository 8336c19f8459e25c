using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Http.Files;
using DChat.Storage.Files;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Http;

/// <summary>Which files are removed: those of deleted rooms, and no others, whatever this node knows.</summary>
public sealed class RoomFilePurgeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FileBlobStore _blobs;
    private readonly RegistryReplica _replica = new(TimeProvider.System);

    public RoomFilePurgeTests() => _blobs = FileBlobStore.OpenFolder(_folder["blobs"]);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Before_the_registry_is_there_nothing_is_removed_and_then_what_is_left_over()
    {
        await PutAsync("r1", old: true);
        await PutAsync("deleted", old: true);
        await SnapshotAsync(1, 1, DateTime.UtcNow);
        using var purge = new RoomFilePurge(_blobs, _replica, TimeProvider.System, NullLogger<RoomFilePurge>.Instance);
        await purge.PurgeAsync(FileId.Folder, default);
        Assert.True(IsThere("r1") && IsThere("deleted"));

        await purge.StartAsync(default);
        var state = RegistryState.Empty;
        state = Do(state, new CreateAccount("", "", 1, "ann", "ann", [1]));
        state = Do(state, new CreateRoom("", "ann", 1, "r1", "r1", null, RoomVisibility.Public, null, ""));
        _replica.Replace(state);
        await Eventually.Holds(() => !IsThere("deleted"));
        Assert.True(IsThere("r1"));
        await purge.StopAsync(default);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(-40)]
    public async Task After_a_restore_nothing_is_left_over_for_a_month_by_the_blob_stores_clock(int clockAheadDays)
    {
        var restored = DateTime.UtcNow.AddDays(-60);
        await PutAsync("unknown", old: true);
        await PutAsync("deleted", old: true);
        await SnapshotAsync(100, SnapshotName.RestoredTerm, restored);
        await SnapshotAsync(200, 1, restored.AddDays(29));

        // So much happened since that the registry has forgotten that it was restored.
        var state = Do(RegistryState.Empty, new CreateAccount("", "", 1, "ann", "ann", [1], true));
        state = RegistryMachine.Restore(state, new RegistryRestoration(100, 100, "store", 1, "from there"));
        for (var line = 0; line <= RegistryBounds.AuditLines; line++)
        {
            state = Do(state, new NoteMemberReplaced("", "ann", line, "c1", "10.0.0.1"));
        }

        Assert.DoesNotContain(state.AuditPage(null, RegistryBounds.AuditLines), line => line.Action == "restore");
        _replica.Replace(state);
        using var purge = new RoomFilePurge(_blobs, _replica, new Calendar { Now = DateTimeOffset.UtcNow.AddDays(clockAheadDays) }, NullLogger<RoomFilePurge>.Instance);
        await purge.PurgeAsync(FileId.Folder, default);
        Assert.True(IsThere("unknown"));

        await purge.PurgeAsync(FileId.FolderOf("deleted"), default);
        Assert.False(IsThere("deleted"));

        await SnapshotAsync(300, 1, restored.AddDays(31));
        await purge.PurgeAsync(FileId.Folder, default);
        Assert.False(IsThere("unknown"));
    }

    [Fact]
    public async Task Where_no_snapshot_tells_the_time_only_rooms_go_of_which_the_registry_knows_that_they_were_deleted()
    {
        await PutAsync("unknown", old: true);
        await PutAsync("r1", old: false);
        var state = Do(RegistryState.Empty, new CreateAccount("", "", 1, "ann", "ann", [1]));
        state = Do(state, new CreateRoom("", "ann", 1, "r1", "r1", null, RoomVisibility.Public, null, ""));
        _replica.Replace(Do(state, new DeleteRoom("", "ann", 1, "r1")));
        using var purge = new RoomFilePurge(_blobs, _replica, new Calendar { Now = DateTimeOffset.UtcNow.AddDays(40) }, NullLogger<RoomFilePurge>.Instance);
        await purge.PurgeAsync(FileId.Folder, default);
        Assert.False(IsThere("r1"));
        Assert.True(IsThere("unknown"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    public async Task A_room_that_is_not_known_here_may_be_new(int clockAheadDays)
    {
        await PutAsync("new", old: false);
        await PutAsync("deleted", old: true);
        await SnapshotAsync(100, 1, DateTime.UtcNow);
        _replica.Replace(Do(RegistryState.Empty, new CreateAccount("", "", 1, "ann", "ann", [1])));
        using var purge = new RoomFilePurge(_blobs, _replica, new Calendar { Now = DateTimeOffset.UtcNow.AddDays(clockAheadDays) }, NullLogger<RoomFilePurge>.Instance);
        await purge.PurgeAsync(FileId.Folder, default);
        Assert.False(IsThere("deleted"));
        Assert.True(IsThere("new"));
    }

    private async Task SnapshotAsync(long index, long term, DateTime at)
    {
        var name = new SnapshotName(index, term, new string('0', 32)).ToString();
        await _blobs.PutAsync(name, new MemoryStream([1]), default);
        File.SetLastWriteTimeUtc(Path.Combine(_folder["blobs"], name), at);
    }

    private async Task PutAsync(string room, bool old)
    {
        await _blobs.PutAsync($"files/{room}/1/content", new MemoryStream([1]), default);
        if (old)
        {
            File.SetLastWriteTimeUtc(PathOf(room), DateTime.UnixEpoch);
        }
    }

    private bool IsThere(string room) => File.Exists(PathOf(room));

    private string PathOf(string room) => Path.Combine(_folder["blobs"], "files", room, "1", "content");

    private sealed class Calendar : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private static RegistryState Do(RegistryState state, Command command)
    {
        var decision = RegistryMachine.Decide(state, command, RegistryLimits.None);
        Assert.True(decision.Outcome.IsOk, decision.Outcome.Text);
        return RegistryMachine.Apply(state, state.Index + 1, decision.Record!);
    }
}
