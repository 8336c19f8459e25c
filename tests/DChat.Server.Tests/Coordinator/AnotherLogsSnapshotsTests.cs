using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Storage.Files;
using DChat.Storage.Sqlite.ControlLog;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A cluster that was restored in place keeps its snapshots where a leader of the one before, which was not stopped, keeps its own.</summary>
public sealed class AnotherLogsSnapshotsTests : IDisposable
{
    private const long Lifted = 1L << 41;

    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _book = new();
    private readonly FileBlobStore _blobs;
    private int _looks;

    public AnotherLogsSnapshotsTests() => _blobs = FileBlobStore.OpenFolder(_folder["blobs"]);

    public void Dispose()
    {
        _book.AssertClean();
        _folder.Dispose();
    }

    [Fact]
    public async Task They_neither_empty_the_log_nor_take_the_place_of_its_own_until_they_are_gone()
    {
        await using var node = await Node().StartAsync();
        await GrowAsync(node);
        var (own, first) = (Names(), (await node.Log.ReadBoundsAsync(CancellationToken.None)).First);
        var others = await PutOthersAsync(node, 5);

        await node.MakeAccountsAsync("more", 3 * node.Options.SnapshotEntries);
        await Eventually.Holds(() => node.Keeper.Failures >= 3);

        Assert.Contains("another cluster keeps its snapshots in these --blobs", node.Keeper.Error, StringComparison.Ordinal);
        Assert.Contains(others[^1].ToString(), node.Keeper.Error, StringComparison.Ordinal);
        Assert.Equal(own.Concat(others.Select(name => Path.GetFileName(name.ToString()))), Names());
        Assert.Equal(new LogBounds(first, node.Replica.Index), await node.Log.ReadBoundsAsync(CancellationToken.None));
        Assert.Equal(node.Replica.Index - first + 1, node.Keeper.LogEntries);

        foreach (var name in others)
        {
            await node.Snapshots.DeleteAsync(name, CancellationToken.None);
        }

        await Eventually.Holds(() => node.Keeper.Error is null && node.Keeper.Index == node.Replica.Index);
        await GrowAsync(node);
        Assert.True(node.Keeper.TruncatedThrough >= first);
    }

    [Fact]
    public async Task A_leader_says_so_when_its_term_begins_and_its_own_are_due_as_before()
    {
        await using var node = await Node().StartAsync();
        await GrowAsync(node);
        var (index, term) = (node.Keeper.Index, node.Service.Term);
        await PutOthersAsync(node, 1);

        Assert.True(await node.Log.DeposeAsync(term, CancellationToken.None));

        await Eventually.Holds(() => node.Service.Term > term && node.Keeper.Error is not null);
        Assert.Contains("another cluster", node.Keeper.Error, StringComparison.Ordinal);
        Assert.Equal(index, node.Keeper.Index);
    }

    [Fact]
    public async Task Those_of_a_leader_after_this_one_are_no_other_logs()
    {
        var later = false;
        await using var node = await Node(bounds =>
        {
            Interlocked.Increment(ref _looks);
            return Volatile.Read(ref later) ? bounds with { Last = Lifted } : bounds;
        }).StartAsync();
        await GrowAsync(node);
        var own = Names();
        Volatile.Write(ref later, true);
        await PutOthersAsync(node, 1);
        var (failures, looks) = (node.Keeper.Failures, Volatile.Read(ref _looks));

        await node.MakeAccountsAsync("more", 3 * node.Options.SnapshotEntries);
        await Eventually.Holds(() => Volatile.Read(ref _looks) >= looks + 3);

        Assert.Equal(failures, node.Keeper.Failures);
        Assert.Null(node.Keeper.Error);
        Assert.Equal(own, Names()[..^1]);
    }

    [Fact]
    public async Task Nobody_makes_space_in_a_full_log_behind_them_while_nobody_leads()
    {
        await using var node = Node();
        var log = (FaultyControlLog)node.Log;
        log.ShowsFull = true;
        await PutOthersAsync(node, 1);
        using var done = new CancellationTokenSource();

        var relieving = node.Keeper.RelieveAsync(done.Token);

        await Eventually.Holds(() => _book.Lines.Any(line => line.Contains("Another cluster's snapshots", StringComparison.Ordinal)) || log.Freed > 0);
        await done.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => relieving.Within());
        Assert.Equal(0, log.Freed);
    }

    private CoordinatorNode Node(Func<LogBounds, LogBounds>? shown = null) => new(
        new FaultyControlLog(SqliteControlLog.Open(_folder["control.db"])) { Shown = shown ?? (bounds => bounds) },
        _blobs,
        ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: true),
        new CoordinatorOptions
        {
            ScratchFolder = _folder["scratch"],
            AdminPasswordPath = _folder["initial-admin-password"],
            SnapshotEntries = 10,
            SnapshotsKept = 2,
            SnapshotDays = 0,
            SnapshotInterval = TimeSpan.Zero,
            SnapshotRetry = TimeSpan.FromMilliseconds(20),
            CommandTimeout = Eventually.DefaultLimit,
        },
        _book);

    /// <summary>Three snapshots more, of which those that are to go went.</summary>
    private async Task GrowAsync(CoordinatorNode node)
    {
        for (var i = 0; i < 3; i++)
        {
            var index = node.Keeper.Index;
            await node.MakeAccountsAsync($"grow-{index}-", node.Options.SnapshotEntries);
            await Eventually.Holds(() => node.Keeper.Index > index);
        }

        await Eventually.Holds(() => node.Keeper.Index + node.Options.SnapshotEntries > node.Replica.Index && Names().Length == node.Options.SnapshotsKept && node.Keeper.Error is null);
    }

    /// <summary>What a restore, and the leader that came of it, put there.</summary>
    private static async Task<List<SnapshotName>> PutOthersAsync(CoordinatorNode node, int count)
    {
        var names = new List<SnapshotName>();
        for (var i = 0; i < count; i++)
        {
            var state = RegistryMachine.Restore(node.Replica.State, new RegistryRestoration(Lifted + i, Lifted, "store", 1, "from here"));
            names.Add(await node.Snapshots.WriteAsync(state, i == 0 ? SnapshotName.RestoredTerm : 1, CancellationToken.None).Within());
        }

        return names;
    }

    private string[] Names() => [.. Directory.GetFiles(Path.Combine(_folder["blobs"], "snapshots")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
