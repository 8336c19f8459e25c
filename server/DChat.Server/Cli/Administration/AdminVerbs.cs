using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Protocol;

namespace DChat.Server.Cli.Administration;

/// <summary>The verbs for administrators, each over the HTTP API of any worker.</summary>
internal static class AdminVerbs
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    public static IEnumerable<Command> All()
    {
        yield return Status();
        yield return new Command("worker", "the workers of the cluster")
        {
            Verb("list", "all workers, as the leader sees them", async call =>
            {
                var status = await call.Client.GetAsync("api/admin/status", ProtocolJson.Wire.ClusterStatus, call.Cancellation);
                call.Print(status, ProtocolJson.Wire.ClusterStatus, AdminText.Workers);
            }),
            WorkerVerb("approve", "let a new worker take part", HttpMethod.Post, "/approve", "approved"),
            WorkerVerb("drain", "take a worker's rooms away, then its clients; then it stops", HttpMethod.Post, "/drain", "drains"),
            WorkerVerb("remove", "forget a worker that is gone", HttpMethod.Delete, "", "removed"),
        };
        yield return MemberVerbs.Make();
        yield return WorkerVerb("drain", "the same as worker drain", HttpMethod.Post, "/drain", "drains");
        yield return new Command("room", "all rooms, private ones too")
        {
            ListVerb("list", "rooms by id, name and host", "api/admin/rooms", ProtocolJson.Wire.AdminRooms, AdminText.Rooms),
            RoomVerb("show", "one room", async (call, room) =>
                call.Print(await call.Client.GetAsync($"api/admin/rooms/{room}", ProtocolJson.Wire.AdminRoom, call.Cancellation), ProtocolJson.Wire.AdminRoom, AdminText.Room)),
            Move(),
            RoomDeleteVerb.Make(),
            RoomExportVerb.Make(),
        };
        yield return new Command("user", "all accounts")
        {
            ListVerb("list", "accounts by name", "api/admin/users", ProtocolJson.Wire.AdminUsers, AdminText.Users),
            NewPassword.Verb(UserVerb("add", $"make an account; its password is read from --new-password-file, {NewPassword.Variable} or standard input", async (call, user) =>
            {
                await call.Client.PostAsync("api/admin/users", new RegisterRequest(user, await NewPassword.ReadAsync(call)), ProtocolJson.Wire.RegisterRequest, call.Cancellation);
                call.Say($"made {user}");
            })),
            NewPassword.Verb(UserVerb("passwd", $"set an account's password and end its sessions; read from --new-password-file, {NewPassword.Variable} or standard input", async (call, user) =>
            {
                await call.Client.PostAsync($"api/admin/users/{user}/password", new PasswordRequest(null, await NewPassword.ReadAsync(call)), ProtocolJson.Wire.PasswordRequest, call.Cancellation);
                call.Say($"set the password of {user}");
            })),
            UserVerb("grant", "make an account an administrator", (call, user) => call.DoAsync(HttpMethod.Put, $"api/admin/users/{user}/roles/admin", $"{user} is an administrator")),
            UserVerb("revoke", "make it none any more", (call, user) => call.DoAsync(HttpMethod.Delete, $"api/admin/users/{user}/roles/admin", $"{user} is no administrator")),
            UserVerb("disable", "sign an account out everywhere and keep it out", async (call, user) =>
            {
                await call.Client.PostAsync($"api/admin/users/{user}/disable", new DisableAccountRequest(), ProtocolJson.Wire.DisableAccountRequest, call.Cancellation);
                call.Say($"disabled {user}");
            }),
            UserVerb("enable", "let it in again", (call, user) => call.DoAsync(HttpMethod.Post, $"api/admin/users/{user}/enable", $"enabled {user}")),
        };
        yield return Invite();
        yield return ListVerb("audit", "who moderated and administered what, newest first", "api/admin/audit", ProtocolJson.Wire.AuditTrail, AdminText.Audit, hasQuery: false);
    }

    private static Command Status()
    {
        var watch = new Option<bool>("--watch") { Description = "draw it anew every second, until Ctrl-C" };
        var verb = Verb("status", "the cluster at a glance: leader, workers, load, rooms, lag", async call =>
        {
            var watches = call.Parsed.GetValue(watch);
            while (true)
            {
                try
                {
                    var status = await call.Client.GetAsync("api/admin/status", ProtocolJson.Wire.ClusterStatus, call.Cancellation);
                    if (watches && !call.IsJson && !Console.IsOutputRedirected)
                    {
                        Console.Clear();
                    }

                    call.Print(status, ProtocolJson.Wire.ClusterStatus, AdminText.Status);
                }
                catch (AdminException failure) when (watches)
                {
                    await Console.Error.WriteLineAsync($"{failure.Message} (looking again)"); // When things break is when one watches.
                }
                catch (OperationCanceledException) when (watches && call.Cancellation.IsCancellationRequested)
                {
                    return; // Ctrl-C is how a watch ends.
                }

                if (!watches || call.Cancellation.IsCancellationRequested)
                {
                    return;
                }

                await Task.Delay(WatchInterval, call.Cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        });
        verb.Options.Add(watch);
        return verb;
    }

    private static Command Move()
    {
        var worker = new Argument<string>("worker") { Description = "its new host's id" };
        var verb = RoomVerb("move", "have another worker host a room", async (call, room) =>
        {
            var to = call.Parsed.GetValue(worker)!;
            await call.Client.PostAsync($"api/admin/rooms/{room}/move", new MoveRoomRequest(to), ProtocolJson.Wire.MoveRoomRequest, call.Cancellation);
            call.Say($"moved {Uri.UnescapeDataString(room)} to {to}");
        });
        verb.Arguments.Add(worker);
        return verb;
    }

    private static Command Invite()
    {
        var uses = new Option<int>("--uses") { Description = "how many accounts it makes, 1 to 1,000,000", DefaultValueFactory = _ => 1, CustomParser = NamedValue.WholeNumber };
        var days = new Option<int>("--days") { Description = "how long it is valid, 1 to 365", DefaultValueFactory = _ => 7, CustomParser = NamedValue.WholeNumber };
        var verb = Verb("invite", "print a code with which somebody may register", async call =>
        {
            var request = new NewInvitationRequest(call.Parsed.GetValue(uses), call.Parsed.GetValue(days));
            var made = await call.Client.PostAsync("api/admin/invitations", request, ProtocolJson.Wire.NewInvitationRequest, ProtocolJson.Wire.InvitationAnswer, call.Cancellation);
            call.Print(made, ProtocolJson.Wire.InvitationAnswer, AdminText.Invitation);
        });
        verb.Options.Add(uses);
        verb.Options.Add(days);
        return verb;
    }

    private static Command WorkerVerb(string name, string about, HttpMethod method, string path, string done)
    {
        var worker = new Argument<string>("worker") { Description = "its id; `dchat-server worker list` shows them" };
        var verb = Verb(name, about, call =>
        {
            var id = call.Parsed.GetValue(worker)!;
            return call.DoAsync(method, $"api/admin/workers/{Uri.EscapeDataString(id)}{path}", $"{id} {done}");
        });
        verb.Arguments.Add(worker);
        return verb;
    }

    public static Command RoomVerb(string name, string about, Func<AdminCall, string, Task> run) => NamedVerb("room", "its id, or a public room's name", name, about, run);

    private static Command UserVerb(string name, string about, Func<AdminCall, string, Task> run) => NamedVerb("user", "the account's name", name, about, run);

    private static Command NamedVerb(string what, string description, string name, string about, Func<AdminCall, string, Task> run)
    {
        var argument = new Argument<string>(what) { Description = description };
        var verb = Verb(name, about, call => run(call, Uri.EscapeDataString(call.Parsed.GetValue(argument)!)));
        verb.Arguments.Add(argument);
        return verb;
    }

    private static Command ListVerb<T>(string name, string about, string path, JsonTypeInfo<T> type, Action<T, TextWriter> write, bool hasQuery = true)
    {
        var query = new Argument<string?>("query") { Description = "part of a name", DefaultValueFactory = _ => null };
        var limit = new Option<int>("--limit") { Description = "how many at most, 1 to 1,000", DefaultValueFactory = _ => 100, CustomParser = NamedValue.WholeNumber };
        var from = new Option<string?>("--after") { Description = "the `next` of the page before" };
        var verb = Verb(name, about, async call =>
        {
            var text = hasQuery ? $"&query={Uri.EscapeDataString(call.Parsed.GetValue(query) ?? "")}" : "";
            var after = call.Parsed.GetValue(from) is { } next ? $"&{(hasQuery ? "after" : "before")}={Uri.EscapeDataString(next)}" : "";
            var page = await call.Client.GetAsync(string.Create(CultureInfo.InvariantCulture, $"{path}?limit={call.Parsed.GetValue(limit)}{text}{after}"), type, call.Cancellation);
            call.Print(page, type, write);
        });
        if (hasQuery)
        {
            verb.Arguments.Add(query);
        }

        verb.Options.Add(limit);
        verb.Options.Add(from);
        return verb;
    }

    public static Command Verb(string name, string about, Func<AdminCall, Task> run)
    {
        var options = new AdminOptions();
        var verb = new Command(name, about);
        options.AddTo(verb);
        verb.SetAction(async (parsed, _) =>
        {
            using var interruption = new Interruption();
            var cancellation = interruption.Token;
            try
            {
                using var client = await options.ConnectAsync(parsed, cancellation);
                await run(new AdminCall(client, parsed, parsed.GetValue(options.Json), cancellation));
                return CommandLine.Success;
            }
            catch (AdminException failure)
            {
                await Console.Error.WriteLineAsync($"dchat-server: {failure.Message}");
                return CommandLine.Failure;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                await Console.Error.WriteLineAsync("dchat-server: interrupted");
                return CommandLine.Interrupted;
            }
        });
        return verb;
    }
}

/// <summary>One call of a verb.</summary>
internal sealed record AdminCall(AdminClient Client, ParseResult Parsed, bool IsJson, CancellationToken Cancellation)
{
    public async Task DoAsync(HttpMethod method, string path, string done)
    {
        await Client.DoAsync(method, path, Cancellation);
        Say(done);
    }

    public void Print<T>(T answer, JsonTypeInfo<T> type, Action<T, TextWriter> write)
    {
        if (IsJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(answer, type));
        }
        else
        {
            write(answer, Console.Out);
        }
    }

    /// <summary>What was done; nothing for scripts, which have the exit code.</summary>
    public void Say(string done)
    {
        if (!IsJson)
        {
            Console.WriteLine(done);
        }
    }
}
