using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary><c>make cluster</c>, as somebody tries a cluster out.</summary>
public sealed partial class MakeClusterTests
{
    private const string LastLine = "  stop                Ctrl-C";

    /// <summary>The usual one is the smallest that is a cluster; <c>make test-long</c> starts them with PostgreSQL and with several coordinators too.</summary>
    public static TheoryData<string> Forms => LongTests.Pick<TheoryData<string>>(["STORE=sqlite WORKERS=2"], ["STORE=sqlite WORKERS=2", "WORKERS=2", "STORE=sqlite WORKERS=1 COORDINATORS=3"]);

    /// <summary>Files that appear while something is started.</summary>
    public static TheoryData<string> Beginnings => LongTests.Pick<TheoryData<string>>(["postgres/postmaster.pid"], ["postgres/postmaster.pid", "coordinator.log", "worker1.log"]);

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task It_says_where_everything_is_and_Ctrl_C_stops_all_of_it(string form)
    {
        await using var script = new ClusterScript(form.Split(' '));
        await script.StartAsync(until: LastLine);
        var ports = new List<int>();
        var workers = form.Contains("WORKERS=2", StringComparison.Ordinal) ? 2 : 1;
        var coordinators = form.Contains("COORDINATORS=3", StringComparison.Ordinal) ? 3 : 1;

        foreach (var address in Assert.Single(script.Summary("coordinators")).Replace(" (nodes and metrics)", "", StringComparison.Ordinal).Split(", "))
        {
            Assert.Contains("dchat_coordinator_leads", await ReadAsync($"http://{address}/metrics"), StringComparison.Ordinal);
            ports.Add(PortOf(address));
        }

        Assert.Equal(coordinators, ports.Count);
        var clients = new List<Uri>();
        for (var i = 1; i <= workers; i++)
        {
            var said = Worker().Match(Assert.Single(script.Summary($"worker {i}")));
            Assert.True(said.Success, script.Said);
            clients.Add(new Uri(said.Groups["client"].Value));
            Assert.Equal("ready\n", await ReadAsync(new Uri(clients[^1], "/health/ready").ToString()));
            Assert.Contains("dchat_worker_linked", await ReadAsync($"http://{said.Groups["node"].Value}/metrics"), StringComparison.Ordinal);
            ports.AddRange([clients[^1].Port, PortOf(said.Groups["node"].Value)]);
        }

        var isAlone = form.Contains("STORE=sqlite", StringComparison.Ordinal);
        Assert.Equal(isAlone ? "all on worker 1 (SQLite): if it dies, they wait for it" : "on every worker: if one dies, the others take its rooms", Assert.Single(script.Summary("rooms")));
        if (!isAlone)
        {
            ports.Add(PortOf(Assert.Single(script.Summary("PostgreSQL")).Split(',')[0]));
        }

        var password = Assert.Single(script.Summary("administrator"))["admin, password in ".Length..];
        await ChatAsync(clients[0], clients[^1], (await File.ReadAllTextAsync(password)).Trim(), isAlone);
        Assert.Equal($"make dev-client ARGS=\"register NAME --server {clients[0].ToString().TrimEnd('/')}\"", Assert.Single(script.Summary("chat")));
        Assert.Equal($"{script.Data}/*.log", Assert.Single(script.Summary("logs")));
        Assert.Equal(coordinators + workers, Directory.GetFiles(script.Data, "*.log").Length);

        // One that ends is named, with where to look; the others go on.
        var last = script.Processes.Single(process => process.Command.Contains($"--data {script.Data}/worker{workers} ", StringComparison.Ordinal));
        using (var process = System.Diagnostics.Process.GetProcessById(last.Id))
        {
            process.Kill();
        }

        await script.SaysAsync($"worker{workers} ended; its last words are in {script.Data}/worker{workers}.log");
        script.Interrupt();
        await script.WaitForExitAsync();
        Assert.Contains("stopping: workers, coordinators", script.Said, StringComparison.Ordinal);
        Assert.Empty(script.Processes);
        foreach (var port in ports)
        {
            await ClosedDoor.AssertNobodyListensAsync(IPAddress.Loopback, port);
        }

        foreach (var file in Directory.GetFiles(script.Data, "*.log"))
        {
            var log = new LogBook();
            (await File.ReadAllLinesAsync(file)).ToList().ForEach(log.Write);
            log.AssertClean();
        }
    }

    /// <summary>What is just being started is stopped too; whatever starts PostgreSQL hears Ctrl-C as well, and would leave it behind.</summary>
    [Theory]
    [MemberData(nameof(Beginnings))]
    public async Task Ctrl_C_in_the_middle_of_the_start_leaves_nothing_behind(string file)
    {
        await using var script = new ClusterScript("WORKERS=1");
        await script.StartAsync(until: "starting PostgreSQL");
        await Eventually.Holds(() => File.Exists(Path.Combine(script.Data, file)));
        script.Interrupt();
        await script.WaitForExitAsync();
        Assert.Empty(script.Processes);
        Assert.DoesNotContain(LastLine, script.Said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("WORKERS=0", "is not a number from 1 to 99; give WORKERS=3")]
    [InlineData("COORDINATORS=ten", "is not a number from 1 to 9; give COORDINATORS=3")]
    [InlineData("STORE=mysql", "is neither postgres nor sqlite")]
    public async Task What_it_cannot_do_it_says_before_it_does_anything(string setting, string why)
    {
        await using var script = new ClusterScript(setting);
        await script.StartAsync(until: $"make cluster: {setting} {why}");
        Assert.Equal(2, await script.WaitForExitAsync());
        Assert.DoesNotContain("building", script.Said, StringComparison.Ordinal);
        Assert.False(Directory.Exists(script.Data));
    }

    /// <summary>Whoever is at the last worker chats with whoever is at the first, which hosts the room where it is the only one with the messages.</summary>
    private static async Task ChatAsync(Uri first, Uri last, string password, bool firstHostsAll)
    {
        using var http = new HttpClient { BaseAddress = last, Timeout = Eventually.DefaultLimit };
        var crowd = await Crowd.MakeAsync(http, password, users: 2);
        await using var ann = await HubProbe.ConnectAsync(last, crowd.Token(0));
        await using var bob = await HubProbe.ConnectAsync(first, crowd.Token(1));
        await bob.CallAsync("subscribe", new { room = crowd.Room });
        Assert.Equal(1, await ClusterCalls.SendAsync(ann, crowd.Room, "1", "from the last worker"));
        await bob.NextAsync("events", call => call["events"]!.AsArray().Any(change => (string?)change!["message"]?["body"] == "from the last worker"));

        var login = await http.PostAsJsonAsync("/api/login", new LoginRequest("admin", password));
        http.DefaultRequestHeaders.Authorization = new("Bearer", (await login.Content.ReadFromJsonAsync<TokenAnswer>())!.AccessToken);
        var status = (await http.GetFromJsonAsync<JsonNode>("/api/admin/status"))!;
        var hosts = status["workers"]!.AsArray().Where(worker => (int)worker!["capacity"]! > 0).Select(worker => (string)worker!["id"]!).ToList();
        var all = status["workers"]!.AsArray().Count;
        Assert.Equal(firstHostsAll ? 1 : all, hosts.Count);
        using var other = new HttpClient { BaseAddress = first };
        Assert.Contains((await other.GetFromJsonAsync<InfoAnswer>("/api/info"))!.Worker, hosts);
    }

    private static async Task<string> ReadAsync(string address)
    {
        using var http = new HttpClient { Timeout = Eventually.DefaultLimit };
        return await http.GetStringAsync(address);
    }

    private static int PortOf(string address) => int.Parse(address[(address.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<client>http://127\.0\.0\.1:\d+)   node (?<node>127\.0\.0\.1:\d+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Worker();
}
