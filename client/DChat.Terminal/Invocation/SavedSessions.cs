using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DChat.Client.Connections;
using DChat.Client.Sessions;

namespace DChat.Terminal.Invocation;

/// <summary>Where <c>dchat</c> keeps who is signed in where: one file a server and user, and one that says which was used last.</summary>
internal sealed class SavedSessions(string folder)
{
    public const string DefaultServer = "http://localhost:8080";

    private string LastFile => Path.Combine(folder, "last.json");

    /// <summary><c>$XDG_CONFIG_HOME/dchat</c>, else <c>~/.config/dchat</c>; on Windows <c>%APPDATA%\dchat</c>.</summary>
    public static SavedSessions OfThisUser()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var configured = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
        var root = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData)
            : Path.IsPathRooted(configured) ? configured
            : Path.Combine(home, ".config");
        return new SavedSessions(Path.Combine(root, "dchat"));
    }

    /// <summary>The server and user that a command line means.</summary>
    /// <exception cref="UsageException">The address is none.</exception>
    public (string Server, string? User) Resolve(string? server, string? user)
    {
        var last = Last();
        var meant = Canonical(server ?? last?.Server ?? DefaultServer);
        return (meant, user?.ToLowerInvariant() ?? last?.Users.GetValueOrDefault(meant));
    }

    /// <summary>The names of accounts are anybody's, so the file is named by a hash and never by them.</summary>
    public FileSessionStore Store(string server, string user)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(server + "\n" + user.ToLowerInvariant()));
        return new FileSessionStore(Path.Combine(folder, $"session-{Convert.ToHexStringLower(hash.AsSpan(0, 12))}.json"));
    }

    public void Remember(string server, string user)
    {
        var users = new Dictionary<string, string>(Last()?.Users ?? []) { [server] = user.ToLowerInvariant() };
        Save(new LastUsed(server, users));
    }

    public void Forget(string server, string user)
    {
        if (Last() is { } last && last.Users.GetValueOrDefault(server) == user)
        {
            var users = new Dictionary<string, string>(last.Users);
            users.Remove(server);
            Save(last with { Users = users });
        }
    }

    private static string Canonical(string server)
    {
        try
        {
            return string.Join(',', ServerAddresses.Parse(server).Select(uri => uri.ToString()).Distinct().Order(StringComparer.Ordinal));
        }
        catch (FormatException e)
        {
            throw new UsageException($"--server: {e.Message}", e);
        }
    }

    private LastUsed? Last()
    {
        try
        {
            return JsonSerializer.Deserialize<LastUsed>(File.ReadAllText(LastFile));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new UsageException($"{LastFile} is damaged; remove it.", e);
        }
    }

    private void Save(LastUsed last)
    {
        var temporary = $"{LastFile}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(temporary, options))
        {
            JsonSerializer.Serialize(file, last);
        }

        File.Move(temporary, LastFile, overwrite: true);
    }

    /// <param name="Users">By server, who signed in there last.</param>
    private sealed record LastUsed(string Server, Dictionary<string, string> Users);
}
