using System.CommandLine;

namespace DChat.Server.Cli.Administration;

/// <summary>The password that an administrator gives somebody. Not by a variable that people set to sign in themselves.</summary>
internal static class NewPassword
{
    public const string Variable = "DCHAT_NEW_PASSWORD";

    private static readonly Option<string> PasswordFile = new("--new-password-file")
    {
        Description = $"a file that holds the account's new password; else {Variable}, else it is read from standard input",
        HelpName = "FILE",
    };

    public static Command Verb(Command verb)
    {
        verb.Options.Add(PasswordFile);
        return verb;
    }

    /// <exception cref="ConfigurationException">The file cannot be read, or none is given.</exception>
    public static async Task<string> ReadAsync(AdminCall call)
    {
        if (call.Parsed.GetValue(PasswordFile) is { } path)
        {
            return await Secrets.ReadFileAsync(PasswordFile.Name, path, call.Cancellation);
        }

        return Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given
            ? given
            : await Secrets.ReadAsync("new password: ", call.Cancellation) ?? throw new ConfigurationException("no new password", "none is given", $"set {Variable}, give {PasswordFile.Name}, or type it");
    }
}
