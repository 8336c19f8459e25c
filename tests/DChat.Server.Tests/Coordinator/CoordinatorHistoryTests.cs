using System.Collections.Concurrent;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Storage.Files;
using DChat.Storage.Memory;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Random histories: two coordinators, appends of unknown outcome, leaders deposed at any moment, clients that repeat.</summary>
public sealed class CoordinatorHistoryTests(ITestOutputHelper output) : IDisposable
{
    private const int Clients = 8;
    private const int Rounds = 3;

    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _book = new();

    public void Dispose()
    {
        _book.AssertClean();
        _folder.Dispose();
    }

    [Fact]
    public async Task Live_replica_feed_replay_and_snapshot_agree_and_hold_all_that_was_answered()
    {
        var seed = Seed.Print(output);
        for (var round = 0; round < LongTests.Pick(Rounds, 40); round++)
        {
            await PlayAsync(round, seed + round, LongTests.Pick(60, 300));
        }
    }

    private async Task PlayAsync(int round, int seed, int commandsEach)
    {
        using var cluster = new MemoryControlCluster();
        await using var a = Node(cluster, "a", round, seed);
        await using var b = Node(cluster, "b", round, seed + 1_000_003);
        using var feed = new RegistryFeed(b.Replica);
        var fed = new RegistryReplica(TimeProvider.System);
        using var stopFeeding = new CancellationTokenSource();
        var feeding = feed.FeedAsync(fed, stopFeeding.Token);
        await Task.WhenAll(a.Service.StartAsync(CancellationToken.None), b.Service.StartAsync(CancellationToken.None)).Within();

        var answered = new ConcurrentDictionary<string, long>();
        var clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(client =>
            Task.Run(() => ClientAsync(client, seed, commandsEach, [a, b], answered))));
        var trouble = new Random(seed);
        while (!clients.IsCompleted)
        {
            var target = Math.Max(a.Replica.Index, b.Replica.Index) + trouble.Next(1, 40);
            await Task.WhenAny(clients, a.Replica.WaitForAsync(target, TimeSpan.FromMilliseconds(50), CancellationToken.None));
            cluster.Depose();
        }

        await clients;
        await CheckAsync(a, b, fed, answered, commandsEach);
        await stopFeeding.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => feeding.Within());
    }

    private static async Task CheckAsync(CoordinatorNode a, CoordinatorNode b, RegistryReplica fed, ConcurrentDictionary<string, long> answered, int commandsEach)
    {
        var end = (await a.Log.ReadBoundsAsync(CancellationToken.None)).Last;
        foreach (var replica in (RegistryReplica[])[a.Replica, b.Replica, fed])
        {
            Assert.True(await replica.WaitForAsync(end, Eventually.DefaultLimit, CancellationToken.None));
        }

        var replayed = await RegistryBench.ReplayAsync(a.Log);
        RegistryBench.AssertSame(replayed, a.Replica.State);
        RegistryBench.AssertSame(replayed, b.Replica.State);
        RegistryBench.AssertSame(replayed, fed.State);
        var snapshot = await a.Snapshots.WriteAsync(replayed, 1, CancellationToken.None).Within();
        RegistryBench.AssertSame(replayed, await b.Snapshots.ReadAsync(snapshot, CancellationToken.None).Within());

        Assert.Equal(Clients * commandsEach, answered.Count);
        Assert.Equal((Clients * commandsEach) + 1, replayed.AccountCount);
        Assert.All(answered, answer =>
        {
            Assert.NotNull(replayed.FindAccount(answer.Key));
            Assert.True(answer.Value <= end, "an answer names a committed entry");
        });
    }

    /// <summary>Makes accounts, each until it is told that it is made.</summary>
    private static async Task ClientAsync(int client, int seed, int commands, CoordinatorNode[] nodes, ConcurrentDictionary<string, long> answered)
    {
        var random = new Random(seed + client);
        for (var i = 0; i < commands; i++)
        {
            var name = $"client{client}-{i}";
            await Eventually.Holds(async () =>
            {
                var result = await nodes[random.Next(nodes.Length)].SubmitAsync(RegistryBench.Account(name, $"id-{name}"));
                if (!result.Outcome.IsOk)
                {
                    Assert.Equal(RefusalCodes.Unavailable, result.Outcome.Error);
                    return false;
                }

                answered[name] = result.Index;
                return true;
            });
        }
    }

    private CoordinatorNode Node(MemoryControlCluster cluster, string name, int round, int seed)
    {
        var faults = new Random(seed);
        var log = new FaultyControlLog(new MemoryControlLog(cluster))
        {
            NextFault = () =>
            {
                lock (faults)
                {
                    return faults.Next(100) switch { < 3 => AppendFault.LostBefore, < 8 => AppendFault.LostAfter, _ => AppendFault.None };
                }
            },
        };
        return new CoordinatorNode(
            log,
            FileBlobStore.OpenFolder(_folder[$"blobs-{round}"]),
            ClusterSecret.LoadOrCreate(_folder["cluster-secret"], mayCreate: true),
            new CoordinatorOptions
            {
                Advertise = $"{name}:1",
                ScratchFolder = _folder["scratch"],
                AdminPassword = "given",
                SnapshotEntries = 0,
                SnapshotInterval = TimeSpan.Zero,
                StartsAsLeader = false,
            },
            _book);
    }
}
