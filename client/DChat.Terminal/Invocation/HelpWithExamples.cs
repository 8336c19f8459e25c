using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace DChat.Terminal.Invocation;

/// <summary>The help of a verb, followed by its examples.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public static void Install(RootCommand root)
    {
        var option = root.Options.OfType<HelpOption>().Single();
        option.Action = new HelpWithExamples((HelpAction)option.Action!);
    }

    public override int Invoke(ParseResult parseResult)
    {
        var result = help.Invoke(parseResult);
        if (parseResult.CommandResult.Command is VerbCommand verb)
        {
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var line in verb.Example.Split('\n'))
            {
                output.WriteLine("  " + line);
            }
        }

        return result;
    }
}
