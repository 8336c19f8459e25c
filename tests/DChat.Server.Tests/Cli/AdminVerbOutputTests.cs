using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Cli.Administration;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Coordinator;
using DChat.Server.Tests.Http;
using DChat.Server.Worker;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using static DChat.Server.Tests.Http.ApiClient;

namespace DChat.Server.Tests.Cli;

/// <summary>What administrators' verbs print, for people and for scripts, and how they fail.</summary>
public sealed partial class AdminVerbOutputTests(AdminVerbOutputTests.World world) : IClassFixture<AdminVerbOutputTests.World>
{
    private const string Waiting = "waits-for-approval";

    [Fact]
    public async Task Status_shows_the_cluster_at_a_glance_and_each_worker()
    {
        var status = JsonSerializer.Deserialize(await DoAsync("status", "--json"), ProtocolJson.Wire.ClusterStatus)!;
        var own = status.Workers.Single(worker => worker.Id == world.Worker);
        Assert.Equal(("active", world.Rooms.Count), (own.State, own.Rooms));
        Assert.Equal((world.Users.Count, world.Rooms.Count, world.Server.Node.Authority), (status.Accounts, status.Rooms, status.Leader));

        var shown = Lines(await DoAsync("status"));
        Assert.StartsWith($"leader {status.Leader} · term {status.Term} · log entry ", shown[0], StringComparison.Ordinal);
        Assert.Equal($"{status.Accounts} accounts · {status.Rooms} rooms · {status.Memberships} memberships · 0 connections", shown[1]);
        var table = Lines(await DoAsync("worker", "list"));
        Assert.Equal(["worker", "address", "state", "kind", "rooms", "load", "connections", "deliveries/s", "lag", "seen", "version", "labels"], Cells(table[0]));
        Assert.Equal([world.Worker, own.Address, "active", "host", $"{world.Rooms.Count}"], Cells(table.Single(line => line.StartsWith(world.Worker, StringComparison.Ordinal)))[..5]);
        Assert.Equal([Waiting, $"{Waiting}:1", "pending", "gateway", "0"], Cells(table.Single(line => line.StartsWith(Waiting, StringComparison.Ordinal)))[..5]);
        Assert.All(table.Select(line => Cells(line)[0]), worker => Assert.Contains(shown, line => Cells(line)[0] == worker));
        Assert.Equal(Workers(status), Workers(JsonSerializer.Deserialize(await DoAsync("worker", "list", "--json"), ProtocolJson.Wire.ClusterStatus)!));

        static IEnumerable<(string, string, int)> Workers(ClusterStatus status) => status.Workers.Select(worker => (worker.Id, worker.State, worker.Rooms));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Status_says_that_the_control_log_is_full(bool isFull)
    {
        using var shown = new StringWriter();
        AdminText.Status(new ClusterStatus("c1:9000", 1, 2, 0, 1, 0, 0, 0, [], LogFull: isFull), shown);
        Assert.Equal(isFull, shown.ToString().Contains("! the control log is full: the registry cannot be changed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Accounts_are_listed_page_by_page_and_by_part_of_a_name()
    {
        Assert.Equal(world.Users.Order(StringComparer.Ordinal), (await PagesAsync("user list", "users", "user")).Order(StringComparer.Ordinal));
        Assert.Equal(["crowd1"], await PagesAsync("user list WD1", "users", "user"));
        Assert.Equal(["ann"], await PagesAsync("user list liddell", "users", "user")); // By the name that is shown.
        var shown = Lines(await DoAsync("user", "list"));
        Assert.Equal(["user", "name", "roles", "state", "rooms", "created"], Cells(shown[0]));
        Assert.Equal(["admin", "admin", "admin"], Cells(shown[1])[..3]);
        Assert.Equal(["ann", "Ann Liddell", "1"], Cells(shown.Single(line => line.StartsWith("ann ", StringComparison.Ordinal)))[..3]);
    }

    [Fact]
    public async Task Rooms_are_listed_page_by_page_and_one_is_shown_by_its_id_or_its_name()
    {
        Assert.Equal(world.Rooms.Order(StringComparer.Ordinal), (await PagesAsync("room list", "rooms", "id")).Order(StringComparer.Ordinal));
        Assert.Equal([world.Den], await PagesAsync("room list dark", "rooms", "id"));
        Assert.Equal([world.Den], await PagesAsync($"room list {world.Den}", "rooms", "id"));
        var table = Lines(await DoAsync("room", "list", "dark"));
        Assert.Equal(["id", "name", "kind", "visibility", "members", "created", "worker", "epoch"], Cells(table[0]));
        Assert.Equal([world.Den, World.DenName, "room", "public", "1"], Cells(table[1])[..5]);
        Assert.Contains(world.Worker, table[1], StringComparison.Ordinal);

        var byName = await DoAsync("room", "show", World.DenName);
        Assert.Equal(await DoAsync("room", "show", world.Den), byName);
        var shown = Lines(byName);
        Assert.Equal($"{world.Den}  {World.DenName}", shown[0]);
        Assert.Contains("room, public, 1 members, made by ann at ", shown[1], StringComparison.Ordinal);
        Assert.Equal("  owners     ann", shown[2]);
        Assert.StartsWith($"  host       {world.Worker}, epoch ", shown[3], StringComparison.Ordinal);
        Assert.Equal("  retention  as the server keeps messages", shown[4]);
        var room = JsonSerializer.Deserialize(await DoAsync("room", "show", world.Den, "--json"), ProtocolJson.Wire.AdminRoom)!;
        Assert.Equal((world.Den, World.DenName, world.Worker), (room.Id, room.Name, room.Worker));
        Assert.Equal(["ann"], room.Owners!);
    }

    [Fact]
    public async Task The_audit_trail_is_read_newest_first_and_page_by_page()
    {
        await DoAsync("user", "disable", "crowd0");
        await DoAsync("user", "enable", "crowd0");
        var all = JsonSerializer.Deserialize(await DoAsync("audit", "--limit", "1000", "--json"), ProtocolJson.Wire.AuditTrail)!;
        Assert.Equal(["enableAccount", "disableAccount"], all.Entries.Take(2).Select(line => line.Action));
        Assert.Equal(all.Entries.Select(line => $"{line.Number}"), await PagesAsync("audit", "entries", "number"));
        var shown = Lines(await DoAsync("audit"));
        Assert.Equal(["number", "at", "actor", "action", "room", "subject", "text"], Cells(shown[0]));
        Assert.Equal(["admin", "enableAccount", "crowd0"], Cells(shown[1])[2..]);
        Assert.Equal(["admin", "disableAccount", "crowd0"], Cells(shown[2])[2..]);
    }

    [Fact]
    public async Task What_changes_something_does_so_and_says_nothing_to_scripts()
    {
        using var api = new ApiClient(world.Server);
        var admin = (await api.LoginAsync("admin", world.Server.AdminPassword)).AccessToken;
        await File.WriteAllTextAsync(world.Folder["new"], "the first of bob's 1\n");
        Assert.Equal("", await DoAsync("user", "add", "bob", "--new-password-file", world.Folder["new"], "--json"));
        world.Users.Add("bob");
        var bob = await api.LoginAsync("bob", "the first of bob's 1");

        await File.WriteAllTextAsync(world.Folder["new"], "the second of bob's 2\n");
        Assert.Equal("", await DoAsync("user", "passwd", "bob", "--new-password-file", world.Folder["new"], "--json"));
        await RefusedAsync(await api.GetAsync("/api/me", bob.AccessToken), HttpStatusCode.Unauthorized, ErrorCodes.NotSignedIn);
        await RefusedAsync(await api.PostAsync("/api/login", new LoginRequest("bob", "the first of bob's 1")), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);
        bob = await api.LoginAsync("bob", "the second of bob's 2");

        Assert.Equal("", await DoAsync("user", "grant", "bob", "--json"));
        Assert.Equal(["admin"], (await ReadAsync<Me>(await api.GetAsync("/api/me", bob.AccessToken))).Roles);
        Assert.Equal("", await DoAsync("user", "revoke", "bob", "--json"));
        Assert.Empty((await ReadAsync<Me>(await api.GetAsync("/api/me", bob.AccessToken))).Roles);

        Assert.Equal("", await DoAsync("user", "disable", "bob", "--json"));
        await RefusedAsync(await api.PostAsync("/api/login", new LoginRequest("bob", "the second of bob's 2")), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);
        Assert.Contains(Lines(await DoAsync("user", "list", "bob")), line => Cells(line).Contains("disabled"));
        Assert.Equal("", await DoAsync("user", "enable", "bob", "--json"));
        await api.LoginAsync("bob", "the second of bob's 2");

        Assert.Equal("", await DoAsync("room", "move", world.Den, world.Worker, "--json"));
        Assert.Equal(world.Worker, (await ReadAsync<AdminRoom>(await api.GetAsync($"/api/admin/rooms/{world.Den}", admin))).Worker);
    }

    [Fact]
    public async Task An_invitation_is_printed_with_what_it_is_good_for_and_is_good_for_it()
    {
        var said = await DoAsync("invite", "--uses", "2", "--days", "3");
        var match = Invitation().Match(said.TrimEnd());
        Assert.True(match.Success, said);
        Assert.True(world.Server.Services.GetRequiredService<RegistryReplica>().State.FindInvitation(SecretHash.Of(match.Groups["code"].Value)) is { UsesLeft: 2 });
        var made = JsonSerializer.Deserialize(await DoAsync("invite", "--json"), ProtocolJson.Wire.InvitationAnswer)!;
        Assert.Equal(1, made.Uses);
        Assert.NotNull(world.Server.Services.GetRequiredService<RegistryReplica>().State.FindInvitation(SecretHash.Of(made.Code)));
    }

    [Theory]
    [InlineData("worker approve nobody", "There is no worker nobody.")]
    [InlineData("worker drain nobody", "There is no worker nobody.")]
    [InlineData("drain nobody", "There is no worker nobody.")]
    [InlineData("worker remove nobody", "There is no worker nobody.")]
    [InlineData("worker drain " + Waiting, "The worker waits-for-approval is pending.")]
    [InlineData("room show nothing", "There is no room nothing: give its id, or a public room's name.")]
    [InlineData("room move nothing w", "There is no room nothing")]
    [InlineData("room move crowd-room-0 nobody", "There is no such worker; `dchat-server worker list` shows them.")]
    [InlineData("room delete nothing --yes", "There is no room nothing")]
    [InlineData("room export nothing", "There is no room nothing")]
    [InlineData("user grant nobody", "No such user.")]
    [InlineData("user revoke admin", "The last administrator stays.")]
    [InlineData("user disable admin", "The last administrator stays.")]
    [InlineData("user enable nobody", "No such user.")]
    [InlineData("invite --days 366", "An invitation is valid for 1 to 365 days.")]
    [InlineData("user list --limit 1001", "limit is 1 to 1000.")]
    [InlineData("room list --after x", "is the next of the page before.")]
    [InlineData("audit --after x", "is the next of the page before.")]
    [InlineData("member list", "etcd")]
    public async Task What_cannot_be_done_is_told_with_the_reason_and_exit_code_1(string verb, string why)
    {
        var (code, output, error) = await RunAsync(verb.Split(' '));
        Assert.Equal((CommandLine.Failure, ""), (code, output));
        Assert.StartsWith("dchat-server: ", error, StringComparison.Ordinal);
        Assert.Contains(why, error, StringComparison.Ordinal);
        Assert.Single(Lines(error));
    }

    [Fact]
    public async Task Who_may_not_or_cannot_ask_is_told_so_by_every_verb()
    {
        await File.WriteAllTextAsync(world.Folder["anns"], Password);
        await File.WriteAllTextAsync(world.Folder["wrong"], "not anybody's");
        foreach (var verb in Verbs.All)
        {
            string[] words = [.. verb.Split(' '), .. Arguments(verb)];
            await FailsAsync("Only an administrator can do that.", CommandLine.Failure, [.. words, "--server", Server, "--user", "ann", "--password-file", world.Folder["anns"]]);
            await FailsAsync("cannot be reached", CommandLine.Failure, [.. words, "--server", $"127.0.0.1:{FreePort.Next()}", "--password-file", world.Password]);
            await FailsAsync("it is no address of a server", CommandLine.BadConfiguration, [.. words, "--server", "ftp://x", "--password-file", world.Password]);
        }

        await FailsAsync($"admin is not let in at {world.Server.Client}", CommandLine.Failure, "status", "--server", Server, "--password-file", world.Folder["wrong"]);

        static async Task FailsAsync(string why, int expected, params string[] arguments)
        {
            var (code, output, error) = await Verbs.RunAsync(arguments);
            Assert.True(code == expected && output.Length == 0 && error.Contains(why, StringComparison.Ordinal), $"{string.Join(' ', arguments)} ended with {code}: {output}{error}");
        }
    }

    private string Server => world.Server.Client.ToString();

    /// <summary>Some for a verb that takes them, which never come to be looked at.</summary>
    private string[] Arguments(string verb) => verb switch
    {
        "room move" => ["x", "y"],
        "room delete" => ["x", "--yes"],
        "user add" or "user passwd" => ["xx", "--new-password-file", world.Password],
        "member replace" => ["c2=10.0.0.9"],
        "room list" or "user list" or "worker list" or "member list" or "status" or "audit" or "invite" => [],
        _ => ["x"],
    };

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] verb) => Verbs.RunAsync([.. verb, "--server", Server, "--password-file", world.Password]);

    /// <summary>A verb that succeeds, and what it prints.</summary>
    private async Task<string> DoAsync(params string[] verb)
    {
        var (code, output, error) = await RunAsync(verb);
        Assert.True(code == CommandLine.Success && error.Length == 0, $"{string.Join(' ', verb)} ended with {code}: {error}");
        return output;
    }

    /// <summary>What a list names, read in pages of two, by scripts and by people: both are shown the same, and told how to go on.</summary>
    private async Task<List<string>> PagesAsync(string verb, string list, string name)
    {
        var all = new List<string>();
        string[] page = [.. verb.Split(' '), "--limit", "2"];
        for (string[] next = []; ;)
        {
            var answer = JsonNode.Parse(await DoAsync([.. page, .. next, "--json"]))!;
            string[] names = [.. answer[list]!.AsArray().Select(entry => entry![name]!.ToString())];
            var shown = Lines(await DoAsync([.. page, .. next]))[1..];
            Assert.Equal(names, shown.Take(names.Length).Select(line => Cells(line)[0]));
            Assert.Empty(names.Intersect(all)); // Else it might never end.
            all.AddRange(names);
            if (answer["next"] is not { } at)
            {
                Assert.Equal(names.Length, shown.Length);
                return all;
            }

            Assert.Equal(2, names.Length);
            Assert.Equal($"there are more: --after {at}", shown[2]);
            next = ["--after", at.ToString()];
        }
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Columns stand two blanks apart at least.</summary>
    private static string[] Cells(string line) => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    [GeneratedRegex(@"^(?<code>[0-9a-f]+)  makes 2 accounts, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$", RegexOptions.CultureInvariant)]
    private static partial Regex Invitation();

    /// <summary>A server with a few accounts and rooms, and a worker that waits for approval.</summary>
    public sealed class World : IAsyncLifetime
    {
        public const string DenName = "the dark room";

        private NodeLink _waiting = null!;

        public InProcessServer Server { get; private set; } = null!;

        public TemporaryFolder Folder { get; } = new();

        /// <summary>The file with the administrator's.</summary>
        public string Password => Folder["password"];

        public string Worker { get; private set; } = "";

        public List<string> Users { get; } = ["admin", "ann", "crowd0", "crowd1", "crowd2"];

        public List<string> Rooms { get; } = [];

        /// <summary>The room that ann made, by its id.</summary>
        public string Den { get; private set; } = "";

        public async Task InitializeAsync()
        {
            var (secret, port) = (Convert.ToBase64String(new byte[ClusterSecret.Size]), FreePort.Next());
            Server = await InProcessServer.StartAsync(options => options with { NodePort = port, ClusterSecret = secret, Admission = WorkerAdmissionMode.Approve, WorkerSilenceMs = 60_000 });
            Worker = Server.Services.GetRequiredService<WorkerIdentity>().Id;
            await File.WriteAllTextAsync(Password, Server.AdminPassword);
            using var http = Server.CreateHttpClient();
            Rooms.AddRange((await Crowd.MakeAsync(http, Server.AdminPassword, users: 3, rooms: 4, prefix: "crowd")).Rooms.Select(room => room.Room));
            using var api = new ApiClient(Server);
            var ann = await ReadAsync<TokenAnswer>(await api.PostAsync("/api/register", new RegisterRequest("ann", ApiClient.Password, "Ann Liddell")), HttpStatusCode.Created);
            await using (var probe = await HubProbe.ConnectAsync(Server.Client, ann.AccessToken))
            {
                Den = (string)(await probe.CallAsync("createRoom", new { name = DenName, visibility = "public" }))!["id"]!;
            }

            Rooms.Add(Den);
            _waiting = await AskingWorker.JoinAsync(Server, secret, Waiting);

            // Rooms are given to workers a moment after they are made, and connections are counted once a second.
            await Eventually.Holds(async () =>
            {
                var (_, output, _) = await Verbs.RunAsync("status", "--json", "--server", Server.Client.ToString(), "--password-file", Password);
                return JsonSerializer.Deserialize(output, ProtocolJson.Wire.ClusterStatus) is { Online: 0 } status && status.Workers.Single(worker => worker.Id == Worker).Rooms == Rooms.Count;
            });
        }

        public async Task DisposeAsync()
        {
            await _waiting.DisposeAsync();
            await Server.DisposeAsync();
            Folder.Dispose();
        }
    }
}
