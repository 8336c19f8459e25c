using System.CommandLine;
using DChat.Terminal.Accounts;
using DChat.Terminal.Files;
using DChat.Terminal.Invocation;
using DChat.Terminal.Load;
using DChat.Terminal.Messages;
using DChat.Terminal.Moderation;
using DChat.Terminal.Rooms;
using DChat.Terminal.Ui;

namespace DChat.Terminal;

/// <summary>All verbs of <c>dchat</c>, in the order in which the help lists them.</summary>
internal static class CommandTree
{
    public static RootCommand Create()
    {
        var root = new RootCommand(Description)
        {
            GlobalOptions.Server,
            GlobalOptions.User,
            GlobalOptions.Profile,
            GlobalOptions.Json,
        };

        foreach (var verb in Verbs())
        {
            root.Subcommands.Add(verb);
        }

        root.SetAction(UiCommand.RunAsync);
        HelpWithExamples.Install(root);
        return root;
    }

    private static IEnumerable<Command> Verbs() =>
    [
        .. AccountVerbs.All(),
        .. RoomVerbs.All(),
        .. SendVerbs.All(),
        .. ReadVerbs.All(),
        .. ModerationVerbs.All(),
        .. FileVerbs.All(),
        LoadCommand.Create(),
    ];

    private const string Description = """
        D-Chat in the terminal: chat, and verbs for scripts.

        To chat, type dchat alone: a full screen, which asks for everything it needs (F1 there shows all keys).
          dchat
          dchat --server https://chat.example.org --user alice
          dchat --profile work

        For scripts:
          dchat register alice --server http://localhost:8080
          dchat create garden
          dchat send garden "Hello"
          dchat tail garden -f

        A room is named by its name or id; @user is the direct room with somebody.
        Sessions are kept in $XDG_CONFIG_HOME/dchat (else ~/.config/dchat; on Windows %APPDATA%\dchat), readable by you alone.
        Exit codes: 0 done, 1 refused by the server, 2 wrong usage, 3 not signed in, 4 server cannot be reached,
        70 a defect of dchat, 130 interrupted.
        Colours are off when standard output is no terminal, or NO_COLOR is set.
        """;
}
