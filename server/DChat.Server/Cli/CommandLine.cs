using System.CommandLine;
using System.CommandLine.Help;
using DChat.Server.Cli.Administration;
using DChat.Server.Cli.Recovery;

namespace DChat.Server.Cli;

/// <summary>The command line of <c>dchat-server</c>: what was asked for, and the exit code of each outcome.</summary>
public static class CommandLine
{
    /// <summary>It did what was asked, or was stopped in an orderly way.</summary>
    public const int Success = 0;

    /// <summary>It failed while running; the log says why.</summary>
    public const int Failure = 1;

    /// <summary>What was asked for can not be done: an unknown flag, a bad value, a port in use, a folder not writable.</summary>
    public const int BadConfiguration = 2;

    /// <summary>A verb was ended by Ctrl-C or SIGTERM before it was done, as shells count it (128 + SIGINT).</summary>
    public const int Interrupted = 130;

    /// <param name="serve">Runs the server until it is stopped, and answers the exit code.</param>
    public static async Task<int> RunAsync(string[] args, Func<ServerOptions, Task<int>> serve)
    {
        try
        {
            var parsed = Describe(serve).Parse(args is ["--version"] ? ["version"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Errors.Count > 0 && parsed.Action is not HelpText)
            {
                throw new ConfigurationException(VerbMissing(parsed) is { } verb ? [verb] : [.. parsed.Errors.Select(error => new ConfigurationError("command line", error.Message, Remedy(args)))]);
            }

            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (ConfigurationException e)
        {
            foreach (var error in e.Errors)
            {
                await Console.Error.WriteLineAsync($"dchat-server: {error}");
            }

            return BadConfiguration;
        }
    }

    private static RootCommand Describe(Func<ServerOptions, Task<int>> serve)
    {
        var root = new RootCommand("Self-hosted team chat. Without a verb it starts the server.");
        root.Options.OfType<VersionOption>().ToList().ForEach(option => root.Options.Remove(option));
        root.Options.OfType<HelpOption>().Single().Action = new HelpText();

        var flags = Settings.All.Select(setting => setting.Flag).Append(Settings.ConfigFlag)
            .Select(flag => new Option<string>(flag) { Recursive = true, Hidden = true, Arity = ArgumentArity.ExactlyOne })
            .ToArray();
        foreach (var flag in flags)
        {
            root.Options.Add(flag);
        }

        Configuration Read(ParseResult parsed) => ConfigurationReader.Read(
            flags.Where(flag => parsed.GetResult(flag) is { Implicit: false }).ToDictionary(flag => flag.Name, flag => parsed.GetValue(flag) ?? "", StringComparer.Ordinal),
            Environment.GetEnvironmentVariables());

        root.SetAction((parsed, _) => serve(Read(parsed).Options));
        root.Subcommands.Add(Verb("version", "print the version", _ => ConfigVerbs.Version()));
        root.Subcommands.Add(new Command("config", "look at the configuration without starting")
        {
            Verb("check", "say whether the server would start with it", parsed => ConfigVerbs.Check(Read(parsed))),
            Verb("show", "print every setting, its value and where it came from", parsed => ConfigVerbs.Show(Read(parsed))),
        });
        root.Subcommands.Add(BackupVerb.Make(parsed => Read(parsed).Options));
        root.Subcommands.Add(RestoreVerb.Make(parsed => Read(parsed).Options));
        foreach (var verb in AdminVerbs.All())
        {
            root.Subcommands.Add(verb);
        }

        return root;
    }

    private static Command Verb(string name, string about, Func<ParseResult, int> run)
    {
        var verb = new Command(name, about);
        verb.SetAction(run);
        return verb;
    }

    /// <summary>Where a verb was expected and something else, or nothing, is given: says which verbs there are.</summary>
    private static ConfigurationError? VerbMissing(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var given = parsed.UnmatchedTokens is [var first, ..] ? first : null;
        if (command.Subcommands.Count == 0 || (given is null && (command is RootCommand || command.Action is not null)) || parsed.UnmatchedTokens.Any(token => token.StartsWith('-')))
        {
            return null; // A flag that is spelled wrong takes its value along.
        }

        var names = command.Subcommands.Select(verb => verb.Name).ToArray();
        var path = command is RootCommand ? "" : command.Name + " ";
        return new ConfigurationError(
            $"{path}{given}".Trim(),
            given is null ? "it needs another verb behind it" : "there is no such verb",
            $"give {path}{string.Join(", ", names[..^1])} or {names[^1]}{Suggestion.Near(given ?? "", names)}; `dchat-server {path}--help` explains them");
    }

    private static string Remedy(string[] args)
    {
        var known = Settings.All.Select(setting => setting.Flag).Append(Settings.ConfigFlag).ToArray();
        var unknown = args.Select(arg => arg.Split('=')[0]).FirstOrDefault(arg => arg.StartsWith('-') && !known.Contains(arg, StringComparer.Ordinal));
        return unknown is null ? "`dchat-server --help` lists flags and verbs" : "see what is spelled wrong" + Suggestion.For(unknown, known);
    }
}
