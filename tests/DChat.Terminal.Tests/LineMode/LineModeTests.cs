using System.Text.Json;
using DChat.TestKit;

namespace DChat.Terminal.Tests.LineMode;

/// <summary>The real <c>dchat</c> against the real server, as people and scripts use it.</summary>
public sealed class LineModeTests(LineModeServer server) : IClassFixture<LineModeServer>, IDisposable
{
    private static readonly Dictionary<string, string> WithPassword = new() { ["DCHAT_PASSWORD"] = DchatProcess.Password };

    private readonly TemporaryFolder home = new();

    public void Dispose() => home.Dispose();

    [Fact]
    public async Task Signing_in_is_kept_privately_until_logging_out()
    {
        var name = Unique("alice");

        var registered = await RunAsync(["register", name, "--server", server.Address], DchatProcess.Password + "\n");
        Assert.Equal((0, $"Signed in as {name} at {server.Address}/"), (registered.ExitCode, registered.Output));
        var who = await RunAsync(["whoami", "--json"]);
        Assert.Equal(name, who.Json[0].GetProperty("user").GetString());
        if (!OperatingSystem.IsWindows())
        {
            var modes = Directory.EnumerateFiles(Path.Combine(home.Path, "dchat")).Select(File.GetUnixFileMode).ToList();
            Assert.NotEmpty(modes);
            Assert.All(modes, mode => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, mode));
        }


        var token = (await RunAsync(["tokens", "--create", "bot"])).Output;
        var bot = await DchatProcess.RunAsync(home["bot"], ["login", "--token", "--server", server.Address], token + "\n");
        Assert.Equal($"Signed in as {name} at {server.Address}/", bot.Output);

        Assert.Equal(0, (await RunAsync(["logout"])).ExitCode);
        var after = await RunAsync(["whoami"]);
        Assert.Equal(ExitCodes.NotSignedIn, after.ExitCode);
        Assert.Contains("dchat login", after.Error, StringComparison.Ordinal);

        var wrong = await RunAsync(["login", name, "--server", server.Address], "a wrong password\n");
        Assert.Equal(ExitCodes.Refused, wrong.ExitCode);
        var right = await RunAsync(["login", "--user", name, "--server", server.Address], environment: WithPassword);
        Assert.Equal(0, right.ExitCode);
    }

    [Fact]
    public async Task People_chat_in_a_room_and_directly()
    {
        var (alice, bob) = (await SignInAsync("alice"), await SignInAsync("bob"));
        var room = Unique("garden");

        Assert.Equal(0, (await RunAsync(["create", room, "--topic", "Plants", "-u", alice])).ExitCode);
        Assert.Equal(0, (await RunAsync(["join", room, "-u", bob])).ExitCode);
        Assert.Equal((0, ""), Brief(await RunAsync(["send", room, "Hello", "there", "-u", alice])));
        Assert.Equal(0, (await RunAsync(["dm", bob, "psst", "-u", alice])).ExitCode);

        var shown = await RunAsync(["tail", room, "-u", bob]);
        Assert.EndsWith($"{alice}: Hello there", shown.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', shown.Output);
        Assert.EndsWith($"{alice}: psst", (await RunAsync(["history", "@" + alice, "-u", bob])).Output, StringComparison.Ordinal);
        Assert.Contains($"* {room}", (await RunAsync(["rooms", "-u", bob])).Output, StringComparison.Ordinal);
        Assert.Contains("unread", (await RunAsync(["rooms", "--mine", "-u", bob])).Output, StringComparison.Ordinal);
        Assert.Equal([alice, bob], (await RunAsync(["members", room, "--json"])).Json.Select(m => m.GetProperty("user").GetString()).Order());

        Assert.Equal(0, (await RunAsync(["kick", room, bob, "-u", alice])).ExitCode);
        var refused = await RunAsync(["send", room, "me?", "-u", bob]);
        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.StartsWith("dchat: ", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_the_server_would_not_take_is_not_sent_and_the_limit_is_said()
    {
        var alice = await SignInAsync("alice");
        var room = Unique("large");
        await RunAsync(["create", room, "-u", alice]);
        await using (var file = File.Create(home["large.bin"]))
        {
            file.SetLength(30 * 1024 * 1024);
        }

        var refused = await RunAsync(["upload", room, home["large.bin"], "-u", alice]);

        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.Contains("25 MiB at most", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Standard_input_is_sent_line_by_line_and_read_back_as_json()
    {
        var alice = await SignInAsync("alice");
        var room = Unique("log");
        await RunAsync(["create", room, "-u", alice]);
        var lines = Enumerable.Range(0, 120).Select(i => $"line {i} äöü 👍").ToList();

        var sent = await RunAsync(["send", room, "--json", "-u", alice], string.Join('\n', lines) + "\n\n   \n");

        Assert.Equal(0, sent.ExitCode);
        Assert.Equal(Enumerable.Range(1, 120).Select(i => (long)i), sent.Json.Select(a => a.GetProperty("seq").GetInt64()));
        var read = await RunAsync(["history", room, "-n", "500", "--json", "-u", alice]);
        Assert.Equal(lines, read.Json.Select(Body));
        var whole = await RunAsync(["send", room, "--whole", "-u", alice], "one\ntwo\n");
        Assert.Equal(0, whole.ExitCode);
        Assert.Equal("one\ntwo", Body((await RunAsync(["tail", room, "-n", "1", "--json", "-u", alice])).Json.Single()));
        await Eventually.Holds(async () => (await RunAsync(["search", "\"line 77\"", "--json", "-u", alice])).Json.Any(h => Body(h) == lines[77]));
    }

    [Fact]
    public async Task Following_shows_each_message_once_while_the_server_is_killed_and_sending_goes_on()
    {
        var alice = await SignInAsync("alice");
        var room = Unique("stream");
        await RunAsync(["create", room, "-u", alice]);
        await RunAsync(["send", room, "before", "-u", alice]);
        using var tail = DchatProcess.Start(home.Path, ["tail", room, "-f", "--json", "-u", alice]);
        await Eventually.Holds(() => tail.Lines.Count == 1);
        using var send = DchatProcess.Start(home.Path, ["send", room, "-u", alice]);
        for (var i = 0; i < 40; i++)
        {
            await send.Input.WriteLineAsync($"line {i}");
            await send.Input.FlushAsync();
            if (i == 20)
            {
                await Eventually.Holds(() => tail.Lines.Count > 10);
                await server.Process.KillAsync();
                await server.Process.RestartAsync();
            }
        }

        send.Input.Close();
        var outcome = await send.FinishAsync();
        Assert.True(outcome.ExitCode == 0 && outcome.Error.Split('\n').All(line => line.Length == 0 || line.StartsWith("The server cannot do that now; trying again", StringComparison.Ordinal)), outcome.Error);
        await Eventually.Holds(() => tail.Lines.Count >= 41);
        tail.Interrupt();
        var followed = await tail.FinishAsync();
        Assert.Equal(ExitCodes.Interrupted, followed.ExitCode);
        Assert.Equal(["before", .. Enumerable.Range(0, 40).Select(i => $"line {i}")], followed.Json.Select(Body));
    }

    [Fact]
    public async Task What_others_write_does_nothing_to_the_terminal()
    {
        var alice = await SignInAsync("alice");
        var room = Unique("evil");
        await RunAsync(["create", room, "--topic", "\u202etopic", "-u", alice]);
        await RunAsync(["send", room, "--whole", "-u", alice], "\u001b[2J\u202egone\u009b1m\nroot: forged");

        var shown = await RunAsync(["tail", room, "-u", alice], environment: new Dictionary<string, string> { ["NO_COLOR"] = "1" });
        var json = await RunAsync(["tail", room, "--json", "-u", alice]);
        var rooms = await RunAsync(["rooms", room, "-u", alice]);

        Assert.Contains("topic", rooms.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(shown.Output + json.Output + rooms.Output, c => (char.IsControl(c) && c != '\n') || c == '\u202e');
        Assert.Contains("    │ root: forged", shown.Output, StringComparison.Ordinal);
        Assert.Equal("\u001b[2J\u202egone\u009b1m\nroot: forged", Body(json.Json[^1]));
    }

    [Fact]
    public async Task A_file_goes_up_and_comes_down_and_overwrites_nothing()
    {
        var alice = await SignInAsync("alice");
        var room = Unique("files");
        await RunAsync(["create", room, "-u", alice]);
        var original = home["notes.txt"];
        await File.WriteAllTextAsync(original, "some notes");

        var up = await RunAsync(["upload", room, original, "--caption", "notes", "--json", "-u", alice]);
        Assert.Equal((0, ""), (up.ExitCode, up.Error));
        var id = up.Json[0].GetProperty("file").GetProperty("id").GetString()!;
        Assert.Contains($"dchat download {id}", (await RunAsync(["tail", room, "-u", alice])).Output, StringComparison.Ordinal);
        var copy = home["copy.txt"];
        Assert.Equal(0, (await RunAsync(["download", id, "-o", copy, "-u", alice])).ExitCode);
        Assert.Equal("some notes", await File.ReadAllTextAsync(copy));
        Assert.Equal("some notes", (await RunAsync(["download", id, "-o", "-", "-u", alice])).Output);
        Assert.Equal(ExitCodes.Usage, (await RunAsync(["download", id, "-o", copy, "-u", alice])).ExitCode);
        Assert.Equal(ExitCodes.Usage, (await RunAsync(["upload", room, home["missing"], "-u", alice])).ExitCode);
    }

    [Fact]
    public async Task A_room_does_not_get_the_password_of_the_account()
    {
        var (alice, bob) = (await SignInAsync("alice"), await SignInAsync("bob"));
        var room = Unique("locked");
        var ofRoom = new Dictionary<string, string>(WithPassword) { ["DCHAT_ROOM_PASSWORD"] = "open sesame" };
        Assert.Equal(0, (await RunAsync(["create", room, "--password", "-u", alice], environment: ofRoom)).ExitCode);

        Assert.Equal(ExitCodes.Refused, (await RunAsync(["join", room, "--password", "-u", bob], DchatProcess.Password + "\n")).ExitCode);
        Assert.Equal(0, (await RunAsync(["join", room, "--password", "-u", bob], "open sesame\n", WithPassword)).ExitCode);
    }

    [Fact]
    public async Task A_download_that_breaks_off_leaves_nothing_and_is_a_failure_of_the_network()
    {
        var folder = Directory.CreateDirectory(home["downloads"]).FullName;
        await using var server = await BreakingFileServer.StartAsync(() => Directory.EnumerateFileSystemEntries(folder).Any());
        Assert.Equal(0, (await RunAsync(["login", "cut", "--server", server.Address], environment: WithPassword)).ExitCode);
        var cut = await RunAsync(["download", "f1", "-o", Path.Combine(folder, "a"), "--server", server.Address]);

        Assert.Equal(ExitCodes.Unreachable, cut.ExitCode);
        Assert.Contains("middle of the file", cut.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    [Fact]
    public async Task Errors_say_what_to_do_and_exit_codes_tell_them_apart()
    {
        var alice = await SignInAsync("alice");
        var dead = $"http://127.0.0.1:{FreePort.Next()}";

        var unreachable = await RunAsync(["login", "x", "--server", dead], environment: WithPassword);
        Assert.Equal(ExitCodes.Unreachable, unreachable.ExitCode);
        Assert.Contains(dead, unreachable.Error, StringComparison.Ordinal);
        Assert.Contains("running", unreachable.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await RunAsync(["tail"])).ExitCode);
        Assert.Equal(ExitCodes.Usage, (await RunAsync(["nonsense"])).ExitCode);
        Assert.Equal(ExitCodes.Usage, (await RunAsync(["whoami", "--server", "ftp://x"])).ExitCode);
        Assert.Equal(ExitCodes.Usage, (await RunAsync(["register", Unique("x"), "--server", server.Address])).ExitCode);
        var refused = await RunAsync(["join", "no such room", "--json", "-u", alice]);
        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.Equal("not_found", JsonDocument.Parse(refused.Error).RootElement.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(ExitCodes.NotSignedIn, (await RunAsync(["rooms", "-u", "nobody"])).ExitCode);
    }

    [Fact]
    public async Task Help_teaches_with_examples()
    {
        var help = await RunAsync(["--help"]);
        Assert.Equal(0, help.ExitCode);
        Assert.All(
            "register|login|logout|whoami|rooms|create|join|leave|send|tail|history|search|members|dm|invite|kick|ban|mute|upload|download|load".Split('|'),
            verb => Assert.Contains($"\n  {verb} ", help.Output, StringComparison.Ordinal));

        var tail = await RunAsync(["tail", "--help"]);
        Assert.Equal(0, tail.ExitCode);
        Assert.Contains("dchat tail garden -f", tail.Output, StringComparison.Ordinal);
    }

    private static string? Body(JsonElement line) => line.GetProperty("message").GetProperty("body").GetString();

    private static (int ExitCode, string Error) Brief(Outcome outcome) => (outcome.ExitCode, outcome.Error);

    private static string Unique(string name) => $"{name}{Guid.NewGuid():N}"[..20];

    private async Task<string> SignInAsync(string name)
    {
        var unique = Unique(name);
        var registered = await RunAsync(["register", unique, "--server", server.Address], environment: WithPassword);
        Assert.Equal((0, ""), Brief(registered));
        return unique;
    }

    private Task<Outcome> RunAsync(string[] arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null) =>
        DchatProcess.RunAsync(home.Path, arguments, input, environment);
}

/// <summary>One real server for the tests of a class.</summary>
public sealed class LineModeServer : IAsyncLifetime
{
    public ServerProcess Process { get; private set; } = null!;

    public string Address => Process.Client.ToString().TrimEnd('/');

    public async Task InitializeAsync() => Process = await ServerProcess.StartAsync();

    public async Task DisposeAsync() => await Process.DisposeAsync();
}
