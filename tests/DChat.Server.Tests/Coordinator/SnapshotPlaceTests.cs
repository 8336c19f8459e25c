using DChat.Core.ControlLog;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Nodes;
using DChat.Server.Tests.Nodes;
using DChat.Storage.Files;
using DChat.Storage.Sqlite.ControlLog;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Coordinators whose <c>--blobs</c> are not one place.</summary>
public sealed class SnapshotPlaceTests : IDisposable
{
    private const string Leader = "10.0.0.1:9000";

    private readonly TemporaryFolder _folder = new();
    private readonly HandTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_is_another_one_where_the_leaders_note_is_looked_for_in_vain()
    {
        await using var blobs = Blobs();
        var place = Place(blobs);
        Assert.False(place.IsElsewhere(Leader)); // It has yet to look.
        await LookAsync(place, isElsewhere: true);

        await LeaderNote.WriteAsync(blobs, Leader, CancellationToken.None);
        await LookAsync(place, isElsewhere: false);
        Assert.False(place.IsElsewhere("10.0.0.2:9000")); // Another leads, and may have yet to write its own.
        await LookAsync(place, isElsewhere: true, "10.0.0.2:9000");
    }

    [Fact]
    public async Task Of_a_blob_store_that_is_away_nothing_is_known()
    {
        await using var blobs = Blobs();
        var place = Place(blobs);
        await LookAsync(place, isElsewhere: true);
        var looks = blobs.Opened;
        blobs.IsAway = true;
        await Eventually.Holds(() => LooksAgain(place) && blobs.Opened >= looks + 5);
        Assert.True(place.IsElsewhere(Leader));
        Assert.False(place.IsElsewhere("10.0.0.2:9000"));
        await Eventually.Holds(() => !place.IsElsewhere("10.0.0.2:9000") && Later() && blobs.Opened >= looks + 10);
        Assert.False(place.IsElsewhere("10.0.0.2:9000"));
    }

    [Fact]
    public async Task While_a_standby_does_not_find_them_the_log_is_not_truncated_and_that_is_said()
    {
        await using var node = await Node().StartAsync();
        await using var pair = await LinkPair.ConnectAsync();
        await using var standby = new NodeLink(LinkPair.Hello("standby"), pair.LeftStream, new Nobody(), TimeProvider.System);
        node.Standbys.Reported(standby, index: 1, workers: 0, clockMs: null, isElsewhere: true);
        await GrowAsync(node);
        await GrowAsync(node);
        await Eventually.Holds(() => node.Keeper.Failures > 1); // Said each time that it would have been.
        Assert.Contains($"the --blobs of {standby.Peer.Address} are another place", node.Keeper.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await node.Log.ReadBoundsAsync(CancellationToken.None)).First);

        node.Standbys.Reported(standby, index: 1, workers: 0, clockMs: null);
        Assert.Null(node.Keeper.Error);
        await GrowAsync(node);
        await Eventually.Holds(async () => (await node.Log.ReadBoundsAsync(CancellationToken.None)).First > 1);
    }

    [Fact]
    public async Task A_leader_hears_it_of_a_standby_that_looks_elsewhere()
    {
        await using var trio = await CoordinatorTrio.StartAsync(isLastElsewhere: true);
        var leader = await trio.LeaderAsync();
        var others = trio.Nodes.FindAll(node => node != leader);
        var without = leader == trio.Nodes[^1] ? others : [trio.Nodes[^1]];
        var standbys = leader.Services.GetRequiredService<StandbyWatch>();
        await Eventually.Holds(() => standbys.WithoutSnapshots.Count > 0);
        await Eventually.Holds(() => standbys.WithoutSnapshots.Order().SequenceEqual(without.Select(CoordinatorTrio.Address).Order()));
        Assert.Contains(CoordinatorTrio.Address(without[0]), leader.Services.GetRequiredService<SnapshotKeeper>().Error, StringComparison.Ordinal);
    }

    private FaultyBlobStore Blobs() => new(FileBlobStore.OpenFolder(_folder["blobs"]));

    private SnapshotPlace Place(FaultyBlobStore blobs) => new(blobs, new CoordinatorOptions(), _time);

    private CoordinatorNode Node() => new(
        SqliteControlLog.Open(_folder["control.db"]),
        Blobs(),
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
        new LogBook());

    private static async Task GrowAsync(CoordinatorNode node)
    {
        var index = node.Keeper.Index;
        await node.MakeAccountsAsync($"grow-{index}-", node.Options.SnapshotEntries);
        await Eventually.Holds(() => node.Keeper.Index > index);
    }

    private Task LookAsync(SnapshotPlace place, bool isElsewhere, string leader = Leader) => Eventually.Holds(() => Later() && place.IsElsewhere(leader) == isElsewhere);

    private bool LooksAgain(SnapshotPlace place) => Later() && place.IsElsewhere(Leader);

    private bool Later()
    {
        _time.Now += TimeSpan.FromMinutes(1);
        return true;
    }
}
