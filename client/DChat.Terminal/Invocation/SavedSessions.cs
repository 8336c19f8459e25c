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

    private const int ProfileMax = 64;
    private const int OthersMax = 16;

    private string LastFile => Path.Combine(folder, "last.json");

    /// <summary><c>$XDG_CONFIG_HOME/dchat</c>, else <c>~/.config/dchat</c>; on Windows <c>%APPDATA%\dchat</c>.</summary>
    /// <param name="profile">A name of one's own for sessions that are kept apart; null: the usual ones.</param>
    /// <exception cref="UsageException">It is no name of a profile.</exception>
    public static SavedSessions OfThisUser(string? profile = null)
    {
        if (profile is null)
        {
            return new SavedSessions(UserFolder());
        }

        return profile.Length is > 0 and <= ProfileMax && profile.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            ? new SavedSessions(Path.Combine(UserFolder(), "profiles", profile))
            : throw new UsageException($"--profile: a name of 1 to {ProfileMax} letters, digits, - or _ is expected.");
    }

    /// <summary>Where this user's settings are.</summary>
    public static string UserFolder()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var configured = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
        var root = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData)
            : Path.IsPathRooted(configured) ? configured
            : Path.Combine(home, ".config");
        return Path.Combine(root, "dchat");
    }

    /// <summary>The server and user that a command line means.</summary>
    /// <exception cref="UsageException">The address is none.</exception>
    public (string Server, string? User) Resolve(string? server, string? user)
    {
        var last = Last();
        var meant = Canonical(server ?? last?.Server ?? DefaultServer);
        return (meant, user?.ToLowerInvariant() ?? last?.Users.GetValueOrDefault(meant));
    }

    public FileSessionStore Store(string server, string user) => new(PathFor("session", server, user) + ".json");

    /// <summary>Where something of an account is kept. The names of accounts are anybody's, so it is named by a hash and never by them.</summary>
    public string PathFor(string what, string server, string user)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(server + "\n" + user.ToLowerInvariant()));
        return Path.Combine(folder, $"{what}-{Convert.ToHexStringLower(hash.AsSpan(0, 12))}");
    }

    /// <summary>Servers and users with a session, the server that was used last first.</summary>
    public IReadOnlyList<(string Server, string User)> Known() => Last() is { } last
        ? [.. last.Users.Select(pair => (Server: pair.Key, User: pair.Value))
            .Concat((last.Others ?? []).Select(other => (other.Server, other.User)))
            .Distinct()
            .Where(known => File.Exists(PathFor("session", known.Server, known.User) + ".json"))
            .OrderByDescending(known => known.Server == last.Server)]
        : [];

    public void Remember(string server, string user)
    {
        var last = Last();
        var users = new Dictionary<string, string>(last?.Users ?? []);
        var others = (last?.Others ?? []).ToList();
        if (users.TryGetValue(server, out var before))
        {
            others.Add(new Account(server, before));
        }

        users[server] = user.ToLowerInvariant();
        Save(new LastUsed(server, users, [.. others.Where(other => other != new Account(server, user.ToLowerInvariant())).Distinct().TakeLast(OthersMax)]));
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
    /// <param name="Others">Who signed in there before.</param>
    private sealed record LastUsed(string Server, Dictionary<string, string> Users, IReadOnlyList<Account>? Others = null);

    private sealed record Account(string Server, string User);
}
