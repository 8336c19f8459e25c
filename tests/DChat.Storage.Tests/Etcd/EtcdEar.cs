using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>Passes requests on to an etcd member of this machine, and keeps those for keys.</summary>
internal sealed partial class EtcdEar : IAsyncDisposable
{
    private const int RequestBytesMax = 2 * 1024 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _passing;
    private readonly int _port;
    private volatile bool _holdsKeys;
    private int _held;
    private int _renewals;

    /// <param name="member"><c>host:port</c>.</param>
    public EtcdEar(string member)
    {
        _port = int.Parse(member.AsSpan(member.LastIndexOf(':') + 1), CultureInfo.InvariantCulture);
        _listener.Start();
        _passing = AcceptAsync();
    }

    public string Address => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Transactions, and ranges outside of one, in order; but for who leads, which each renewal asks.</summary>
    public ConcurrentQueue<JsonNode> Asked { get; } = new();

    /// <summary>Done before the next one that is asked as of a revision is passed on, once.</summary>
    public Func<Task>? BeforeRevision { get; set; }

    /// <summary>What is asked of keys from now on is never passed on, as by a member whose disk hangs; leases it renews without.</summary>
    public bool HoldsKeys
    {
        get => _holdsKeys;
        set => _holdsKeys = value;
    }

    /// <summary>So many requests were held.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>So many renewals of leases were passed on.</summary>
    public int Renewals => Volatile.Read(ref _renewals);

    /// <summary>All ranges among those.</summary>
    public IEnumerable<JsonNode> Ranges => Asked.SelectMany(RangesOf);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _passing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static IEnumerable<JsonNode> RangesOf(JsonNode asked) => asked["key"] is null
        ? new[] { "success", "failure" }.SelectMany(branch => asked[branch]?.AsArray() ?? []).Select(operation => operation!["request_range"]).OfType<JsonNode>()
        : [asked];

    private async Task AcceptAsync()
    {
        while (true)
        {
            _ = PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
    }

    private async Task PassAsync(TcpClient near)
    {
        using (near)
        {
            using var far = new TcpClient();
            await far.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
            await Task.WhenAny(far.GetStream().CopyToAsync(near.GetStream(), _stop.Token), HearAsync(near.GetStream(), far.GetStream()));
        }
    }

    private async Task HearAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[RequestBytesMax];
        var held = 0;
        while (await from.ReadAsync(buffer.AsMemory(held), _stop.Token) is > 0 and var read)
        {
            held += read;
            while (Take(Encoding.Latin1.GetString(buffer, 0, held)) is { } request)
            {
                await NoteAsync(request);
                await to.WriteAsync(buffer.AsMemory(0, request.Length), _stop.Token);
                buffer.AsSpan(request.Length, held - request.Length).CopyTo(buffer);
                held -= request.Length;
            }
        }
    }

    /// <summary>The request that it begins with, when all of it is there.</summary>
    private static string? Take(string text)
    {
        var body = text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        if (body < 4)
        {
            return null;
        }

        var length = ContentLength().Match(text, 0, body) is { Success: true } told ? int.Parse(told.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
        return text.Length < body + length ? null : text[..(body + length)];
    }

    private async Task NoteAsync(string request)
    {
        if (request.StartsWith("POST /v3/lease/keepalive ", StringComparison.Ordinal))
        {
            Interlocked.Increment(ref _renewals);
        }

        if (!request.StartsWith("POST /v3/kv/txn ", StringComparison.Ordinal) && !request.StartsWith("POST /v3/kv/range ", StringComparison.Ordinal))
        {
            return;
        }

        if (HoldsKeys)
        {
            Interlocked.Increment(ref _held);
            await Task.Delay(Timeout.InfiniteTimeSpan, _stop.Token);
        }

        var asked = JsonNode.Parse(request[(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..])!;
        if (asked["key"] is { } key && Encoding.UTF8.GetString(Convert.FromBase64String((string)key!)).EndsWith("/leader", StringComparison.Ordinal))
        {
            return;
        }

        Asked.Enqueue(asked);
        if (BeforeRevision is { } act && RangesOf(asked).Any(range => range["revision"] is not null))
        {
            BeforeRevision = null;
            await act();
        }
    }

    [GeneratedRegex(@"\r\nContent-Length: (\d+)\r\n", RegexOptions.IgnoreCase)]
    private static partial Regex ContentLength();
}
