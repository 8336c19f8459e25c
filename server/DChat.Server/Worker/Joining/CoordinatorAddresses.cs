using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using DChat.Server.Nodes;

namespace DChat.Server.Worker.Joining;

/// <summary>
/// Where coordinators are: <c>host:port</c> and <c>dns:name:port</c>, with commas between. A name behind <c>dns:</c> stands for all its
/// addresses; names are looked up on every try, and where that fails or takes long, what was found last counts.
/// </summary>
internal sealed class CoordinatorAddresses
{
    public const string Expected = "host:port or dns:name:port, several with commas between";

    private const string DnsPrefix = "dns:";

    /// <summary>A lookup that takes longer holds up whoever looks for the leader: workers are missed after seconds.</summary>
    private static readonly TimeSpan LookUpLimit = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<(string Host, int Port, bool IsDns)> _given;
    private readonly ConcurrentDictionary<string, IPAddress[]> _found = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task> _looking = new(StringComparer.Ordinal);
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _lookUp;
    private readonly TimeSpan _limit;

    /// <param name="limit">For a lookup; null: 1 second.</param>
    /// <exception cref="FormatException">It is none.</exception>
    public CoordinatorAddresses(string text, Func<string, CancellationToken, Task<IPAddress[]>>? lookUp = null, TimeSpan? limit = null)
    {
        _limit = limit ?? LookUpLimit;
        _given = [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
        _lookUp = lookUp ?? Dns.GetHostAddressesAsync;
        if (_given.Count == 0)
        {
            throw new FormatException("no coordinator is named");
        }
    }

    /// <summary>Whether each is given by an address of this machine alone.</summary>
    public bool AreAllHere => _given.All(given => LoopbackHost.Is(given.Host));

    /// <summary>All addresses as they are now, as <c>host:port</c>; a name that cannot be looked up, and never could, is left out.</summary>
    public async Task<IReadOnlyList<string>> ResolveAsync(CancellationToken cancellation) =>
        [.. (await Task.WhenAll(_given.Select(given => given.IsDns ? LookUpAsync(given.Host, given.Port, cancellation) : Task.FromResult<string[]>([Join(given.Host, given.Port)])))).SelectMany(found => found)];

    private async Task<string[]> LookUpAsync(string host, int port, CancellationToken cancellation)
    {
        if (!_looking.TryGetValue(host, out var looking) || looking.IsCompleted)
        {
            _looking[host] = looking = FindAsync(host);
        }

        await Task.WhenAny(looking, Task.Delay(_limit, cancellation));
        cancellation.ThrowIfCancellationRequested();
        return Array.ConvertAll(_found.GetValueOrDefault(host, []), address => Join(address.ToString(), port));
    }

    /// <summary>Goes on when nobody waits any more: a name server that is slow is one all the same.</summary>
    private async Task FindAsync(string host)
    {
        try
        {
            _found[host] = await _lookUp(host, CancellationToken.None);
        }
        catch (SocketException)
        {
            // Looked up again on the next try.
        }
    }

    public override string ToString() => string.Join(", ", _given.Select(given => (given.IsDns ? DnsPrefix : "") + Join(given.Host, given.Port)));

    private static (string Host, int Port, bool IsDns) Parse(string text)
    {
        var isDns = text.StartsWith(DnsPrefix, StringComparison.Ordinal);
        var rest = isDns ? text[DnsPrefix.Length..] : text;
        var colon = rest.LastIndexOf(':');
        var host = colon > 0 ? rest[..colon].Trim('[', ']') : "";
        return Uri.CheckHostName(host) != UriHostNameType.Unknown
            && int.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65_535
                ? (host, port, isDns)
                : throw new FormatException($"{text} is not {Expected}");
    }

    private static string Join(string host, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}");
}
