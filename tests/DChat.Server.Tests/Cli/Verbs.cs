using System.CommandLine;
using System.Text;
using DChat.Server.Cli;
using DChat.Server.Cli.Administration;

namespace DChat.Server.Tests.Cli;

/// <summary>The administrators' verbs, run in the test's own process: as the binary runs them, without a start of it for each.</summary>
internal static class Verbs
{
    private static readonly AsyncLocal<(StringWriter Output, StringWriter Error)?> Caller = new();

    static Verbs()
    {
        Console.SetOut(new ToCaller(Console.Out, caller => caller.Output));
        Console.SetError(new ToCaller(Console.Error, caller => caller.Error));
    }

    /// <summary>All that there are, such as <c>room move</c>.</summary>
    public static IReadOnlyList<string> All { get; } = [.. AdminVerbs.All().SelectMany(verb => Of(verb, ""))];

    /// <summary>Runs one; what it prints goes to whoever called, though other tests run theirs at the same time.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var caller = (Output: new StringWriter(), Error: new StringWriter());
        Caller.Value = caller;
        var code = await CommandLine.RunAsync(arguments, _ => throw new InvalidOperationException("the server is not to be started"));
        return (code, caller.Output.ToString(), caller.Error.ToString());
    }

    private static IEnumerable<string> Of(Command verb, string before) =>
        verb.Subcommands.Count == 0 ? [before + verb.Name] : verb.Subcommands.SelectMany(inner => Of(inner, $"{before}{verb.Name} "));

    /// <summary>The console is the process's, which runs many tests: each call hears its own.</summary>
    private sealed class ToCaller(TextWriter otherwise, Func<(StringWriter Output, StringWriter Error), TextWriter> choose) : TextWriter
    {
        public override Encoding Encoding => otherwise.Encoding;

        private TextWriter Writer => Caller.Value is { } caller ? choose(caller) : otherwise;

        public override void Write(char value) => Writer.Write(value);

        public override void Write(string? value) => Writer.Write(value);

        public override void Write(char[] buffer, int index, int count) => Writer.Write(buffer, index, count);

        public override void Flush() => Writer.Flush();
    }
}
