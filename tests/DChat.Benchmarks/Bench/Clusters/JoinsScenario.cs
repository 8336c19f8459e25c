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
/// How many joins three coordinators on an etcd of three members acknowledge in a second; how long one takes at 1,000 a second, and how long after its
/// answer the standbys have it. They come as workers send them, over links to the leader; there is no worker, so what hosts do with a join is not in it.
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
    private const int StandbyLagMaxMs = 1_000;
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(30);

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        await using var cluster = await ClusterUnderTest.StartAsync(workers: 0, coordinators: Coordinators);
        var (leader, links) = await ConnectAsync(cluster);
        try
        {
            await using var standbys = await StandbySightings.BeginAsync(
                [.. cluster.CoordinatorNodes.Where(node => node != leader).Select(node => node.Node.Authority)], await SecretAsync(cluster), await PrepareAsync(links[0]));
            var joins = new Joins(links);
            await joins.AsFastAsItGoesAsync(options.Duration); // Not counted: a process optimizes its code at its first work.
            var (fastest, took, lags) = (new List<double>(), new List<List<double>>(), new List<List<double>>());
            for (var repeat = 0; repeat < options.Repeats; repeat++)
            {
                fastest.Add(await joins.AsFastAsItGoesAsync(options.Duration));
                var made = await joins.AtRateAsync(SteadyPerSecond, options.Duration);
                took.Add([.. made.Select(join => join.TookMs).Order()]);
                lags.Add(await standbys.LagsAsync(made.Select(join => (join.Index, join.AnsweredAt))));
                options.Tell(string.Create(
                    CultureInfo.InvariantCulture,
                    $"joins: {fastest[^1]:N0} a second; at {SteadyPerSecond:N0} a second p50 {At(took[^1], 0.5):0.0} ms, p99 {At(took[^1], 0.99):0.0} ms, max {At(took[^1], 1):0.0} ms of {made.Count:N0}; the standbys have them p50 {At(lags[^1], 0.5):0.0} ms, p99 {At(lags[^1], 0.99):0.0} ms, max {At(lags[^1], 1):0.0} ms after the answer"));
            }

            return
            [
                Row.AtLeast(Name, "joins acknowledged a second, 1,024 in flight", new Series(fastest), 5_000),
                Row.AtMost(Name, "at 1,000 a second: p99 ms", Of(took, 0.99), 100),
                Row.Untargeted(Name, "at 1,000 a second: answer → applied on a standby, p50 ms", Of(lags, 0.5)),
                Row.Untargeted(Name, "at 1,000 a second: answer → applied on a standby, p99 ms", Of(lags, 0.99)),
                Row.AtMost(Name, "at 1,000 a second: answer → applied on a standby, the longest, ms", new Series([lags.Max(run => run[^1])]), StandbyLagMaxMs),
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

    private static Series Of(IEnumerable<List<double>> runs, double share) => Series.Of(runs, run => At(run, share));

    private static double At(List<double> sorted, double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Count) - 1)];

    private static async Task<ClusterSecret> SecretAsync(ClusterUnderTest cluster) => ClusterSecret.Parse((await File.ReadAllTextAsync(cluster.SecretFile)).Trim(), "the cluster's");

    /// <returns>Who leads, and links to it.</returns>
    private static async Task<(ServerProcess Leader, List<NodeLink> Links)> ConnectAsync(ClusterUnderTest cluster)
    {
        var secret = await SecretAsync(cluster);
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
                return (coordinator, links);
            }

            foreach (var link in links)
            {
                await link.DisposeAsync();
            }
        }

        throw new InvalidOperationException("no coordinator leads");
    }

    /// <returns>The last entry that it took.</returns>
    private static async Task<long> PrepareAsync(NodeLink leader)
    {
        foreach (var part in Enumerable.Range(0, Users).Select(UserOf).Chunk(RegistryBounds.BulkNames))
        {
            await SubmitAsync(leader, new CreateAccounts(Id(), "admin", Now(), part));
        }

        return (await Task.WhenAll(Enumerable.Range(0, Rooms).Select(room =>
            SubmitAsync(leader, new CreateRoom(Id(), "admin", Now(), RoomOf(room), RoomOf(room), null, RoomVisibility.Public, null, ""))))).Max();
    }

    /// <returns>The entry in which it stands.</returns>
    private static async Task<long> SubmitAsync(NodeLink link, Command command)
    {
        var result = CommandAnswer.Decode(await link.CallAsync(RegistryMethods.Submit, CommandCodec.Encode(command), CallLimit, CancellationToken.None));
        if (!result.Outcome.IsOk)
        {
            throw new InvalidOperationException($"{command.GetType().Name} was refused: {result.Outcome.Error}: {result.Outcome.Text}");
        }

        return result.Index;
    }

    private static string UserOf(int user) => string.Create(CultureInfo.InvariantCulture, $"joins-{user}");

    private static string RoomOf(int room) => string.Create(CultureInfo.InvariantCulture, $"room-{room}");

    private static string Id() => Guid.NewGuid().ToString("N");

    private static long Now() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <param name="TookMs">From when it was due.</param>
    /// <param name="Index">The entry in which it stands.</param>
    /// <param name="AnsweredAt">A timestamp of <see cref="Stopwatch"/>.</param>
    private readonly record struct Join(double TookMs, long Index, long AnsweredAt);

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

        public async Task<IReadOnlyList<Join>> AtRateAsync(int perSecond, TimeSpan duration)
        {
            var started = Stopwatch.GetTimestamp();
            var all = new List<Task<Join>>();
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
            while (Stopwatch.GetElapsedTime(started) < duration && await timer.WaitForNextTickAsync())
            {
                for (var due = Stopwatch.GetElapsedTime(started).TotalSeconds * perSecond; all.Count < due;)
                {
                    all.Add(TimeAsync(started + (long)(all.Count * (double)Stopwatch.Frequency / perSecond)));
                }
            }

            return await Task.WhenAll(all);
        }

        private async Task<Join> TimeAsync(long due)
        {
            var index = await NextAsync();
            var now = Stopwatch.GetTimestamp();
            return new Join(Stopwatch.GetElapsedTime(due, now).TotalMilliseconds, index, now);
        }

        private Task<long> NextAsync()
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
