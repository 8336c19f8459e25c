using System.CommandLine;
using DChat.Terminal.Load;

namespace DChat.Terminal;

/// <summary>All verbs of <c>dchat</c>, in the order in which the help lists them.</summary>
internal static class CommandTree
{
    public static RootCommand Create()
    {
        var root = new RootCommand("D-Chat in the terminal: chat, and verbs for scripts.")
        {
            GlobalOptions.Server,
            GlobalOptions.User,
            GlobalOptions.Json,
        };

        foreach (var verb in Verbs())
        {
            root.Subcommands.Add(verb);
        }

        return root;
    }

    private static IEnumerable<Command> Verbs()
    {
        // One line a verb: yield return XVerb.Create();
        yield return LoadCommand.Create();
    }
}
