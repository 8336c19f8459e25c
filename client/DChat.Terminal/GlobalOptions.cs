using System.CommandLine;

namespace DChat.Terminal;

/// <summary>The options that every verb understands.</summary>
internal static class GlobalOptions
{
    public static readonly Option<string?> Server = new("--server", "-s")
    {
        Description = "Server addresses, separated by commas; all are tried. Default: the one last signed in to, else http://localhost:8080. Also DCHAT_SERVER.",
        HelpName = "URL,…",
        Recursive = true,
    };

    public static readonly Option<string?> User = new("--user", "-u")
    {
        Description = "The account. Default: the one last signed in with. Also DCHAT_USER.",
        HelpName = "NAME",
        Recursive = true,
    };

    public static readonly Option<string?> Profile = new("--profile")
    {
        Description = "Sessions kept apart under a name of your own: another person, another company. Also DCHAT_PROFILE.",
        HelpName = "NAME",
        Recursive = true,
    };

    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print one JSON object a line, for scripts.",
        Recursive = true,
    };
}
