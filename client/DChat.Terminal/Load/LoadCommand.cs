using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;

namespace DChat.Terminal.Load;

/// <summary><c>dchat load</c>: puts load on a server and checks what every client is shown.</summary>
internal static class LoadCommand
{
    public const string AdminPasswordVariable = "DCHAT_ADMIN_PASSWORD";

    private static readonly Option<LoadScenario> Scenario = new("--scenario")
    {
        Description = "What the clients do.",
        CustomParser = result => ParseScenario(result),
        HelpName = "chat|rooms-of-one|idle|resume|storm|history|search",
    };

    private static readonly Option<int> Users = Number("--users", 200, 1, LoadOptions.UsersMax, "Users, each with one connection.");
    private static readonly Option<int> Rooms = Number("--rooms", 1, 1, LoadOptions.RoomsMax, "Rooms.");
    private static readonly Option<int> Members = Number("--members", 0, 0, LoadOptions.UsersMax, "Members of each room. 0: users divided by rooms.");
    private static readonly Option<int> Senders = Number("--senders", 0, 0, LoadOptions.UsersMax, "How many of the users send. 0: all.");
    private static readonly Option<double> Rate = Real("--rate", "Sends (or questions) a second in all. 0: as fast as it goes.");
    private static readonly Option<double> Deliveries = Real("--deliveries", "Deliveries a second in all, instead of --rate.");
    private static readonly Option<int> InFlight = Number("--in-flight", 4, 1, 10_000, "Unanswered sends of each sender, when it goes as fast as it can.");
    private static readonly Option<double> Duration = Real("--duration", "Seconds that are measured. Default: 10.");
    private static readonly Option<int> SendsMin = Number("--sends-min", 0, 0, 1_000_000, "Measure until so many sends were made, though the duration is over. Default: 0.");
    private static readonly Option<bool> UntilEof = new("--until-eof") { Description = "Measure until standard input ends, though the duration is over." };
    private static readonly Option<double> Warmup = Real("--warmup", "Seconds of load before that. Default: 2.");
    private static readonly Option<double> Drain = Real("--drain", "Seconds that the end may take until all is answered and seen. Default: 30.");
    private static readonly Option<double> ConnectRate = Real("--connects", "Connects a second. 0: as fast as it goes.");
    private static readonly Option<int> Size = Number("--size", 100, 1, 8_000, "Bytes of a message body.");
    private static readonly Option<int> Fill = Number("--fill", 100, 0, 10_000_000, "Messages put into each room first (history, search), or missed (resume).");
    private static readonly Option<int> Seed = Number("--seed", 1, 0, int.MaxValue, "Makes the random choices repeatable.");
    private static readonly Option<string?> ServerPid = new("--server-pid") { Description = "The server's process, or several with commas between, to report CPU and memory.", HelpName = "PID" };
    private static readonly Option<string?> AdminPasswordFile = new("--admin-password-file") { Description = $"File with the administrator's password. Or in {AdminPasswordVariable}.", HelpName = "FILE" };
    private static readonly Option<string?> Prefix = new("--prefix") { Description = "How the names of accounts and rooms begin. Default: new ones each time.", HelpName = "NAME" };
    private static readonly Option<bool> Reconnect = new("--reconnect") { Description = "Connect again when a connection is lost, and repeat what was not answered." };
    private static readonly Option<string?> AckLog = new("--ack-log") { Description = "Write a line for each acknowledged send: room, when it was due, when it was acknowledged (Unix milliseconds).", HelpName = "FILE" };
    private static readonly Option<bool> MarkRead = new("--mark-read") { Description = "Each client marks one of its rooms read every second (chat)." };
    private static readonly Option<bool> NoReadBack = new("--no-read-back") { Description = "Do not read every room back at the end." };
    private static readonly Option<bool> Bare = new("--bare") { Description = "The server is the benchmarks' bare hub: no accounts, no order." };

    public static Command Create()
    {
        var command = new Command("load", "Put load on a server and check what every client is shown. Exit codes: 0 nothing is wrong; 1 something was lost, doubled, out of order, left out, different or invented, or the server refused the administrator or every send; 2 the command line is wrong; 4 the server cannot be reached, or the run was given up.")
        {
            Scenario, Users, Rooms, Members, Senders, Rate, Deliveries, InFlight, Duration, SendsMin, UntilEof, Warmup, Drain, ConnectRate, Size, Fill, Seed,
            ServerPid, AdminPasswordFile, Prefix, Reconnect, AckLog, MarkRead, NoReadBack, Bare,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        RunOnOneThread();
        LoadOptions options;
        try
        {
            options = await ReadOptionsAsync(parsed, cancellation);
        }
        catch (FormatException failure)
        {
            await Console.Error.WriteLineAsync($"dchat load: {failure.Message}");
            return ExitCodes.Usage;
        }

        try
        {
            var report = await Scenarios.Scenario.RunAsync(options, cancellation);
            Console.WriteLine(options.Json ? JsonSerializer.Serialize(report, LoadJson.Default.LoadReport) : LoadReportText.Write(report));
            if (report is { Acknowledged: 0, Refused: > 0 })
            {
                await Console.Error.WriteLineAsync($"dchat load: every send was refused: {report.FirstRefusal}");
                return ExitCodes.Refused;
            }

            return report.Verdict.IsClean ? ExitCodes.Ok : ExitCodes.Refused;
        }
        catch (Exception failure) when (failure is CannotStartException or HubCallException or TimeoutException || LoadClient.IsLoss(failure))
        {
            await Console.Error.WriteLineAsync($"dchat load: {failure.Message}");
            return failure is CannotStartException cannot ? cannot.ExitCode : ExitCodes.Unreachable;
        }
    }

    /// <summary>
    /// Everything that arrives is handled on the one thread that waits for sockets: hand-overs between threads would cost
    /// more than the work. .NET reads this when the first socket is used; the work never blocks, which is what it asks for.
    /// </summary>
    private static void RunOnOneThread()
    {
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "1");
    }

    private static async Task<LoadOptions> ReadOptionsAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var scenario = parsed.GetValue(Scenario);
        var users = parsed.GetValue(Users);
        var rooms = parsed.GetValue(Rooms);
        var members = parsed.GetValue(Members);
        if (scenario == LoadScenario.RoomsOfOne)
        {
            (rooms, members) = (users, 1);
        }

        if (members > users)
        {
            throw new FormatException($"--members {members} is more than --users {users}");
        }

        var servers = ParseServers(parsed.GetValue(GlobalOptions.Server) ?? Environment.GetEnvironmentVariable("DCHAT_SERVER") ?? "http://localhost:8080");
        if (scenario == LoadScenario.Storm && servers.Count < 2)
        {
            throw new FormatException("--scenario storm needs two --server addresses or more: the first is to be killed");
        }

        var options = new LoadOptions
        {
            Scenario = scenario,
            Servers = servers,
            Bare = parsed.GetValue(Bare),
            Users = users,
            Rooms = rooms,
            MembersPerRoom = members,
            Senders = Math.Min(parsed.GetValue(Senders), users),
            InFlight = parsed.GetValue(InFlight),
            Duration = Seconds(parsed, Duration, 10),
            SendsMin = parsed.GetValue(SendsMin),
            UntilInputEnds = parsed.GetValue(UntilEof),
            Warmup = Seconds(parsed, Warmup, 2),
            Drain = Seconds(parsed, Drain, 30),
            ConnectsPerSecond = parsed.GetValue(ConnectRate),
            BodyBytes = parsed.GetValue(Size),
            Fill = parsed.GetValue(Fill),
            Seed = parsed.GetValue(Seed),
            ServerPids = ParsePids(parsed.GetValue(ServerPid)),
            AdminPassword = await ReadPasswordAsync(parsed, cancellation),
            Prefix = parsed.GetValue(Prefix) ?? $"load-{Guid.NewGuid().ToString("N")[..6]}-",
            Reconnect = parsed.GetValue(Reconnect) || scenario == LoadScenario.Storm,
            AckLog = parsed.GetValue(AckLog),
            MarkRead = parsed.GetValue(MarkRead),
            VerifyHistory = !parsed.GetValue(NoReadBack),
            Json = parsed.GetValue(GlobalOptions.Json),
        };
        return options with { SendsPerSecond = parsed.GetValue(Deliveries) is > 0 and var deliveries ? deliveries / options.EffectiveMembers : parsed.GetValue(Rate) };
    }

    private static List<int> ParsePids(string? text) => (text ?? "")
        .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(pid => int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new FormatException($"--server-pid {text} is not a process id, or several with commas between"))
        .ToList();

    private static async Task<string?> ReadPasswordAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(Bare))
        {
            return null;
        }

        if (parsed.GetValue(AdminPasswordFile) is not { } file)
        {
            return Environment.GetEnvironmentVariable(AdminPasswordVariable)
                ?? throw new FormatException($"the administrator's password is needed to make accounts: give {AdminPasswordVariable} or --admin-password-file");
        }

        try
        {
            return (await File.ReadAllTextAsync(file, cancellation)).Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"--admin-password-file {file}: {failure.Message}", failure);
        }
    }

    private static List<Uri> ParseServers(string list) =>
    [
        .. list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(each =>
            Uri.TryCreate(each, UriKind.Absolute, out var server) && server.Scheme is "http" or "https"
                ? server
                : throw new FormatException($"--server {each}: expected http://host:port or https://host:port")),
    ];

    private static TimeSpan Seconds(ParseResult parsed, Option<double> option, double otherwise) =>
        TimeSpan.FromSeconds(parsed.GetResult(option) is { Implicit: false } ? parsed.GetValue(option) : otherwise);

    private static LoadScenario ParseScenario(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value.Replace("-", "", StringComparison.Ordinal) : "";
        if (Enum.TryParse<LoadScenario>(text, ignoreCase: true, out var scenario) && Enum.IsDefined(scenario))
        {
            return scenario;
        }

        result.AddError("--scenario: expected chat, rooms-of-one, idle, resume, storm, history or search");
        return default;
    }

    private static Option<int> Number(string name, int otherwise, int min, int max, string description)
    {
        var option = new Option<int>(name) { Description = $"{description} Default: {otherwise}.", DefaultValueFactory = _ => otherwise, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is var value && (value < min || value > max))
            {
                result.AddError($"{name} {value}: expected {min} to {max}");
            }
        });
        return option;
    }

    private static Option<double> Real(string name, string description)
    {
        var option = new Option<double>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is var value && (value is < 0 or > 1e9 || double.IsNaN(value)))
            {
                result.AddError($"{name} {value}: expected 0 to 1,000,000,000");
            }
        });
        return option;
    }
}
