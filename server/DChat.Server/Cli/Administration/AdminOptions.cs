using System.CommandLine;

namespace DChat.Server.Cli.Administration;

/// <summary>Flags that every administrator's verb takes: where, and as whom.</summary>
internal sealed class AdminOptions
{
    private const string ServerVariable = "DCHAT_SERVER";
    private const string PasswordVariable = "DCHAT_ADMIN_PASSWORD";

    public Option<string> Server { get; } = new("--server") { Description = "a worker's address; DCHAT_SERVER, or http://127.0.0.1:8080", HelpName = "URL" };

    public Option<string> User { get; } = new("--user") { Description = "the administrator's account; admin", HelpName = "NAME" };

    public Option<string> PasswordFile { get; } = new("--password-file") { Description = "a file that holds its password; else DCHAT_ADMIN_PASSWORD, else it is read from standard input", HelpName = "FILE" };

    public Option<bool> Json { get; } = new("--json") { Description = "print what the server answers, for scripts" };

    public void AddTo(Command verb)
    {
        verb.Options.Add(Server);
        verb.Options.Add(User);
        verb.Options.Add(PasswordFile);
        verb.Options.Add(Json);
    }

    /// <exception cref="ConfigurationException">An address or a file that cannot be used.</exception>
    public async Task<AdminClient> ConnectAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var client = new AdminClient(ReadServer(parsed), parsed.GetValue(User) ?? "admin", await ReadPasswordAsync(parsed, cancellation));
        try
        {
            await client.SignInAsync(cancellation);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private Uri ReadServer(ParseResult parsed)
    {
        var given = parsed.GetValue(Server) ?? Environment.GetEnvironmentVariable(ServerVariable) ?? $"http://127.0.0.1:{new ServerOptions().Port}";
        var text = given.Contains("://", StringComparison.Ordinal) ? given : "http://" + given;
        return Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var server) && server.Scheme is "http" or "https"
            ? server
            : throw new ConfigurationException($"--server {given}", "it is no address of a server", "give a worker's, such as http://127.0.0.1:8080");
    }

    private async Task<string> ReadPasswordAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(PasswordFile) is { } path)
        {
            return await Secrets.ReadFileAsync(PasswordFile.Name, path, cancellation);
        }

        if (Environment.GetEnvironmentVariable(PasswordVariable) is { Length: > 0 } given)
        {
            return given;
        }

        return await Secrets.ReadAsync("password of the administrator: ", cancellation)
            ?? throw new ConfigurationException("no password", "none is given", $"set {PasswordVariable}, give --password-file, or type it");
    }
}

/// <summary>Reads what nobody may see typed.</summary>
internal static class Secrets
{
    /// <exception cref="ConfigurationException">It cannot be read.</exception>
    public static async Task<string> ReadFileAsync(string flag, string path, CancellationToken cancellation)
    {
        try
        {
            return (await File.ReadAllTextAsync(path, cancellation)).Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{flag} {path}", failure.Message, "give a file that this user may read");
        }
    }

    /// <summary>One line of standard input, without echo where that is a terminal; null at its end. The console knows no token, so nobody waits for it.</summary>
    public static Task<string?> ReadAsync(string prompt, CancellationToken cancellation) => Task.Run(() => Read(prompt), cancellation).WaitAsync(cancellation);

    private static string? Read(string prompt)
    {
        if (Console.IsInputRedirected)
        {
            return Console.In.ReadLine();
        }

        Console.Error.Write(prompt);
        var typed = new System.Text.StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                typed.Length = Math.Max(0, typed.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                typed.Append(key.KeyChar);
            }
        }

        Console.Error.WriteLine();
        return typed.ToString();
    }
}
