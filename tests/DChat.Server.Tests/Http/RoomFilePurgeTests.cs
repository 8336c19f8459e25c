using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
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

    [Fact]
    public async Task A_room_that_is_not_known_here_may_be_new()
    {
        await PutAsync("new", old: false);
        await PutAsync("deleted", old: true);
        _replica.Replace(Do(RegistryState.Empty, new CreateAccount("", "", 1, "ann", "ann", [1])));
        using var purge = new RoomFilePurge(_blobs, _replica, TimeProvider.System, NullLogger<RoomFilePurge>.Instance);
        await purge.StartAsync(default);
        await Eventually.Holds(() => !IsThere("deleted"));
        await purge.StopAsync(default);
        Assert.True(IsThere("new"));
    }

    [Fact]
    public async Task After_a_restore_nothing_is_left_over_for_a_month_but_rooms_that_are_deleted_are()
    {
        await PutAsync("unknown", old: true);
        await PutAsync("deleted", old: true);
        var time = new Calendar { Now = DateTimeOffset.UnixEpoch.AddYears(60) };
        var state = Do(RegistryState.Empty, new CreateAccount("", "", 1, "ann", "ann", [1]));
        _replica.Replace(RegistryMachine.Restore(state, new RegistryRestoration(100, 100, "store", time.Now.ToUnixTimeMilliseconds(), "from there")));
        using var purge = new RoomFilePurge(_blobs, _replica, time, NullLogger<RoomFilePurge>.Instance);
        time.Now += TimeSpan.FromDays(29);
        await purge.PurgeAsync(FileId.Folder, default);
        Assert.True(IsThere("unknown"));

        await purge.PurgeAsync(FileId.FolderOf("deleted"), default);
        Assert.False(IsThere("deleted"));

        time.Now += TimeSpan.FromDays(2);
        await purge.PurgeAsync(FileId.Folder, default);
        Assert.False(IsThere("unknown"));
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
