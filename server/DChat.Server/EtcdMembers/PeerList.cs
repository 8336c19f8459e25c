using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using DChat.Server.Nodes;

namespace DChat.Server.EtcdMembers;

/// <summary>The coordinators that run an etcd member each: <c>c1=10.0.0.1,c2=10.0.0.2:2390,c3=[fd00::3]</c>.</summary>
public sealed partial class PeerList
{
    /// <summary>etcd's own port for its peers.</summary>
    public const int DefaultPort = 2380;

    /// <summary>Every entry of the log waits for more than half of them.</summary>
    public const int PeersMax = 9;

    public const string Expected = "NAME=HOST or NAME=HOST:PORT, several with commas between, such as c1=10.0.0.1,c2=10.0.0.2,c3=10.0.0.3";

    private PeerList(IReadOnlyList<Peer> all) => All = all;

    public IReadOnlyList<Peer> All { get; }

    /// <exception cref="FormatException">Says what is wrong.</exception>
    public static PeerList Parse(string text)
    {
        var all = text.Split(',', StringSplitOptions.TrimEntries).Select(ParseOne).ToList();
        if (all.Count > PeersMax)
        {
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{all.Count} are too many: every change waits for more than half of them, and {PeersMax} are the most; three or five are usual"));
        }

        foreach (var (i, peer) in all.Index())
        {
            foreach (var other in all.Take(i))
            {
                if (other.Name == peer.Name)
                {
                    throw new FormatException($"\"{peer.Name}\" is there twice");
                }

                if (other.Address == peer.Address)
                {
                    throw new FormatException($"{other.Name} and {peer.Name} have the same address, {peer.Address}");
                }
            }
        }

        return all.FirstOrDefault(peer => peer.IsLoopback) is { } here && all.FirstOrDefault(peer => !peer.IsLoopback) is { } there
            ? throw new FormatException($"{there.Name} at {there.Address} cannot reach {here.Name} at {here.Address}, which is every machine's own address")
            : new PeerList(all);
    }

    /// <summary>One of a list.</summary>
    /// <exception cref="FormatException">Says what is wrong.</exception>
    public static Peer ParseOne(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            throw new FormatException($"\"{text}\" is not NAME=HOST, a name and its address, as in c2=10.0.0.2");
        }

        var (name, address) = (text[..equals], text[(equals + 1)..]);
        if (!IsName(name))
        {
            throw new FormatException($"\"{name}\" is no name: {NameExpected}");
        }

        var colon = address.LastIndexOf(':');
        var isBare = address.IndexOf(':', StringComparison.Ordinal) != colon && !address.StartsWith('[');
        if (isBare)
        {
            throw new FormatException($"\"{address}\": an IPv6 address stands in brackets, as in [fd00::3]");
        }

        var hasPort = colon > address.LastIndexOf(']');
        var host = (hasPort ? address[..colon] : address).Trim('[', ']');
        var port = DefaultPort;
        if (hasPort && !(int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= IPEndPoint.MaxPort))
        {
            throw new FormatException($"\"{address}\": a port is a whole number from 1 to 65535");
        }

        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            throw new FormatException($"\"{address}\" is no host");
        }

        return IPAddress.TryParse(host, out var ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any))
            ? throw new FormatException($"\"{address}\" is no address at which others reach {name}")
            : new Peer(name, ip?.ToString() ?? host.ToLowerInvariant(), port);
    }

    public const string NameExpected = "1 to 32 letters, digits, dots, hyphens and underscores, the first a letter or digit";

    public static bool IsName(string text) => Name().IsMatch(text);

    public Peer? Find(string name) => All.FirstOrDefault(peer => peer.Name == name);

    public IEnumerable<Peer> Without(Peer self) => All.Where(peer => peer != self);

    /// <summary>The same for the same coordinators, in whatever order they were given.</summary>
    public override string ToString() => string.Join(',', All.OrderBy(peer => peer.Name, StringComparer.Ordinal));

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}

/// <summary>One coordinator, and where its etcd member is reached by the others.</summary>
/// <param name="Host">An IP address without brackets, or a name in lower case.</param>
public sealed record Peer(string Name, string Host, int Port)
{
    /// <summary><c>host:port</c>, an IPv6 address in brackets.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"{BracketedHost}:{Port}");

    /// <summary><see cref="Host"/> as it stands before a port.</summary>
    public string BracketedHost => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;

    /// <summary>As etcd knows it.</summary>
    public string Url => $"https://{Address}";

    /// <summary>Null where <see cref="Host"/> is a name.</summary>
    public IPAddress? Ip => IPAddress.TryParse(Host, out var ip) ? ip : null;

    public bool IsLoopback => LoopbackHost.Is(Host);

    public override string ToString() => $"{Name}={Address}";
}
