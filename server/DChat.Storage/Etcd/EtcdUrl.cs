using System.Globalization;
using System.Net;

namespace DChat.Storage.Etcd;

/// <summary>
/// Where etcd is, and as whom to go there: <c>etcd://user@h1:2379,h2:2379,h3:2379/prefix?ca=FILE&amp;cert=FILE&amp;key=FILE&amp;passfile=FILE</c>.
/// TLS is spoken where <c>ca</c> is given, or with <c>tls=on</c> by the machine's own authorities. Its text never holds a password.
/// </summary>
public sealed class EtcdUrl
{
    public const string Scheme = "etcd://";

    /// <summary>The environment variable with the user's password, where no file is named.</summary>
    public const string PasswordVariable = "DCHAT_ETCD_PASSWORD";

    /// <summary>What may stand after the question mark.</summary>
    public static IReadOnlyList<string> Parameters { get; } = ["tls", "ca", "cert", "key", "passfile", "lease"];

    /// <summary>The shortest time after which a leader that is not heard loses its leadership.</summary>
    public const int LeaseSecondsMin = 1;
    public const int LeaseSecondsMax = 60;

    /// <summary>That time where the URL does not say.</summary>
    public const int DefaultLeaseSeconds = 3;

    private const int DefaultPort = 2379;
    private const string DefaultPrefix = "dchat";

    private readonly string _text;

    private EtcdUrl(string text) => _text = text;

    /// <summary><c>http://host:port</c> or <c>https://host:port</c>, in the order in which they are tried.</summary>
    public required IReadOnlyList<Uri> Endpoints { get; init; }

    /// <summary>All keys begin with it, and a slash; clusters that share an etcd have different ones.</summary>
    public required string Prefix { get; init; }

    /// <summary>Null: nobody signs in.</summary>
    public string? User { get; init; }

    /// <summary>A file with the user's password on its first line; null: it is in <see cref="PasswordVariable"/>.</summary>
    public string? PassFile { get; init; }

    /// <summary>The authorities that sign etcd's certificates, a PEM file; null: the machine's own.</summary>
    public string? AuthorityFile { get; init; }

    /// <summary>The certificate to show, a PEM file, and its key; null: none is shown.</summary>
    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    /// <summary>In seconds, 1 to 60.</summary>
    public int LeaseSeconds { get; init; } = DefaultLeaseSeconds;

    /// <exception cref="FormatException">Says what is wrong.</exception>
    public static EtcdUrl Parse(string text)
    {
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw new FormatException($"it does not begin with {Scheme}");
        }

        var (place, query) = Cut(text[Scheme.Length..], '?');
        var (authority, prefix) = Cut(place, '/');
        var at = authority.LastIndexOf('@');
        var user = at < 0 ? null : Uri.UnescapeDataString(authority[..at]);
        if (user is not null && (user.Length == 0 || user.Contains(':', StringComparison.Ordinal)))
        {
            throw new FormatException($"before the @ stands a user's name alone; its password is in the file that passfile names, or in {PasswordVariable}");
        }

        var given = Read(query);
        var isSecure = given.GetValueOrDefault("tls") switch
        {
            null => given.ContainsKey("ca") || given.ContainsKey("cert"),
            "on" => true,
            "off" => false,
            _ => throw new FormatException("tls is on or off"),
        };
        if (given.ContainsKey("cert") != given.ContainsKey("key"))
        {
            throw new FormatException("cert and key belong together");
        }

        if (user is null && given.ContainsKey("passfile"))
        {
            throw new FormatException("passfile is there and no user: say etcd://USER@HOST");
        }

        return new EtcdUrl(text)
        {
            Endpoints = [.. authority[(at + 1)..].Split(',').Select(host => Endpoint(host, isSecure))],
            Prefix = Uri.UnescapeDataString(prefix.Trim('/') is { Length: > 0 } named ? named : DefaultPrefix),
            User = user,
            PassFile = given.GetValueOrDefault("passfile"),
            AuthorityFile = given.GetValueOrDefault("ca"),
            CertificateFile = given.GetValueOrDefault("cert"),
            KeyFile = given.GetValueOrDefault("key"),
            LeaseSeconds = given.GetValueOrDefault("lease") is not { } lease ? DefaultLeaseSeconds
                : int.TryParse(lease, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= LeaseSecondsMin and <= LeaseSecondsMax ? seconds
                : throw new FormatException($"lease is a whole number of seconds from {LeaseSecondsMin} to {LeaseSecondsMax}"),
        };
    }

    public override string ToString() => _text;

    private static Dictionary<string, string> Read(string query)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var parameter in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Cut(parameter, '=');
            if (!Parameters.Contains(name))
            {
                throw new FormatException($"it has an unknown parameter \"{name}\"; there are {string.Join(", ", Parameters)}");
            }

            given[name] = Uri.UnescapeDataString(value);
        }

        return given;
    }

    private static Uri Endpoint(string text, bool isSecure)
    {
        var colon = text.LastIndexOf(':');
        var hasPort = colon > text.LastIndexOf(']');
        var host = hasPort ? text[..colon] : text;
        var port = DefaultPort;
        if (hasPort && !(int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= IPEndPoint.MaxPort))
        {
            throw new FormatException("a port is a whole number from 1 to 65535");
        }

        return host.Length > 0 && Uri.TryCreate(string.Create(CultureInfo.InvariantCulture, $"{(isSecure ? "https" : "http")}://{host}:{port}"), UriKind.Absolute, out var endpoint)
            ? endpoint
            : throw new FormatException($"\"{text}\" is no host");
    }

    private static (string Before, string After) Cut(string text, char at)
    {
        var index = text.IndexOf(at, StringComparison.Ordinal);
        return index < 0 ? (text, "") : (text[..index], text[(index + 1)..]);
    }
}
