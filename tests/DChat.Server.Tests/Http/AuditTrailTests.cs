using System.Net;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Cli;
using DChat.Server.Tests.Coordinator;
using DChat.Server.Worker;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using static DChat.Server.Tests.Http.ApiClient;

namespace DChat.Server.Tests.Http;

/// <summary>
/// Whatever an administrator changes is in the audit trail, with who did it and to what; what only shows is not. All is asked that is
/// mapped, and all verbs: a new one fails here until it is said what it leaves there.
/// </summary>
public sealed class AuditTrailTests : IAsyncLifetime
{
    private const string Room = "war room";

    private readonly TemporaryFolder _folder = new();
    private readonly List<NodeLink> _workers = [];
    private InProcessServer _server = null!;
    private ApiClient _api = null!;
    private string _admin = "";
    private string _room = "";
    private long _told;

    public async Task InitializeAsync()
    {
        var secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
        _server = await InProcessServer.StartAsync(options => options with
        {
            ClusterSecret = secret,
            Admission = WorkerAdmissionMode.Approve,
            Placement = RoomPlacementMode.Creator, // No room moves by itself.
            WorkerSilenceMs = 60_000,
            WorkerClosedMs = 60_000,
            AccessTokenSeconds = 3_600,
        });
        _api = new ApiClient(_server);
        _admin = (await _api.LoginAsync("admin", _server.AdminPassword)).AccessToken;
        await using (var owner = await HubProbe.ConnectAsync(_server.Client, (await _api.RegisterAsync("owner")).AccessToken))
        {
            _room = (string)(await owner.CallAsync("createRoom", new { name = Room, visibility = "public" }))!["id"]!;
        }

        foreach (var worker in new[] { "w1", "w2", "w3" })
        {
            _workers.Add(await AskingWorker.JoinAsync(_server, secret, worker, await _server.Services.GetRequiredService<IMessageStore>().ReadIdAsync(CancellationToken.None)));
        }

        await NoContentAsync(await _api.PostAsync("/api/admin/workers/w3/approve", token: _admin));
        await File.WriteAllTextAsync(_folder["password"], _server.AdminPassword);
        await File.WriteAllTextAsync(_folder["new"], Password);
        await NewLinesAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }

        _api.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Of_the_administrators_routes_all_that_change_something()
    {
        Step[] steps =
        [
            new("POST /api/admin/users", "ann", new RegisterRequest("ann", Password), Line("createAccount", subject: "ann")),
            new("POST /api/admin/users/{user}/password", "ann", new PasswordRequest(null, "a fresh password"), Line("changePassword", subject: "ann")),
            new("PUT /api/admin/users/{user}/roles/{role}", "ann/roles/admin", null, Line("grantRole", subject: "ann", text: "admin")),
            new("DELETE /api/admin/users/{user}/roles/{role}", "ann/roles/admin", null, Line("revokeRole", subject: "ann", text: "admin")),
            new("POST /api/admin/users/{user}/disable", "ann", new DisableAccountRequest("left"), Line("disableAccount", subject: "ann", text: "left")),
            new("POST /api/admin/users/{user}/enable", "ann", null, Line("enableAccount", subject: "ann")),
            new("POST /api/admin/invitations", "", new NewInvitationRequest(Uses: 3), Line("createInvitation", text: "3 uses")),
            new("POST /api/admin/users/bulk", "", new BulkUsersRequest("bulk", 2, Rooms: 1, MembersPerRoom: 2),
                () => [Line("createRoom", room: BulkRoom, text: "bulk-room-0, 2 members"), Line("createAccounts", text: "2 accounts from bulk0 to bulk1")]),
            new("POST /api/admin/workers/{worker}/approve", "w1", null, Line("setWorkerState", subject: "w1", text: "active")),
            new("POST /api/admin/rooms/{room}/move", _room, new MoveRoomRequest("w1"), Line("assignRooms", room: _room, subject: "w1", text: "1 rooms")),
            new("POST /api/admin/workers/{worker}/drain", "w1", null, Line("setWorkerState", subject: "w1", text: "draining")),
            new("DELETE /api/admin/workers/{worker}", "w2", null, Line("removeWorker", subject: "w2")),
            new("GET /api/admin/rooms/{room}/export", _room, null, Line("exportRoom", room: _room)),
            new("DELETE /api/admin/rooms/{room}", _room, null, Line("deleteRoom", room: _room, text: Room)),

            // Here it is refused, and changes nothing: there is no etcd. Where there is one, the tests of members look for its line.
            new("POST /api/admin/members/{member}/replace", "c2", new ReplaceMemberRequest("10.0.0.9"), () => [], HttpStatusCode.BadRequest),
        ];
        var routes = await AdministratorsRoutesAsync();
        var shows = routes.Where(route => route.Method == "GET" && steps.All(step => step.Route != route.ToString())).ToList();
        Assert.Equal(routes.Except(shows).Select(route => route.ToString()).Order(StringComparer.Ordinal), steps.Select(step => step.Route).Order(StringComparer.Ordinal));

        foreach (var step in steps)
        {
            var (method, pattern) = (step.Route.Split(' ')[0], step.Route.Split(' ')[1]);
            var path = pattern.Replace("{user}/roles/{role}", step.What, StringComparison.Ordinal);
            using var answer = await _api.SendAsync(new HttpMethod(method), new MappedRoute(method, path).Path(step.What), step.Body, _admin);
            var said = await answer.Content.ReadAsStringAsync();
            Assert.True(step.Refused is { } refused ? answer.StatusCode == refused : answer.IsSuccessStatusCode, $"{step.Route}: {answer.StatusCode} {said}");
            Assert.Equal((step.Route, Told(step.Lines())), (step.Route, Told(await NewLinesAsync())));
        }

        Assert.NotEmpty(shows);
        foreach (var route in shows)
        {
            using var _ = await _api.GetAsync(route.Path(BulkRoom), _admin);
            Assert.Equal((route.ToString(), ""), (route.ToString(), Told(await NewLinesAsync())));
        }
    }

    [Fact]
    public async Task Of_the_verbs_all_that_change_something()
    {
        var export = _folder["room.ndjson"];
        Verb[] verbs =
        [
            new("user add", ["ann", "--new-password-file", _folder["new"]], "made ann", Line("createAccount", subject: "ann")),
            new("user passwd", ["ann", "--new-password-file", _folder["new"]], "set the password of ann", Line("changePassword", subject: "ann")),
            new("user grant", ["ann"], "ann is an administrator", Line("grantRole", subject: "ann", text: "admin")),
            new("user revoke", ["ann"], "ann is no administrator", Line("revokeRole", subject: "ann", text: "admin")),
            new("user disable", ["ann"], "disabled ann", Line("disableAccount", subject: "ann")),
            new("user enable", ["ann"], "enabled ann", Line("enableAccount", subject: "ann")),
            new("invite", ["--uses", "3"], "  makes 3 accounts, until ", Line("createInvitation", text: "3 uses")),
            new("worker approve", ["w1"], "w1 approved", Line("setWorkerState", subject: "w1", text: "active")),
            new("room move", [Room, "w1"], $"moved {Room} to w1", Line("assignRooms", room: _room, subject: "w1", text: "1 rooms")),
            new("worker drain", ["w1"], "w1 drains", Line("setWorkerState", subject: "w1", text: "draining")),
            new("drain", ["w3"], "w3 drains", Line("setWorkerState", subject: "w3", text: "draining")),
            new("worker remove", ["w2"], "w2 removed", Line("removeWorker", subject: "w2")),
            new("room export", [_room, "--output", export], "", Line("exportRoom", room: _room)),
            new("status", [], "leader "),
            new("worker list", [], "w3"),
            new("room list", [], Room),
            new("room show", [_room], Room),
            new("user list", [], "ann"),
            new("audit", [], "exportRoom"),
            new("room delete", [_room, "--yes"], $"deleted {_room}", Line("deleteRoom", room: _room, text: Room)),

            // Refused, see above.
            new("member list", [], null),
            new("member replace", ["c2=10.0.0.9"], null),
        ];
        Assert.Equal(Verbs.All.Order(StringComparer.Ordinal), verbs.Select(verb => verb.Name).Order(StringComparer.Ordinal));
        foreach (var verb in verbs)
        {
            var (code, output, error) = await Verbs.RunAsync([.. verb.Name.Split(' '), .. verb.Arguments, "--server", _server.Client.ToString(), "--password-file", _folder["password"]]);
            Assert.Equal((verb.Name, verb.Says is null ? CommandLine.Failure : CommandLine.Success, verb.Says is null), (verb.Name, code, error.Length > 0));
            Assert.Contains(verb.Says ?? "", output, StringComparison.Ordinal);
            Assert.Equal((verb.Name, Told(verb.Lines)), (verb.Name, Told(await NewLinesAsync())));
        }

        Assert.True(File.Exists(export));
    }

    private string BulkRoom => _server.Services.GetRequiredService<RegistryReplica>().State.FindPublicRoom("bulk-room-0")!.Id;

    private static AuditEntry Line(string action, string room = "", string subject = "", string text = "") => new(0, 0, "admin", action, room, subject, text);

    private static string Told(IEnumerable<AuditEntry> lines) => string.Join('\n', lines.Select(line => $"{line.Actor} {line.Action} room '{line.Room}' subject '{line.Subject}' text '{line.Text}'"));

    /// <summary>What the trail says since this was asked before, newest first.</summary>
    private async Task<List<AuditEntry>> NewLinesAsync()
    {
        var trail = await ReadAsync<AuditTrail>(await _api.GetAsync("/api/admin/audit?limit=1000", _admin));
        var lines = trail.Entries.TakeWhile(line => line.Number > _told).ToList();
        _told = trail.Entries.Count == 0 ? 0 : trail.Entries[0].Number;
        return lines;
    }

    /// <summary>Those that nobody else may call; asked with a bot's token, which can do little harm.</summary>
    private async Task<List<MappedRoute>> AdministratorsRoutesAsync()
    {
        var bob = await _api.RegisterAsync("bob");
        var bot = (await ReadAsync<ApiToken>(await _api.PostAsync("/api/tokens", new NewTokenRequest("bot"), bob.AccessToken), HttpStatusCode.Created)).Token;
        var routes = new List<MappedRoute>();
        foreach (var route in MappedRoute.Of(_server))
        {
            using var answer = await _api.SendAsync(new HttpMethod(route.Method), route.Path("nothing"), token: bot);
            if ((await answer.Content.ReadAsStringAsync()).Contains("Only an administrator can do that.", StringComparison.Ordinal))
            {
                Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
                routes.Add(route);
            }
            else
            {
                Assert.False(route.Pattern.StartsWith("/api/admin/", StringComparison.Ordinal), $"{route} is open to everybody");
            }
        }

        return routes;
    }

    /// <param name="Route">What is asked, as it is mapped.</param>
    /// <param name="What">Stands for its parameters.</param>
    /// <param name="Lines">What it leaves in the trail, newest first; asked afterwards.</param>
    /// <param name="Refused">Null: it is done.</param>
    private sealed record Step(string Route, string What, object? Body, Func<AuditEntry[]> Lines, HttpStatusCode? Refused = null)
    {
        public Step(string route, string what, object? body, AuditEntry line)
            : this(route, what, body, () => [line])
        {
        }
    }

    /// <param name="Says">Is in what it prints; null: it fails.</param>
    private sealed record Verb(string Name, string[] Arguments, string? Says, params AuditEntry[] Lines);
}
