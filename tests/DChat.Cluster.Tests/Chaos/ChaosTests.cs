using System.Globalization;
using DChat.Cluster.Tests.Durability;
using DChat.Cluster.Tests.Registry;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>
/// A cluster under load, each of its processes on a host and with a clock of its own, in which at random moments of a printed seed processes are killed,
/// frozen, drained and added, clocks jump and hosts are cut off from each other; the checker of <c>dchat load</c> finds nothing lost, doubled, reordered
/// or unseen. The short form begins with the faults that count most, in an order of the seed's. <c>make chaos MINUTES=60</c> is the long form.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const int Users = 40;
    private const int Rooms = 12;
    private const int Members = 12;
    private const string Prefix = "chaos-";

    /// <summary>The short form, in seconds of load; longer where not all has come by then that comes in any case.</summary>
    private const int ShortSeconds = 50;

    /// <summary>Of several coordinators: so often that some are written, and the log is truncated, while things fail.</summary>
    private const string SnapshotEntries = "200";

    /// <summary>How long the load's end may take, in seconds.</summary>
    private const int DrainSeconds = 90;

    /// <summary>What the short forms do in any case, whatever the seed: those that a cluster is made to bear.</summary>
    private static readonly string[] Always = ["worker killed", "worker frozen", "worker cut from the coordinator", "worker drained, and started again", "PostgreSQL stopped"];

    private static readonly string[] AlwaysOfSeveral = ["leader killed", "leader frozen", "leader cut from etcd", "etcd majority killed", "S3 frozen"];

    /// <summary>In the long form each of several coordinators may run a member of etcd itself, as shipped.</summary>
    private static readonly bool OwnMembers = Environment.GetEnvironmentVariable("DCHAT_CHAOS_MEMBERS") == "own";

    private static readonly int Minutes = int.Parse(Environment.GetEnvironmentVariable("DCHAT_CHAOS_MINUTES") ?? "0", CultureInfo.InvariantCulture);

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public Task Whatever_fails_nothing_is_lost_doubled_reordered_or_unseen() =>
        Minutes > 0 ? RunAsync(Minutes * 60, workers: 4, coordinators: 1, kinds: null, always: []) : RunAsync(ShortSeconds, workers: 3, coordinators: 1, kinds: null, Always);

    /// <summary>
    /// The same with several coordinators and an etcd of three members, and users who change the registry all the time: what they are answered is
    /// linearizable and stands in the log once, and every node and every snapshot holds the registry that the log gives. The snapshots are in a real S3
    /// server, which fails as well: what the log does not hold any more is in two of them, and when it is back the next ones are. The long form is with this one.
    /// </summary>
    [Fact]
    public Task Whatever_fails_of_several_coordinators_and_etcd_nothing_is_lost_doubled_or_decided_twice() =>
        Minutes > 0 ? RunAsync(Minutes * 60, workers: 4, coordinators: 3, kinds: null, always: [])
            : RunAsync(ShortSeconds, workers: 2, coordinators: 3, kinds: "leader|standby|coordinators|etcd|S3|nothing", AlwaysOfSeveral);

    /// <param name="kinds">A regular expression of the kinds of faults; null: all.</param>
    /// <param name="always">Kinds that come in any case.</param>
    private async Task RunAsync(int seconds, int workers, int coordinators, string? kinds, string[] always)
    {
        var log = new ChaosLog(output);
        var seed = Seed.Print(output);
        log.Say($"seed {seed}, {seconds} s");
        var random = new Random(seed);
        using var folder = new TemporaryFolder();
        await using var cluster = await ClusterUnderTest.StartAsync(workers, coordinators == 1 ? [] : ["--snapshot-entries", SnapshotEntries], ownHosts: true, coordinators: coordinators, ownClocks: true, s3: coordinators > 1, ownMembers: Minutes > 0 && OwnMembers);
        foreach (var server in cluster.Workers.Concat(cluster.CoordinatorNodes))
        {
            server.Log.ExpectErrors(".*"); // A store that goes away is an error there; what counts is the checkers' verdict.
        }

        var spare = (await cluster.AddHostAsync("spare"))!;
        await using var registry = coordinators == 1 ? null : await RegistryCrowd.StartAsync(cluster, seed);
        using var load = StartLoad(cluster, spare, folder["acks"], random.Next());
        using var acks = new Acknowledgements(folder["acks"]);
        var faults = new Faults(cluster, spare, random, longestMs: Minutes > 0 ? 8_000 : 4_000, mayLast: Minutes > 0, registry?.Audit);
        faults.Keep(kinds);
        var expected = faults.ComeFirst(always);
        using var run = new ChaosRun(cluster, faults, acks, load, registry, random, log);
        try
        {
            await run.RunAsync(Rooms, TimeSpan.FromSeconds(seconds), expected);
            var report = await load.FinishAsync(TimeSpan.FromSeconds(DrainSeconds) + Limit);
            log.Say($"verdict: clean. {run.Faults} faults, {report["acknowledged"]} acknowledged, {report["deliveries"]} deliveries, {report["reconnects"]} reconnects, {report["resyncs"]} resyncs, {report["resets"]} resets, {report["heldBack"]} held back, {report["marks"]} read marks");
            foreach (var line in run.Pauses().Lines())
            {
                log.Say(line);
            }

            Assert.Equal(0, (int)report["resets"]!); // Nobody was taken back, and nobody lost his place.
            Assert.Equal(0, (int)report["marksUnanswered"]!); // Nothing is stuck.
            Assert.True((int)report["marks"]! > 0, "nobody marked anything read");
            if (registry is not null)
            {
                log.Say($"the snapshots: {await registry.Snapshots!.GoOnAsync(await faults.S3IsBackAsync())}"); // While users change the registry: one is due after so many changes.
                log.Say($"the registry: {await registry.EndAsync()}");
            }

            await WholeAgainAsync(cluster, run);
            Assert.True(run.Faults > 0, "nothing was done to the cluster");
            Assert.Empty(expected.Except(run.Borne));
            if (Minutes > 0)
            {
                log.Keep(cluster, faults.Gone, folder["acks"]); // Whoever wonders about a long pause finds what happened then.
            }
        }
        catch (Exception failure)
        {
            log.Say(failure.Message);
            log.Keep(cluster, faults.Gone, folder["acks"]);
            throw;
        }
    }

    private static LoadGenerator StartLoad(ClusterUnderTest cluster, TestHost spare, string acks, int seed) => LoadGenerator.Start(
        cluster.Workers.Select(worker => worker.Host!).Append(spare).Select(ClusterUnderTest.ClientOf),
        ClusterUnderTest.AdminPassword,
        "--reconnect",
        "--prefix", Prefix,
        "--users", Number(Users),
        "--rooms", Number(Rooms),
        "--members", Number(Members),
        "--rate", "250",
        "--duration", "0",
        "--until-eof",
        "--warmup", "0",
        "--drain", Number(DrainSeconds),
        "--mark-read",
        "--ack-log", acks,
        "--seed", Number(seed));

    /// <summary>Every room has a host that is active, and whichever worker its members are connected to, they chat there.</summary>
    private static async Task WholeAgainAsync(ClusterUnderTest cluster, ChaosRun run)
    {
        string? complaint = null;
        await Eventually.Holds(async () => (complaint = await run.ComplaintAsync()) is null, Limit, $"no complaint, the last one being: {complaint}");
        using var http = cluster.Workers[0].CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, Users, Rooms, Members, Prefix);
        foreach (var worker in cluster.Workers)
        {
            foreach (var room in crowd.Rooms)
            {
                await using var probe = await HubProbe.ConnectAsync(worker.Client, crowd.Token(room.Members[0]));
                await probe.CallAsync("subscribe", new { room = room.Room });
                var sent = await probe.CallAsync("send", new { room = room.Room, clientId = Guid.NewGuid().ToString(), body = "whole again" });
                await probe.NextAsync("events", e => e["events"]!.AsArray().Any(change => (long)change!["message"]!["seq"]! == (long)sent!["seq"]!));
            }
        }
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
