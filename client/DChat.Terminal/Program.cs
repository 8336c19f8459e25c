using DChat.Terminal;

var parsed = CommandTree.Create().Parse(args);
if (parsed.Errors.Count == 0)
{
    return await parsed.InvokeAsync();
}

foreach (var error in parsed.Errors)
{
    Console.Error.WriteLine($"dchat: {error.Message}");
}

Console.Error.WriteLine($"Try: dchat {parsed.CommandResult.Command.Name} --help");
return ExitCodes.Usage;
