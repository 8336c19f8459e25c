using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace DChat.Server.Worker.Joining;

/// <summary>
/// Where coordinators are: <c>host:port</c> and <c>dns:name:port</c>, with commas between. A name behind <c>dns:</c> stands for all its
/// addresses; names are looked up on every try.
/// </summary>
internal sealed class CoordinatorAddresses
{
    public const string Expected = "host:port or dns:name:port, several with commas between";

    private const string DnsPrefix = "dns:";

    private readonly IReadOnlyList<(string Host, int Port, bool IsDns)> _given;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _lookUp;

    /// <exception cref="FormatException">It is none.</exception>
    public CoordinatorAddresses(string text, Func<string, CancellationToken, Task<IPAddress[]>>? lookUp = null)
    {
        _given = [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
        _lookUp = lookUp ?? Dns.GetHostAddressesAsync;
        if (_given.Count == 0)
        {
            throw new FormatException("no coordinator is named");
        }
    }

    /// <summary>All addresses as they are now, as <c>host:port</c>; a name that cannot be looked up is left out.</summary>
    public async Task<IReadOnlyList<string>> ResolveAsync(CancellationToken cancellation)
    {
        var addresses = new List<string>();
        foreach (var (host, port, isDns) in _given)
        {
            if (!isDns)
            {
                addresses.Add(Join(host, port));
                continue;
            }

            try
            {
                addresses.AddRange((await _lookUp(host, cancellation)).Select(address => Join(address.ToString(), port)));
            }
            catch (SocketException)
            {
                // Looked up again on the next try.
            }
        }

        return addresses;
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
