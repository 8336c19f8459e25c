using System.Diagnostics;
using System.Globalization;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>
/// How many joins three coordinators on an etcd of three members acknowledge in a second, and how long one takes at 1,000 a second. They come as
/// workers send them, over links to the leader; there is no worker, so what hosts do with a join is not in it.
/// </summary>
internal static class JoinsScenario
{
    private const string Name = "joins";
    private const int Coordinators = 3;
    private const int Links = 4;
    private const int InFlight = 1_024;
    private const int SteadyPerSecond = 1_000;
    private const int Users = 5_000;
    private const int Rooms = 400;
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(30);

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 0, coordinators: Coordinators);
        var links = await ConnectAsync(cluster);
        try
        {
            await PrepareAsync(links[0]);
            var joins = new Joins(links);
            await joins.AsFastAsItGoesAsync(options.Duration); // Not counted: a process optimizes its code at its first work.
            var (fastest, slowest) = (new List<double>(), new List<double>());
            for (var repeat = 0; repeat < options.Repeats; repeat++)
            {
                fastest.Add(await joins.AsFastAsItGoesAsync(options.Duration));
                var latencies = await joins.AtRateAsync(SteadyPerSecond, options.Duration);
                slowest.Add(latencies[(int)Math.Ceiling(0.99 * latencies.Count) - 1]);
                options.Tell(string.Create(
                    CultureInfo.InvariantCulture,
                    $"joins: {fastest[^1]:N0} a second; at {SteadyPerSecond:N0} a second p50 {latencies[latencies.Count / 2]:0.0} ms, p99 {slowest[^1]:0.0} ms, max {latencies[^1]:0.0} ms of {latencies.Count:N0}"));
            }

            return
            [
                Row.AtLeast(Name, "joins acknowledged a second, 1,024 in flight", new Series(fastest), 5_000),
                Row.AtMost(Name, "at 1,000 a second: p99 ms", new Series(slowest), 100),
            ];
        }
        finally
        {
            foreach (var link in links)
            {
                await link.DisposeAsync();
            }
        }
    }

    /// <summary>To the leader.</summary>
    private static async Task<List<NodeLink>> ConnectAsync(ClusterUnderTest cluster)
    {
        var secret = ClusterSecret.Parse((await File.ReadAllTextAsync(cluster.SecretFile)).Trim(), "the cluster's");
        foreach (var coordinator in cluster.CoordinatorNodes)
        {
            var links = new List<NodeLink>();
            for (var i = 0; i < Links; i++)
            {
                var self = new NodeSelf(string.Create(CultureInfo.InvariantCulture, $"bench{i}"), "1", "bench:1", "0");
                using var dialer = new NodeDialer(new NodeHandshake(secret), self, null, TimeProvider.System);
                links.Add(await dialer.ConnectAsync(coordinator.Node.Authority, NodeServices.Registry, null, static _ => new Deaf(), CancellationToken.None));
            }

            if (new PayloadReader(await links[0].CallAsync(RegistryMethods.Who, default, CallLimit, CancellationToken.None)).Flag())
            {
                return links;
            }

            foreach (var link in links)
            {
                await link.DisposeAsync();
            }
        }

        throw new InvalidOperationException("no coordinator leads");
    }

    private static async Task PrepareAsync(NodeLink leader)
    {
        foreach (var part in Enumerable.Range(0, Users).Select(UserOf).Chunk(RegistryBounds.BulkNames))
        {
            await SubmitAsync(leader, new CreateAccounts(Id(), "admin", Now(), part));
        }

        await Task.WhenAll(Enumerable.Range(0, Rooms).Select(room =>
            SubmitAsync(leader, new CreateRoom(Id(), "admin", Now(), RoomOf(room), RoomOf(room), null, RoomVisibility.Public, null, ""))));
    }

    private static async Task SubmitAsync(NodeLink link, Command command)
    {
        var result = CommandAnswer.Decode(await link.CallAsync(RegistryMethods.Submit, CommandCodec.Encode(command), CallLimit, CancellationToken.None));
        if (!result.Outcome.IsOk)
        {
            throw new InvalidOperationException($"{command.GetType().Name} was refused: {result.Outcome.Error}: {result.Outcome.Text}");
        }
    }

    private static string UserOf(int user) => string.Create(CultureInfo.InvariantCulture, $"joins-{user}");

    private static string RoomOf(int room) => string.Create(CultureInfo.InvariantCulture, $"room-{room}");

    private static string Id() => Guid.NewGuid().ToString("N");

    private static long Now() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <summary>Every user joins one room after the other, none twice.</summary>
    private sealed class Joins(IReadOnlyList<NodeLink> links)
    {
        private int _next = -1;

        /// <returns>Acknowledged in a second.</returns>
        public async Task<double> AsFastAsItGoesAsync(TimeSpan duration)
        {
            var (started, done) = (Stopwatch.GetTimestamp(), 0);
            await Task.WhenAll(Enumerable.Range(0, InFlight).Select(async _ =>
            {
                while (Stopwatch.GetElapsedTime(started) < duration)
                {
                    await NextAsync();
                    Interlocked.Increment(ref done);
                }
            }));
            return done / Stopwatch.GetElapsedTime(started).TotalSeconds;
        }

        /// <returns>What each took, in milliseconds from when it was due, ascending.</returns>
        public async Task<List<double>> AtRateAsync(int perSecond, TimeSpan duration)
        {
            var started = Stopwatch.GetTimestamp();
            var all = new List<Task<double>>();
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
            while (Stopwatch.GetElapsedTime(started) < duration && await timer.WaitForNextTickAsync())
            {
                for (var due = Stopwatch.GetElapsedTime(started).TotalSeconds * perSecond; all.Count < due;)
                {
                    all.Add(TimeAsync(started + (long)(all.Count * (double)Stopwatch.Frequency / perSecond)));
                }
            }

            return [.. (await Task.WhenAll(all)).Order()];
        }

        private async Task<double> TimeAsync(long due)
        {
            await NextAsync();
            return Stopwatch.GetElapsedTime(due).TotalMilliseconds;
        }

        private Task NextAsync()
        {
            var turn = Interlocked.Increment(ref _next);
            return SubmitAsync(links[turn % links.Count], new JoinRoom(Id(), UserOf(turn % Users), Now(), RoomOf(turn / Users % Rooms)));
        }
    }

    /// <summary>Follows nothing.</summary>
    private sealed class Deaf : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => default;

        public void Ended(NodeLink link, string why)
        {
            // Calls that wait for an answer fail by themselves.
        }
    }
}
