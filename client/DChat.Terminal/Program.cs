using System.CommandLine;
using System.CommandLine.Invocation;
using DChat.Terminal;

// An argument that begins with @ is a user, not a file with more arguments.
var parsed = CommandTree.Create().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Action is not ParseErrorAction)
{
    return await parsed.InvokeAsync();
}

// A word that is no verb also counts as a verb that is missing: say the first alone.
var errors = parsed.UnmatchedTokens.Count > 0 ? parsed.Errors.Where(e => e.Message.Contains(parsed.UnmatchedTokens[0], StringComparison.Ordinal)) : parsed.Errors;
foreach (var message in errors.Select(e => e.Message).Distinct())
{
    Console.Error.WriteLine($"dchat: {message}");
}

var command = parsed.CommandResult.Command;
Console.Error.WriteLine(command is RootCommand ? "Try: dchat --help" : $"Try: dchat {command.Name} --help");
return ExitCodes.Usage;
