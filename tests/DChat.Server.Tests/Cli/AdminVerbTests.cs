using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.Server.Cli;
using DChat.Server.Cli.Administration;
using DChat.TestKit;

namespace DChat.Server.Tests.Cli;

/// <summary>The verbs for administrators, as a person or a script meets them.</summary>
public sealed class AdminVerbTests
{
    private const string Admin = "the administrator's 1";

    [Theory]
    [InlineData("worker frob", "worker frob: there is no such verb", "give worker list, approve, drain or remove;")]
    [InlineData("worker lits", "there is no such verb", "did you mean list?")]
    [InlineData("room", "room: it needs another verb behind it", "give room list, show, move, delete or export")]
    [InlineData("statsu", "statsu: there is no such verb", "did you mean status?")]
    public async Task A_verb_that_there_is_not_is_answered_with_those_that_there_are(string verb, string problem, string remedy)
    {
        var (code, output, error) = await ServerProcess.RunAsync(verb.Split(' '));
        Assert.Equal((CommandLine.BadConfiguration, ""), (code, output));
        Assert.Contains(problem, error, StringComparison.Ordinal);
        Assert.Contains(remedy, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_asked_wrongly_is_said_with_what_is_right()
    {
        await using var server = await ServerProcess.StartAsync(environment: new Dictionary<string, string> { ["DCHAT_ADMIN_PASSWORD"] = Admin });
        var (code, _, error) = await RunAsync(server, "invite", "--uses", "0");
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("1 to 1,000,000 accounts, not 0", error, StringComparison.Ordinal);

        (code, _, error) = await RunAsync(server, "member", "replace", "c2=10.0.0.9");
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("run no etcd of their own", error, StringComparison.Ordinal);

        (code, _, error) = await RunAsync(server, "member", "replace", "10.0.0.9");
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("is not NAME=HOST", error, StringComparison.Ordinal);

        (code, _, error) = await RunAsync(server, "audit", "--limit", "many");
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("--limit \"many\" is not a whole number", error, StringComparison.Ordinal);

        (code, _, error) = await ServerProcess.RunAsync(["restore", "--from", "file:backups", "--use", "snapshotz"]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("--use \"snapshotz\" is not snapshots or backups", error, StringComparison.Ordinal);

        (code, _, error) = await ServerProcess.RunAsync(["status", "--server", server.Node.ToString()], Environment());
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("is a node port", error, StringComparison.Ordinal);
        Assert.Contains("--port", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_password_that_one_chats_with_is_set_on_nobody_by_accident()
    {
        await using var server = await ServerProcess.StartAsync(environment: new Dictionary<string, string> { ["DCHAT_ADMIN_PASSWORD"] = Admin });
        using var http = server.CreateHttpClient();
        using var folder = new TemporaryFolder();
        const string Own = "the administrator's own 2";
        var (code, _, error) = await ServerProcess.RunAsync(["user", "add", "ann", "--server", server.Client.ToString()], Environment(("DCHAT_PASSWORD", Own)));
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("DCHAT_NEW_PASSWORD", error, StringComparison.Ordinal);

        (code, _, error) = await ServerProcess.RunAsync(
            ["user", "add", "ann", "--server", server.Client.ToString()], Environment(("DCHAT_PASSWORD", Own), ("DCHAT_NEW_PASSWORD", "given to ann 3")));
        Assert.Equal((CommandLine.Success, ""), (code, error));
        Assert.True(await LetsInAsync(http, "given to ann 3"));

        await File.WriteAllTextAsync(folder["new"], "given to ann 4\n");
        (code, _, error) = await ServerProcess.RunAsync(
            ["user", "passwd", "ann", "--server", server.Client.ToString(), "--new-password-file", folder["new"]], Environment(("DCHAT_PASSWORD", Own)));
        Assert.Equal((CommandLine.Success, ""), (code, error));
        Assert.True(await LetsInAsync(http, "given to ann 4"));
        Assert.False(await LetsInAsync(http, Own));
    }

    [Fact]
    public async Task A_room_is_deleted_only_by_who_says_yes()
    {
        await using var server = await ServerProcess.StartAsync(environment: new Dictionary<string, string> { ["DCHAT_ADMIN_PASSWORD"] = Admin });
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, Admin, users: 1);
        var (code, output, error) = await RunAsync(server, "room", "delete", crowd.Room);
        Assert.Equal((CommandLine.BadConfiguration, ""), (code, output));
        Assert.Contains("no terminal", error, StringComparison.Ordinal);
        Assert.Contains("--yes", error, StringComparison.Ordinal);
        (code, _, error) = await RunAsync(server, "room", "show", crowd.Room);
        Assert.Equal((CommandLine.Success, ""), (code, error));

        (code, output, error) = await RunAsync(server, "room", "delete", crowd.Room, "--yes");
        Assert.Equal((CommandLine.Success, $"deleted {crowd.Room}", ""), (code, output.Trim(), error));
        (code, _, _) = await RunAsync(server, "room", "show", crowd.Room);
        Assert.Equal(CommandLine.Failure, code);
    }

    [Fact]
    public async Task An_export_ends_with_a_count_of_its_messages()
    {
        await using var server = await ServerProcess.StartAsync(environment: new Dictionary<string, string> { ["DCHAT_ADMIN_PASSWORD"] = Admin });
        using var http = server.CreateHttpClient();
        using var folder = new TemporaryFolder();
        var crowd = await Crowd.MakeAsync(http, Admin, users: 1);
        var (code, output, error) = await RunAsync(server, "room", "export", crowd.Room);
        Assert.Equal((CommandLine.Success, ""), (code, error));
        var before = Lines(output);

        http.DefaultRequestHeaders.Authorization = new("Bearer", crowd.Token(0));
        for (var i = 0; i < 3; i++)
        {
            (await http.PostAsJsonAsync($"api/rooms/{crowd.Room}/messages", new { body = $"message {i}" })).EnsureSuccessStatusCode();
        }

        (code, output, error) = await RunAsync(server, "room", "export", crowd.Room, "--output", folder["room.ndjson"]);
        Assert.Equal((CommandLine.Success, "", ""), (code, output, error));
        var lines = Lines(await File.ReadAllTextAsync(folder["room.ndjson"]));
        Assert.Equal(before.Length + 3, lines.Length);
        Assert.Equal("export", (string)lines[^1]["kind"]!);
        Assert.Equal(lines.Length - 1, (int)lines[^1]["messages"]!);
        Assert.Equal((long)lines[^2]["seq"]!, (long)lines[^1]["lastSeq"]!);
        Assert.Equal([folder["room.ndjson"]], Directory.EnumerateFiles(folder.Path));

        Directory.CreateDirectory(folder["taken"]);
        (code, _, error) = await RunAsync(server, "room", "export", crowd.Room, "--output", folder["taken"]);
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("could not be kept", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Equal([folder["room.ndjson"]], Directory.EnumerateFiles(folder.Path));
    }

    [Theory]
    [InlineData("broken")]
    [InlineData("short")]
    [InlineData("interrupted")]
    public async Task An_export_that_is_not_whole_says_so_and_leaves_no_file(string how)
    {
        using var server = new HalfServer(how);
        using var folder = new TemporaryFolder();
        Task<(int ExitCode, string Output, string Error)> ExportAsync(params string[] flags) =>
            ServerProcess.RunAsync(["room", "export", "r1", "--server", server.Url, .. flags], Environment(), started: how == "interrupted" ? server.InterruptAsync : null);
        foreach (var flags in new string[][] { ["--output", folder["room"]], [] })
        {
            var (code, output, error) = await ExportAsync(flags);
            Assert.Equal(how == "interrupted" ? CommandLine.Interrupted : CommandLine.Failure, code);
            Assert.Contains("the export is not whole", error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
            if (how != "interrupted") // That may be before anything was read.
            {
                Assert.Equal(flags.Length == 0 ? HalfServer.Line : "", output.TrimEnd());
            }

            Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        }
    }

    [Fact]
    public async Task An_answer_of_which_nothing_more_comes_is_given_up()
    {
        using var server = new HalfServer("interrupted");
        using var client = new AdminClient(new Uri(server.Url), "admin", Admin);
        await client.SignInAsync(CancellationToken.None).Within();
        using var output = new MemoryStream();
        var failure = await Assert.ThrowsAsync<IOException>(() =>
            client.CopyAsync("api/admin/rooms/r1/export", output, CancellationToken.None, silenceMax: TimeSpan.FromMilliseconds(200)).Within());
        Assert.Contains("nothing came", failure.Message, StringComparison.Ordinal);
        Assert.Contains(HalfServer.Line, System.Text.Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
    }

    private static JsonNode[] Lines(string text) => [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];

    private static Task<(int ExitCode, string Output, string Error)> RunAsync(ServerProcess server, params string[] arguments) =>
        ServerProcess.RunAsync([.. arguments, "--server", server.Client.ToString()], Environment());

    private static Dictionary<string, string> Environment(params (string Name, string Value)[] more) =>
        more.Append(("DCHAT_ADMIN_PASSWORD", Admin)).ToDictionary(pair => pair.Item1, pair => pair.Item2);

    private static async Task<bool> LetsInAsync(HttpClient http, string password) =>
        (await http.PostAsJsonAsync("api/login", new { user = "ann", password })).IsSuccessStatusCode;
}
