namespace DChat.Client.Connections;

/// <summary>The addresses of a cluster's workers, all equal. Begins at a random one, so that clients spread; goes on with the one that worked.</summary>
public sealed class ServerAddresses
{
    private readonly Lock gate = new();
    private readonly Uri[] addresses;
    private int preferred;

    /// <param name="addresses">At least one absolute <c>http</c> or <c>https</c> address; a path is kept as a prefix.</param>
    /// <exception cref="ArgumentException">None, or one of another kind.</exception>
    public ServerAddresses(IEnumerable<Uri> addresses)
    {
        this.addresses = [.. addresses.Select(Check).Distinct()];
        if (this.addresses.Length == 0)
        {
            throw new ArgumentException("At least one server address is needed.", nameof(addresses));
        }

        preferred = Random.Shared.Next(this.addresses.Length);
    }

    /// <summary>All of them, the one to try first at the front.</summary>
    public IReadOnlyList<Uri> InOrder()
    {
        lock (gate)
        {
            return [.. addresses[preferred..], .. addresses[..preferred]];
        }
    }

    /// <summary>Reads <c>host:port,https://other</c>: separated by commas, <c>http://</c> where no scheme is given.</summary>
    /// <exception cref="FormatException">One of them is no address; the message names it.</exception>
    public static IReadOnlyList<Uri> Parse(string text)
    {
        var parts = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts.Length == 0)
        {
            throw new FormatException("A server address is expected, such as http://localhost:8080.");
        }

        return [.. parts.Select(ParseOne)];
    }

    internal void Prefer(Uri address)
    {
        lock (gate)
        {
            preferred = Math.Max(0, Array.IndexOf(addresses, address));
        }
    }

    /// <summary>Begins with another one next time, because this one failed or goes away.</summary>
    internal void Avoid(Uri address)
    {
        lock (gate)
        {
            if (addresses[preferred] == address)
            {
                preferred = (preferred + 1) % addresses.Length;
            }
        }
    }

    private static Uri ParseOne(string text)
    {
        var full = text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text;
        return Uri.TryCreate(full, UriKind.Absolute, out var uri) && IsHttp(uri)
            ? Check(uri)
            : throw new FormatException($"'{text}' is not a server address; expected something like http://localhost:8080 or https://chat.example.org.");
    }

    private static Uri Check(Uri uri) => uri.IsAbsoluteUri && IsHttp(uri)
        ? new Uri(uri.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/")
        : throw new ArgumentException($"'{uri}' is not an absolute http or https address.", nameof(uri));

    private static bool IsHttp(Uri uri) =>
        (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri.Host.Length > 0;
}
