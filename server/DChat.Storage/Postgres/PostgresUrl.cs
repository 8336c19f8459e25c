using System.Globalization;
using System.Net;
using Npgsql;

namespace DChat.Storage.Postgres;

/// <summary>
/// Where PostgreSQL is, and as whom to go there: <c>postgres://user:password@host:5432/database?sslmode=verify-full&amp;…</c>, as libpq
/// writes it. Several hosts, separated by commas, are a primary and its standbys. Its text never holds the password.
/// </summary>
public sealed class PostgresUrl
{
    public const string Scheme = "postgres://";

    /// <summary>What may stand after the question mark.</summary>
    public static IReadOnlyList<string> Parameters { get; } = ["sslmode", "sslrootcert", "sslcert", "sslkey", "passfile", "connections"];

    /// <summary>Connections of one process when the URL does not say.</summary>
    public const int DefaultConnections = 12;

    private const int ConnectionsMin = 6;
    private const int ConnectionsMax = 200;
    private const int DefaultPort = 5432;

    private readonly string _masked;

    private PostgresUrl(string masked, NpgsqlConnectionStringBuilder settings, IReadOnlyList<string> hosts, int connections)
    {
        _masked = masked;
        Settings = settings;
        Hosts = hosts;
        Connections = connections;
    }

    /// <summary>host:port, or the folder of a Unix socket.</summary>
    public IReadOnlyList<string> Hosts { get; }

    public string User => Settings.Username ?? "";

    public string Database => Settings.Database ?? "";

    /// <summary>The most connections that this process holds, 6 to 200.</summary>
    public int Connections { get; }

    internal NpgsqlConnectionStringBuilder Settings { get; }

    /// <summary>The settings for each host by itself.</summary>
    internal IEnumerable<NpgsqlConnectionStringBuilder> SettingsOfHosts() => Hosts.Select(host =>
    {
        var (name, port) = NameAndPort(host);
        return new NpgsqlConnectionStringBuilder(Settings.ConnectionString) { Host = name, Port = port };
    });

    /// <exception cref="FormatException">Says what is wrong; never the password.</exception>
    public static PostgresUrl Parse(string text)
    {
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw new FormatException($"it does not begin with {Scheme}");
        }

        var (place, query) = Cut(text[Scheme.Length..], '?');
        var (authority, database) = Cut(place, '/');
        var at = authority.LastIndexOf('@');
        var (user, password) = Cut(at < 0 ? "" : authority[..at], ':');
        var hosts = authority[(at + 1)..].Split(',').Select(Host).ToList();
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = hosts.Count > 1 ? string.Join(',', hosts) : NameAndPort(hosts[0]).Name,
            Port = hosts.Count > 1 ? DefaultPort : NameAndPort(hosts[0]).Port,
            Username = Required(user, "the user's name is missing"),
            Database = Required(database, "the database's name is missing"),
            SslMode = hosts.TrueForAll(IsNear) ? SslMode.Disable : SslMode.Require,
        };
        if (password.Length > 0)
        {
            settings.Password = Unescape(password);
        }

        var connections = DefaultConnections;
        foreach (var parameter in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Cut(parameter, '=');
            Apply(settings, name, Unescape(value), ref connections);
        }

        return new PostgresUrl(Mask(text), settings, hosts, connections);
    }

    /// <summary>The text with stars in place of a password; also of a text that is no right URL.</summary>
    public static string Mask(string text)
    {
        var start = text.IndexOf("://", StringComparison.Ordinal);
        var at = text.LastIndexOf('@');
        if (start < 0 || at < start)
        {
            return text;
        }

        var colon = text.IndexOf(':', start + 3);
        return colon < 0 || colon > at ? text : string.Concat(text.AsSpan(0, colon + 1), "********", text.AsSpan(at));
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => _masked;

    private static void Apply(NpgsqlConnectionStringBuilder settings, string name, string value, ref int connections)
    {
        switch (name)
        {
            case "sslmode":
                settings.SslMode = value switch
                {
                    "disable" => SslMode.Disable,
                    "allow" => SslMode.Allow,
                    "prefer" => SslMode.Prefer,
                    "require" => SslMode.Require,
                    "verify-ca" => SslMode.VerifyCA,
                    "verify-full" => SslMode.VerifyFull,
                    _ => throw new FormatException("sslmode is disable, allow, prefer, require, verify-ca or verify-full"),
                };
                break;
            case "sslrootcert":
                settings.RootCertificate = value;
                break;
            case "sslcert":
                settings.SslCertificate = value;
                break;
            case "sslkey":
                settings.SslKey = value;
                break;
            case "passfile":
                settings.Passfile = value;
                break;
            case "connections":
                connections = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= ConnectionsMin and <= ConnectionsMax
                    ? number
                    : throw new FormatException($"connections is a whole number from {ConnectionsMin} to {ConnectionsMax}");
                break;
            default:
                throw new FormatException($"it has an unknown parameter \"{name}\"; there are {string.Join(", ", Parameters)}");
        }
    }

    // "%2Fvar%2Frun%2Fpostgresql" is a folder, "[::1]:5432" an address of version 6.
    private static string Host(string text)
    {
        var colon = text.LastIndexOf(':');
        var hasPort = colon > text.LastIndexOf(']');
        var host = Unescape(hasPort ? text[..colon] : text);
        if (host.Length == 0)
        {
            throw new FormatException("the host's name is missing");
        }

        var port = DefaultPort;
        if (hasPort && !(int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65_535))
        {
            throw new FormatException("a port is a whole number from 1 to 65535");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");
    }

    private static (string Name, int Port) NameAndPort(string host)
    {
        var colon = host.LastIndexOf(':');
        return (host[..colon].Trim('[', ']'), int.Parse(host.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    // What does not leave the machine needs no TLS; everything else has it unless the URL says otherwise.
    private static bool IsNear(string host)
    {
        var name = NameAndPort(host).Name;
        return name.StartsWith('/') || name == "localhost" || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address));
    }

    private static string Required(string text, string problem) => text.Length > 0 ? Unescape(text) : throw new FormatException(problem);

    private static string Unescape(string text) => Uri.UnescapeDataString(text);

    private static (string Before, string After) Cut(string text, char at)
    {
        var index = text.IndexOf(at, StringComparison.Ordinal);
        return index < 0 ? (text, "") : (text[..index], text[(index + 1)..]);
    }
}
