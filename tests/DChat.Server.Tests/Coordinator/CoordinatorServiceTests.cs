using System.Text;
using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Storage.Files;
using DChat.Storage.Sqlite.ControlLog;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

/// <summary>The coordinator of one machine, with the real engines, through starts, stops and damage.</summary>
public sealed class CoordinatorServiceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _book = new();

    private string PasswordPath => _folder["initial-admin-password"];

    private CoordinatorOptions Options => new()
    {
        ScratchFolder = _folder["scratch"],
        AdminPasswordPath = PasswordPath,
        SnapshotEntries = 0,
        SnapshotInterval = TimeSpan.Zero,
        SnapshotDays = 0,
        SnapshotRetry = TimeSpan.FromMilliseconds(20),
        CommandTimeout = Eventually.DefaultLimit,
    };

    private CoordinatorOptions OftenSnapshots => Options with { SnapshotEntries = 10 };

    public void Dispose()
    {
        _book.AssertClean();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_first_start_makes_an_administrator_with_a_random_password_and_a_key()
    {
        await using (var node = await StartAsync(Options))
        {
            var password = node.Service.NewAdminPassword!;
            _book.Forbid(password);
            Assert.Equal(20, password.Length);
            Assert.Equal(password, (await File.ReadAllTextAsync(PasswordPath)).Trim());
            Assert.False(PrivateFile.IsOpenToOthers(PasswordPath));
            var admin = node.Replica.State.FindAccount("admin")!;
            Assert.True(admin.IsAdmin);
            Assert.Equal($"admin:{password}", Encoding.UTF8.GetString(admin.PasswordHash!));
            Assert.Single(node.Replica.State.ProtectionKeys);
        }

        await using var again = await StartAsync(Options);
        Assert.Null(again.Service.NewAdminPassword);
        Assert.Equal(1, again.Replica.State.AccountCount);
        Assert.Single(again.Replica.State.ProtectionKeys);
    }

    [Fact]
    public async Task A_given_password_is_taken_and_not_kept()
    {
        await using var node = await StartAsync(Options with { AdminPassword = "correct horse" });

        Assert.Equal("admin:correct horse", Encoding.UTF8.GetString(node.Replica.State.FindAccount("admin")!.PasswordHash!));
        Assert.False(File.Exists(PasswordPath));
        Assert.Null(node.Service.NewAdminPassword);
    }

    [Fact]
    public async Task A_password_that_was_kept_before_a_crash_is_the_one_that_is_used()
    {
        PrivateFile.Create(PasswordPath, "kept-before-the-crash\n"u8);

        await using var node = await StartAsync(Options);

        Assert.Equal("admin:kept-before-the-crash", Encoding.UTF8.GetString(node.Replica.State.FindAccount("admin")!.PasswordHash!));
    }

    [Fact]
    public async Task A_restart_finds_everything_that_was_answered()
    {
        RegistryState before;
        await using (var node = await StartAsync(Options))
        {
            await node.MakeAccountsAsync("user", 50);
            before = node.Replica.State;
        }

        await using var again = await StartAsync(Options);
        RegistryBench.AssertSame(before, again.Replica.State);
        await again.MakeAccountsAsync("more", 1);
    }

    [Fact]
    public async Task A_stop_that_is_out_of_time_ends_the_term_and_no_other_begins()
    {
        await using var node = await StartAsync(Options);
        await node.Service.StopAsync(new CancellationToken(canceled: true));
        await node.Service.ExecuteTask!.Within();
        Assert.Single(_book.Lines, line => line.Contains("leads in term", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Snapshots_are_written_the_log_is_truncated_behind_the_second_newest_and_old_ones_go()
    {
        RegistryState before;
        await using (var node = await StartAsync(OftenSnapshots))
        {
            before = await GrowAsync(node, snapshots: 6);
            var kept = await node.Snapshots.ListAsync(CancellationToken.None);
            Assert.InRange(kept.Count, 3, 4);
            Assert.True(node.Keeper.TruncatedThrough > 0);
            Assert.True((await node.Log.ReadBoundsAsync(CancellationToken.None)).First <= kept[1].Name.Index + 1, "the second-newest snapshot and the log make a whole");
            await Eventually.Holds(() => node.Keeper.Age is not null);
        }

        await using var again = await StartAsync(Options);
        RegistryBench.AssertSame(before, again.Replica.State);
        Assert.Contains(_book.Lines, line => line.Contains("The registry stands at entry", StringComparison.Ordinal) && line.Contains(".snap", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_snapshot_is_as_old_as_it_is_whoever_wrote_it()
    {
        await RunWithSnapshotsAsync();
        foreach (var path in Snapshots())
        {
            File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path).AddHours(-1));
        }

        await using var node = await StartAsync(Options);

        await Eventually.Holds(() => node.Keeper.Age is not null);
        Assert.InRange(node.Keeper.Age!.Value, TimeSpan.FromHours(1), TimeSpan.FromHours(2));
    }

    [Fact]
    public async Task A_damaged_newest_snapshot_is_named_and_the_one_before_is_used()
    {
        var before = await RunWithSnapshotsAsync();
        var newest = Snapshots()[^1];
        await DamageAsync(newest);

        await using var node = await StartAsync(Options);

        RegistryBench.AssertSame(before, node.Replica.State);
        Assert.Contains(_book.Lines, line => line.Contains("damaged snapshot", StringComparison.Ordinal) && line.Contains(Path.GetFileName(newest), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cut_off_newest_snapshot_costs_nothing_either()
    {
        var before = await RunWithSnapshotsAsync();
        await using (var file = new FileStream(Snapshots()[^1], FileMode.Open))
        {
            file.SetLength(file.Length / 2);
        }

        await using var node = await StartAsync(Options);

        RegistryBench.AssertSame(before, node.Replica.State);
    }

    [Fact]
    public async Task Where_no_good_snapshot_reaches_the_log_the_start_is_refused()
    {
        await RunWithSnapshotsAsync();
        var newest = Snapshots()[^2..];
        foreach (var snapshot in newest)
        {
            await DamageAsync(snapshot);
        }

        var error = await Assert.ThrowsAsync<ControlLogDamagedException>(() => StartAsync(Options));

        Assert.Contains("no snapshot holds the entries before it", error.Message);
        Assert.All(newest, snapshot => Assert.Contains(Path.GetFileName(snapshot), error.Message));
        Assert.Contains("Remedy", error.Message);
    }

    [Fact]
    public async Task Where_all_snapshots_are_gone_and_the_log_is_truncated_the_start_is_refused()
    {
        await RunWithSnapshotsAsync();
        Directory.Delete(_folder["blobs"], recursive: true);

        var error = await Assert.ThrowsAsync<ControlLogDamagedException>(() => StartAsync(Options));

        Assert.Contains("there are no snapshots", error.Message);
    }

    [Fact]
    public async Task A_lost_log_is_no_first_start_while_snapshots_are_there()
    {
        await RunWithSnapshotsAsync();
        foreach (var file in Directory.GetFiles(_folder.Path, "control.db*"))
        {
            File.Delete(file);
        }

        var error = await Assert.ThrowsAsync<ControlLogDamagedException>(() => StartAsync(Options));

        Assert.Contains("the log was lost", error.Message);
        Assert.Contains("from a backup", error.Message);
    }

    [Fact]
    public async Task With_another_secret_nothing_is_misread_and_the_start_is_refused()
    {
        await RunWithSnapshotsAsync();
        File.Delete(_folder["cluster-secret"]);

        var error = await Assert.ThrowsAsync<ControlLogDamagedException>(() => StartAsync(Options));

        Assert.Contains("cluster secret", error.Message);
    }

    [Fact]
    public async Task A_whole_log_is_enough_when_every_snapshot_is_damaged()
    {
        RegistryState before;
        await using (var node = await StartAsync(OftenSnapshots))
        {
            before = await GrowAsync(node, snapshots: 1);
        }

        foreach (var snapshot in Snapshots())
        {
            await DamageAsync(snapshot);
        }

        await using var again = await StartAsync(Options);
        RegistryBench.AssertSame(before, again.Replica.State);
    }

    [Fact]
    public async Task An_entry_that_is_no_entry_refuses_the_start()
    {
        await AppendRawAsync("{\"version\":1,\"at\":1,\"records\":[{\"nonsense\":1}]}"u8.ToArray());

        var error = await Assert.ThrowsAsync<ControlLogDamagedException>(() => StartAsync(Options));

        Assert.Contains("entry 3", error.Message);
    }

    [Fact]
    public async Task An_entry_of_a_newer_release_refuses_the_start()
    {
        await AppendRawAsync("{\"version\":99}"u8.ToArray());

        var error = await Assert.ThrowsAsync<StartRefusedException>(() => StartAsync(Options));

        Assert.Contains("format 99", error.Message);
    }

    [Fact]
    public async Task While_the_blob_store_is_away_commands_go_on_and_truncation_waits()
    {
        var blobs = new FaultyBlobStore(FileBlobStore.OpenFolder(_folder["blobs"])) { IsAway = false };
        await using var node = await StartAsync(OftenSnapshots, blobs);
        blobs.IsAway = true;

        await node.MakeAccountsAsync("away", 40);
        await Eventually.Holds(() => node.Keeper.Failures >= 2);

        Assert.Equal(0, node.Keeper.TruncatedThrough);
        Assert.Equal(1, (await node.Log.ReadBoundsAsync(CancellationToken.None)).First);
        Assert.Equal("away", node.Keeper.Error);
        Assert.Equal(node.Replica.Index, node.Keeper.LogEntries);
        blobs.IsAway = false;
        await GrowAsync(node, snapshots: 3);
        Assert.True(node.Keeper.TruncatedThrough > 0);
        await Eventually.Holds(() => node.Keeper.Error is null && node.Keeper.LogEntries == node.Replica.Index - node.Keeper.TruncatedThrough);
    }

    /// <summary>The etcd that it may run of its own would end with it, and so might the majority.</summary>
    [Fact]
    public async Task One_of_several_waits_for_its_snapshots_and_does_not_end()
    {
        await RunWithSnapshotsAsync();
        var blobs = new FaultyBlobStore(FileBlobStore.OpenFolder(_folder["blobs"])) { IsAway = true };
        await using var node = Node(OftenSnapshots with { StartsAsLeader = false, SnapshotRetry = TimeSpan.FromMilliseconds(50) }, blobs);
        var starting = node.Service.StartAsync(CancellationToken.None);
        await Eventually.Holds(() => _book.Lines.Count(line => line.Contains("waits for its snapshots", StringComparison.Ordinal)) > 1);
        Assert.False(starting.IsCompleted);

        blobs.IsAway = false;
        await starting.Within();
        Assert.True(node.Replica.Index > 1);
        await Eventually.Holds(() => node.Service.IsLeader);
    }

    [Fact]
    public async Task What_could_not_be_tidied_up_is_tried_again_though_nothing_changes()
    {
        var removes = false;
        var blobs = new FaultyBlobStore(FileBlobStore.OpenFolder(_folder["blobs"])) { Removes = () => Volatile.Read(ref removes) };
        await using var node = await StartAsync(OftenSnapshots with { SnapshotsKept = 2 }, blobs);
        await node.MakeAccountsAsync("grow", 60);
        await Eventually.Holds(() => node.Keeper.Failures >= 3);
        Assert.Equal("nothing is removed now", node.Keeper.Error);
        Assert.True(Snapshots().Length > 2);

        Volatile.Write(ref removes, true);

        await Eventually.Holds(() => node.Keeper.Error is null && Snapshots().Length == 2);
    }

    [Fact]
    public async Task The_last_snapshot_of_each_day_stays_for_its_days_and_a_damaged_one_takes_no_good_ones_place()
    {
        await using (var node = await StartAsync(OftenSnapshots with { SnapshotsKept = 5 }))
        {
            await GrowAsync(node, snapshots: 6);
        }

        // Two of the newest one's day, two of the day before, whose last one is damaged, and one of a day that is too long ago.
        var files = Snapshots()[^5..];
        var noon = new DateTimeOffset(File.GetLastWriteTimeUtc(files[4])).UtcDateTime.Date.AddHours(12);
        File.SetLastWriteTimeUtc(files[4], noon);
        File.SetLastWriteTimeUtc(files[3], noon.AddHours(-1));
        File.SetLastWriteTimeUtc(files[2], noon.AddDays(-1));
        File.SetLastWriteTimeUtc(files[1], noon.AddDays(-1).AddHours(-1));
        File.SetLastWriteTimeUtc(files[0], noon.AddDays(-2));
        await DamageAsync(files[2]);

        var options = OftenSnapshots with { SnapshotsKept = 2, SnapshotDays = 2 };
        await using (var node = await StartAsync(options))
        {
            var index = node.Keeper.Index;
            await node.MakeAccountsAsync("more", options.SnapshotEntries);
            await Eventually.Holds(() => node.Keeper.Index > index);
            await Eventually.Holds(() => !File.Exists(files[0]));
        }

        Assert.Equal([false, true, false, false, true], files.Select(File.Exists));
    }

    [Fact]
    public async Task A_snapshot_of_entries_that_came_after_the_log_was_asked_is_no_lost_log()
    {
        await RunWithSnapshotsAsync();
        var asked = 0;
        await using var node = new CoordinatorNode(
            new FaultyControlLog(SqliteControlLog.Open(_folder["control.db"])) { Shown = bounds => asked++ == 0 ? bounds with { Last = bounds.First } : bounds },
            FileBlobStore.OpenFolder(_folder["blobs"]),
            ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: true),
            Options,
            _book);

        await node.StartAsync();

        Assert.NotNull(node.Replica.State.FindAccount("tail0"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_coordinator_that_runs_a_part_of_the_log_waits_for_the_others_at_its_start(bool runsMember)
    {
        await RunWithSnapshotsAsync();
        var asked = 0;
        await using var node = new CoordinatorNode(
            new FaultyControlLog(SqliteControlLog.Open(_folder["control.db"])) { Shown = bounds => asked++ == 0 ? throw new ControlLogUnavailableException("another member stands still") : bounds },
            FileBlobStore.OpenFolder(_folder["blobs"]),
            ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: true),
            Options with { RunsMember = runsMember },
            _book);
        if (runsMember)
        {
            await node.StartAsync();
            Assert.NotNull(node.Replica.State.FindAccount("tail0"));
        }
        else
        {
            await Assert.ThrowsAsync<StartRefusedException>(() => node.StartAsync());
        }
    }

    [Fact]
    public async Task A_snapshot_is_due_by_the_age_of_the_newest_whoever_led_when_it_was_written()
    {
        var before = await RunWithSnapshotsAsync();
        foreach (var file in Directory.GetFiles(Path.Combine(_folder["blobs"], "snapshots")))
        {
            File.SetLastWriteTimeUtc(file, File.GetLastWriteTimeUtc(file).AddHours(-2));
        }

        await using var node = await StartAsync(Options with { SnapshotEntries = 0, SnapshotInterval = TimeSpan.FromHours(1) });
        await Eventually.Holds(() => node.Keeper.Index >= before.Index);
    }

    [Fact]
    public async Task The_log_stays_whole_behind_snapshots_that_no_other_coordinator_can_read()
    {
        await using (var node = await StartAsync(OftenSnapshots with { SharesSnapshots = false }))
        {
            await GrowAsync(node, snapshots: 6);
            Assert.Equal((0, 1), (node.Keeper.TruncatedThrough, (await node.Log.ReadBoundsAsync(CancellationToken.None)).First));
            Assert.Contains(_book.Lines, line => line.Contains("one --blobs", StringComparison.Ordinal));
        }

        Directory.Delete(_folder["blobs"], recursive: true);
        await using var other = await StartAsync(Options);
        Assert.NotNull(other.Replica.State.FindAccount("admin"));
    }

    [Fact]
    public async Task A_blob_store_that_keeps_something_else_is_not_counted_on()
    {
        var blobs = new FaultyBlobStore(FileBlobStore.OpenFolder(_folder["blobs"])) { Corrupts = true };
        await using var node = await StartAsync(OftenSnapshots, blobs);

        await node.MakeAccountsAsync("bad", 40);
        await Eventually.Holds(() => node.Keeper.Failures >= 3);

        Assert.Equal(0, node.Keeper.TruncatedThrough);
        Assert.Equal(1, (await node.Log.ReadBoundsAsync(CancellationToken.None)).First);
    }

    [Fact]
    public async Task What_a_leader_before_stored_and_nobody_can_read_is_not_counted_on()
    {
        SnapshotName bad;
        await using (var node = await StartAsync(Options))
        {
            await node.MakeAccountsAsync("before", 5);
            bad = await SnapshotStoreTests.PutSealedAsync(node.Blobs, ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: false), [1, 2, 3], node.Replica.Index - 1);
        }

        await using var next = await StartAsync(OftenSnapshots);
        await next.MakeAccountsAsync("one", next.Options.SnapshotEntries);
        await Eventually.Holds(() => next.Keeper.Index > bad.Index + 1);
        var first = next.Keeper.Index;
        await next.MakeAccountsAsync("two", next.Options.SnapshotEntries);
        await Eventually.Holds(() => next.Keeper.TruncatedThrough > 0);

        Assert.True(next.Keeper.TruncatedThrough >= first, $"truncated through {next.Keeper.TruncatedThrough}, and the first good snapshot is of {first}");
        Assert.Contains(_book.Lines, line => line.Contains("A damaged snapshot is not counted on", StringComparison.Ordinal) && line.Contains(bad.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_a_snapshot_that_is_being_read_back()
    {
        using var reads = new SemaphoreSlim(0);
        await using var node = await StartAsync(OftenSnapshots, new FaultyBlobStore(FileBlobStore.OpenFolder(_folder["blobs"])) { Reads = reads });
        await node.MakeAccountsAsync("grow", node.Options.SnapshotEntries);
        reads.Release();
        await Eventually.Holds(() => reads.CurrentCount == 0); // It is being read, a byte at a time.

        var stopping = node.Service.StopAsync(CancellationToken.None);
        reads.Release();

        await stopping.Within();
        Assert.Equal(0, node.Keeper.Index);
    }

    [Fact]
    public async Task A_broken_invariant_ends_the_service_with_its_exception()
    {
        await using var node = Node(Options, null, new BrokenKeys());

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => node.Service.StartAsync(CancellationToken.None).Within());

        Assert.Equal("broken", error.Message);
        Assert.True(node.Service.ExecuteTask!.IsFaulted);
    }

    [Fact]
    public async Task After_the_stop_commands_are_unavailable_and_the_log_is_free()
    {
        var node = await StartAsync(Options);
        await node.DisposeAsync();

        Assert.Equal("unavailable", (await node.SubmitAsync(RegistryBench.Account("late"))).Outcome.Error);
        await using var log = SqliteControlLog.Open(_folder["control.db"]);
    }

    private async Task<CoordinatorNode> StartAsync(CoordinatorOptions options, IBlobStore? blobs = null) => await Node(options, blobs).StartAsync();

    private CoordinatorNode Node(CoordinatorOptions options, IBlobStore? blobs, IProtectionKeyFactory? keys = null) => new(
        SqliteControlLog.Open(_folder["control.db"]),
        blobs ?? FileBlobStore.OpenFolder(_folder["blobs"]),
        ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: true),
        options,
        _book,
        keys);

    /// <summary>Makes accounts until so many more snapshots were written and tidied up after.</summary>
    private static async Task<RegistryState> GrowAsync(CoordinatorNode node, int snapshots)
    {
        for (var i = 0; i < snapshots; i++)
        {
            var index = node.Keeper.Index;
            await node.MakeAccountsAsync($"grow-{index}-", node.Options.SnapshotEntries);
            await Eventually.Holds(() => node.Keeper.Index > index);
        }

        await node.MakeAccountsAsync("tail", 3);
        await Eventually.Holds(() => node.Replica.Index < node.Keeper.Index + node.Options.SnapshotEntries);
        await Eventually.Holds(async () => (await node.Snapshots.ListAsync(CancellationToken.None)).Count <= node.Options.SnapshotsKept);
        return node.Replica.State;
    }

    /// <summary>A data folder with a truncated log and three snapshots.</summary>
    private async Task<RegistryState> RunWithSnapshotsAsync()
    {
        await using var node = await StartAsync(OftenSnapshots);
        var state = await GrowAsync(node, snapshots: 5);
        await Eventually.Holds(() => node.Keeper.TruncatedThrough > 1);
        return state;
    }

    /// <summary>Their files, oldest first.</summary>
    private string[] Snapshots() => [.. Directory.GetFiles(Path.Combine(_folder["blobs"], "snapshots")).Order(StringComparer.Ordinal)];

    private static async Task DamageAsync(string file)
    {
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 0x10;
        await File.WriteAllBytesAsync(file, bytes);
    }

    private async Task AppendRawAsync(byte[] payload)
    {
        await using (await StartAsync(Options))
        {
        }

        await using var log = SqliteControlLog.Open(_folder["control.db"]);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None);
        var next = (await log.ReadBoundsAsync(CancellationToken.None)).Last + 1;
        Assert.Equal(3, next);
        Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, next, payload, CancellationToken.None));
    }

    private sealed class BrokenKeys : IProtectionKeyFactory
    {
        public ProtectionKey? CreateIfDue(IReadOnlyList<ProtectionKey> keys, DateTimeOffset now) => throw new InvalidOperationException("broken");
    }
}
