using System.Diagnostics;
using System.Globalization;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.EtcdMembers;
using DChat.Server.Nodes;
using DChat.TestKit;

namespace DChat.Cluster.Tests.EtcdMembers;

/// <summary>Coordinators that run their own etcd: an operator starts only D-Chat.</summary>
public sealed partial class MemberTests
{
    [Fact]
    public async Task An_etcd_that_dies_comes_back_and_none_outlives_its_coordinator()
    {
        await using var cluster = await MemberCluster.StartAsync(3);
        var (c1, c2) = (cluster.Coordinators["c1"], cluster.Coordinators["c2"]);

        var killed = MemberCluster.EtcdOf(c1);
        var arguments = await File.ReadAllTextAsync($"/proc/{killed}/cmdline");
        Assert.Contains($"\0--heartbeat-interval\0{MemberCluster.HeartbeatMs}\0", arguments, StringComparison.Ordinal);
        Assert.Contains($"\0--election-timeout\0{MemberCluster.ElectionMs}\0", arguments, StringComparison.Ordinal);
        using (var etcd = Process.GetProcessById(killed))
        {
            etcd.Kill();
        }

        await Eventually.Holds(() => MemberCluster.EtcdOf(c1) != killed && MemberCluster.Runs(MemberCluster.EtcdOf(c1)));
        await c1.SaysAsync("etcd ended by itself");
        Assert.Equal(1, await Metrics.ReadAsync(c1, "dchat_etcd_ends_total"));
        await Eventually.Holds(async () => await Metrics.ReadAsync(c2, "dchat_log_bytes") is > 0 and var used && await Metrics.ReadAsync(c2, "dchat_log_quota_bytes") > used);

        var orphan = MemberCluster.EtcdOf(c2);
        await c2.KillAsync();
        await Eventually.Holds(() => !MemberCluster.Runs(orphan));
        await c2.RestartAsync();
        Assert.True(MemberCluster.Runs(MemberCluster.EtcdOf(c2)));

        var last = MemberCluster.EtcdOf(c1);
        Assert.Equal(0, await c1.TerminateAsync());
        Assert.False(MemberCluster.Runs(last));
        await c1.RestartAsync();
        Assert.DoesNotContain(c1.Log.Lines, line => line.Contains("correct --peers", StringComparison.Ordinal));
    }

    /// <summary>etcd itself ends sooner or later when nobody reads what it writes. What neither reads nor writes shows that the kernel ends it.</summary>
    [Fact]
    public async Task A_child_that_says_and_hears_nothing_ends_with_a_coordinator_that_is_killed()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["secret"], Convert.ToBase64String(new byte[32]));
        await File.WriteAllTextAsync(folder["etcd"], $"#!/bin/sh\n[ \"$1\" = --version ] && exec echo etcd Version: 3.4.23\necho $$ >{folder["pid"]}.new\nmv {folder["pid"]}.new {folder["pid"]}\nexec sleep 100000\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder["secret"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.SetUnixFileMode(folder["etcd"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var child = 0;
        try
        {
            await ServerProcess.RunAsync(
                [
                    "--mode", "coordinator", "--data", folder["data"], "--node-port", $"{FreePort.Next()}", "--node", "c1", "--peers", $"c1=127.0.0.1:{FreePort.Next()}",
                    "--cluster-secret-file", folder["secret"], "--etcd-program", folder["etcd"],
                ],
                started: async id =>
                {
                    await Eventually.Holds(() => File.Exists(folder["pid"]));
                    child = int.Parse(await File.ReadAllTextAsync(folder["pid"]), CultureInfo.InvariantCulture);
                    Assert.True(MemberCluster.Runs(child));
                    using var coordinator = Process.GetProcessById(id);
                    coordinator.Kill();
                });
            await Eventually.Holds(() => !MemberCluster.Runs(child));
        }
        finally
        {
            if (child != 0 && MemberCluster.Runs(child))
            {
                using var left = Process.GetProcessById(child);
                left.Kill();
            }
        }
    }

    [Fact]
    public async Task Nobody_is_answered_who_shows_no_certificate_of_the_cluster()
    {
        await using var cluster = await MemberCluster.StartAsync(1);
        var coordinator = cluster.Coordinators["c1"];
        using var other = new CertificateAuthority("another");
        var client = MemberCluster.ClientPortOf(coordinator);
        var tls = Path.Combine(coordinator.Data, "etcd", "tls");
        foreach (var port in new[] { client, cluster.PeerPort("c1") })
        {
            await ClosedDoor.AssertOpensAsync(IPAddress.Loopback, port, Path.Combine(tls, "member.pem"), Path.Combine(tls, "member.key"));
            await ClosedDoor.AssertAsync(IPAddress.Loopback, port, other);
        }

        // The clients' port is of the loopback's one address, and of no other of this machine.
        await ClosedDoor.AssertNobodyListensAsync(IPAddress.Parse("127.0.0.2"), client);
        foreach (var address in NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(address => address.Address)
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address)))
        {
            await ClosedDoor.AssertNobodyListensAsync(address, client);
        }

        Assert.All(Directory.EnumerateFiles(Path.Combine(coordinator.Data, "etcd"), "*", SearchOption.AllDirectories), file => AssertForOwnerOnly(file));
        AssertForOwnerOnly(Path.Combine(coordinator.Data, "etcd"), UnixFileMode.UserExecute);
    }

    [Fact]
    public async Task A_member_that_is_lost_is_replaced_on_another_machine_while_the_others_run()
    {
        await using var cluster = await MemberCluster.StartAsync(3);
        var worker = await cluster.StartWorkerAsync();
        var (c1, c2) = (cluster.Coordinators["c1"], cluster.Coordinators["c2"]);
        var moved = FreePort.Next();
        var peers = cluster.Peers.Replace(MemberCluster.Address(cluster.PeerPort("c2")), MemberCluster.Address(moved), StringComparison.Ordinal);

        var (code, output, error) = await AskAsync(worker, "replace", $"c2={MemberCluster.Address(moved)}");
        Assert.True(code == 1 && (error.Contains("c2 still runs", StringComparison.Ordinal) || error.Contains("c2 is the coordinator that leads", StringComparison.Ordinal)), output + error);

        // Its machine is gone. It must not begin again at its address with nothing.
        await c2.KillAsync();
        (code, _, error) = await cluster.TryStartAsync("c2", cluster.Peers, "empty");
        Assert.True(code == 1 && error.Contains($"run `dchat-server member replace c2={MemberCluster.Address(cluster.PeerPort("c2"))}`", StringComparison.Ordinal), error);

        (code, output, error) = await AskAsync(worker, "replace", $"c2={MemberCluster.Address(moved)}");
        Assert.True(code == 0, error);
        Assert.Contains($"--node c2 --peers {peers} ", output, StringComparison.Ordinal);
        cluster.Coordinators["new c2"] = await cluster.StartCoordinatorAsync("c2", peers, "new");
        await Eventually.Holds(async () => await CountUpAsync(worker) == 3);
        var trail = JsonSerializer.Deserialize((await ServerProcess.RunAsync(["audit", "--json", "--server", worker.Client.ToString()], Administrator)).Output, ProtocolJson.Wire.AuditTrail)!;
        var told = Assert.Single(trail.Entries, line => line.Action == "replaceMember");
        Assert.Equal(("admin", "c2", MemberCluster.Address(moved)), (told.Actor, told.Subject, told.Text));

        // One that starts with what --peers was goes on, and says what to change. It needs the new one: the third is stopped.
        Assert.Equal(0, await c1.TerminateAsync());
        await c1.RestartAsync();
        await c1.SaysAsync($"--peers says c2={MemberCluster.Address(cluster.PeerPort("c2"))}");
        await cluster.Coordinators["c3"].KillAsync();
        await Eventually.Holds(async () => await CountUpAsync(worker) == 2);
        await cluster.Coordinators["c3"].RestartAsync();
    }

    /// <summary>Workers ask the leader if they reach it, and else a standby, to which it is no matter of its own.</summary>
    [Fact]
    public async Task Whichever_coordinator_is_asked_the_one_that_leads_replaces_and_not_itself()
    {
        await using var cluster = await MemberCluster.StartAsync(3);
        using var dialer = new NodeDialer(
            new NodeHandshake(ClusterSecret.Parse(await File.ReadAllTextAsync(cluster.SecretFile), "the test's")), new NodeSelf("asks", "1", "127.0.0.1:1", "test"), null, TimeProvider.System);
        string? leader = null;
        await Eventually.Holds(async () =>
        {
            var leading = new List<string>();
            foreach (var (name, coordinator) in cluster.Coordinators)
            {
                var who = new PayloadReader(await CallAsync(coordinator, RegistryMethods.Who, default));
                var leads = who.Flag();
                _ = who.Text();
                if (leads)
                {
                    leading.Add(name);
                }
                else if (!who.Flag())
                {
                    return false; // It does not reach the leader yet.
                }
            }

            leader = leading is [var one] ? one : null;
            return leader is not null;
        });
        foreach (var (asked, name) in cluster.Coordinators.Keys.SelectMany(asked => cluster.Coordinators.Keys.Select(name => (asked, name))))
        {
            var request = new EtcdMemberRequest($"{name}={MemberCluster.Address(FreePort.Next())}", Force: false, "admin", "", 0);
            var answer = JsonSerializer.Deserialize(
                await CallAsync(cluster.Coordinators[asked], RegistryMethods.Members, JsonSerializer.SerializeToUtf8Bytes(request, MemberJson.Default.EtcdMemberRequest)), MemberJson.Default.EtcdMemberAnswer)!;
            Assert.Contains(name == leader ? $"{name} is the coordinator that leads" : $"{name} still runs", answer.Text, StringComparison.Ordinal);
        }

        async Task<byte[]> CallAsync(ServerProcess coordinator, byte method, ReadOnlyMemory<byte> payload)
        {
            await using var link = await dialer.ConnectAsync(coordinator.Node.Authority, NodeServices.Registry, null, _ => new NothingComes(), CancellationToken.None).Within();
            return await link.CallAsync(method, payload, Eventually.DefaultLimit, CancellationToken.None);
        }
    }

    /// <summary>Whether the leader is among those that are away; in the long form also the one that is left.</summary>
    public static TheoryData<bool> LeadersAway => LongTests.Pick<TheoryData<bool>>([true], [true, false]);

    [Theory]
    [MemberData(nameof(LeadersAway))]
    public async Task Without_a_majority_it_is_told_who_is_away_and_that_nothing_was_begun(bool leaderToo)
    {
        await using var cluster = await MemberCluster.StartAsync(3);
        var worker = await cluster.StartWorkerAsync();
        await Eventually.Holds(async () => await CountUpAsync(worker) == 3);
        var leader = cluster.Coordinators.MaxBy(coordinator => LastTerm(coordinator.Value)).Key;
        var left = leaderToo ? cluster.Coordinators.Keys.First(name => name != leader) : leader;
        string[] away = [.. cluster.Coordinators.Keys.Where(name => name != left)];
        await Task.WhenAll(away.Select(name => cluster.Coordinators[name].KillAsync()));

        var (code, output, error) = (0, "", "");
        await Eventually.Holds(async () =>
        {
            (code, output, error) = await AskAsync(worker, "list");
            return output.Length > 0 && code != 0;
        });
        Assert.Contains("More than half of the etcd members do not agree", error, StringComparison.Ordinal);
        Assert.Equal(
            cluster.Coordinators.Keys.Order().Select(name => $"{name} {MemberCluster.Address(cluster.PeerPort(name))} {(name == left ? "up" : "away")}"),
            output.Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(3))).Where(line => line.StartsWith('c')));

        (code, _, error) = await AskAsync(worker, "replace", $"{away[0]}={MemberCluster.Address(FreePort.Next())}");
        Assert.True(code == 1 && error.Contains($"({away[1]} is not)", StringComparison.Ordinal), error);
        Assert.DoesNotContain("half done", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Etcd_data_that_is_lost_is_not_begun_anew()
    {
        await using var cluster = await MemberCluster.StartAsync(1);
        var coordinator = cluster.Coordinators["c1"];
        await Eventually.Holds(() => Terms(coordinator) == 1);
        Assert.Equal(0, await coordinator.TerminateAsync());
        var data = Path.Combine(coordinator.Data, "etcd", "data");
        Directory.Move(data, data + ".away");
        var (code, _, error) = await cluster.TryStartAsync("c1", cluster.Peers, "c1");
        Assert.True(code == 1 && error.Contains("is missing", StringComparison.Ordinal) && error.Contains("member replace c1=", StringComparison.Ordinal), error);

        var (wrongName, _, said) = await cluster.TryStartAsync("c9", cluster.Peers.Replace("c1=", "c9=", StringComparison.Ordinal), "c1");
        Assert.True(wrongName == 1 && said.Contains("is the data of c1", StringComparison.Ordinal), said);

        Directory.Move(data + ".away", data);
        await coordinator.RestartAsync();
        await Eventually.Holds(() => Terms(coordinator) == 2);
    }

    [Fact]
    public async Task Etcd_data_that_is_damaged_stops_the_start_and_says_how_to_replace_the_member()
    {
        await using var cluster = await MemberCluster.StartAsync(1);
        var coordinator = cluster.Coordinators["c1"];
        await coordinator.KillAsync();
        var log = Directory.EnumerateFiles(Path.Combine(coordinator.Data, "etcd", "data", "member", "wal"), "*.wal").Order(StringComparer.Ordinal).First();
        await using (var file = new FileStream(log, FileMode.Open, FileAccess.Write))
        {
            file.Position = 300;
            await file.WriteAsync(Enumerable.Repeat((byte)0xA5, 400).ToArray());
        }

        var (code, _, error) = await cluster.TryStartAsync("c1", cluster.Peers, "c1");
        Assert.True(code == 1 && error.Contains("etcd ended 5 times at its start: ", StringComparison.Ordinal) && error.Contains("member replace c1=", StringComparison.Ordinal), error);
    }

    private static int Terms(ServerProcess coordinator) => TermsOf(coordinator).Count();

    /// <summary>0: it never led.</summary>
    private static long LastTerm(ServerProcess coordinator) => TermsOf(coordinator).LastOrDefault();

    private static IEnumerable<long> TermsOf(ServerProcess coordinator) => coordinator.Log.Lines
        .Select(line => Leads().Match(line))
        .Where(match => match.Success)
        .Select(match => long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));

    [GeneratedRegex("This coordinator leads in term ([0-9]+)")]
    private static partial Regex Leads();

    private static Dictionary<string, string> Administrator { get; } = new() { ["DCHAT_ADMIN_PASSWORD"] = MemberCluster.AdminPassword };

    private static Task<(int ExitCode, string Output, string Error)> AskAsync(ServerProcess worker, params string[] verb) =>
        ServerProcess.RunAsync(["member", .. verb, "--server", worker.Client.ToString()], Administrator);

    private static async Task<int> CountUpAsync(ServerProcess worker) => (await AskAsync(worker, "list", "--json")).Output.Split("\"state\":\"up\"").Length - 1;

    private static void AssertForOwnerOnly(string path, UnixFileMode more = 0)
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal((path, UnixFileMode.UserRead | UnixFileMode.UserWrite | more), (path, File.GetUnixFileMode(path) | (UnixFileMode.UserRead | UnixFileMode.UserWrite)));
        }
    }

    private sealed class NothingComes : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => throw new InvalidDataException($"{message.Method} came out of turn");

        public void Ended(NodeLink link, string why)
        {
            // Whoever waits for the answer hears it.
        }
    }
}
