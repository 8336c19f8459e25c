using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;

namespace DChat.TestKit;

/// <summary>Real etcd members on free ports of this machine, their data in temporary folders. Each can be killed, frozen, and started again.</summary>
public sealed class EtcdCluster : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly List<EtcdMember> _members = [];

    public IReadOnlyList<EtcdMember> Members => _members;

    /// <summary>The <c>--log</c> of coordinators that use it.</summary>
    /// <param name="user">Null, or a name with an @ after it.</param>
    public string Url(string prefix = "dchat", string parameters = "", string? user = null) => $"etcd://{user}{string.Join(',', _members.Select(member => member.Address))}/{prefix}{parameters}";

    /// <param name="members">1 or 3.</param>
    /// <param name="flags">Of each member, by its number.</param>
    /// <param name="secure">Whether clients speak TLS; the certificates are among the flags.</param>
    /// <param name="hosts">Where each runs; null: on this machine itself.</param>
    public static async Task<EtcdCluster> StartAsync(int members = 3, Func<int, string[]>? flags = null, bool secure = false, IReadOnlyList<TestHost>? hosts = null)
    {
        var cluster = new EtcdCluster();
        try
        {
            for (var i = 0; i < members; i++)
            {
                cluster._members.Add(new EtcdMember(string.Create(CultureInfo.InvariantCulture, $"m{i + 1}"), cluster._folder, flags?.Invoke(i) ?? [], secure, hosts?[i]));
            }

            var peers = string.Join(',', cluster._members.Select(member => $"{member.Name}={member.PeerUrl}"));
            foreach (var member in cluster._members)
            {
                member.Start(peers);
            }

            foreach (var member in cluster._members)
            {
                await member.AnswersAsync(Limit);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks everybody who he is from now on: <c>root</c>, and one user who may use what begins with <c>PREFIX/</c>.</summary>
    /// <param name="tls">For members that speak it.</param>
    public async Task RequirePasswordsAsync(string user, string password, string prefix, SslClientAuthenticationOptions? tls = null)
    {
        using var handler = new SocketsHttpHandler { SslOptions = tls ?? new SslClientAuthenticationOptions() };
        using var http = new HttpClient(handler) { Timeout = Eventually.DefaultLimit };
        Task AskAsync(string path, string body) => this.AskAsync(http, path, body);
        var keys = $$"""{"permType":"READWRITE","key":"{{Base64(prefix + "/")}}","range_end":"{{Base64(prefix + "0")}}"}""";
        await AskAsync("auth/user/add", """{"name":"root","password":"of root"}""");
        await AskAsync("auth/user/grant", """{"user":"root","role":"root"}""");
        await AskAsync("auth/role/add", """{"name":"chat"}""");
        await AskAsync("auth/role/grant", $$"""{"name":"chat","perm":{{keys}}}""");
        await AskAsync("auth/user/add", $$"""{"name":"{{user}}","password":"{{password}}"}""");
        await AskAsync("auth/user/grant", $$"""{"user":"{{user}}","role":"chat"}""");
        await AskAsync("auth/enable", "{}");
    }

    /// <summary>Adds a user who may do nothing, where passwords are asked for: a change of who may do what.</summary>
    public async Task AddUserAsync(string user)
    {
        using var http = new HttpClient { Timeout = Eventually.DefaultLimit };
        var signedIn = JsonNode.Parse(await AskAsync(http, "auth/authenticate", """{"name":"root","password":"of root"}"""));
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", (string)signedIn!["token"]!);
        await AskAsync(http, "auth/user/add", $$"""{"name":"{{user}}","password":"of {{user}}"}""");
    }

    /// <summary>How often any lease was renewed so far.</summary>
    public async Task<double> LeaseRenewalsAsync()
    {
        const string Series = "etcd_debugging_lease_renewed_total ";
        using var http = new HttpClient { Timeout = Eventually.DefaultLimit };
        var all = 0.0;
        foreach (var member in _members)
        {
            var text = await http.GetStringAsync(new Uri($"{member.ClientUrl}/metrics"));
            all += double.Parse(text.Split('\n').Single(line => line.StartsWith(Series, StringComparison.Ordinal)).AsSpan(Series.Length), CultureInfo.InvariantCulture);
        }

        return all;
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private async Task<string> AskAsync(HttpClient http, string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri($"{_members[0].ClientUrl}/v3/{path}"), content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return text;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.KillAsync();
        }

        _folder.Dispose();
    }
}

/// <summary>One etcd process.</summary>
public sealed class EtcdMember(string name, TemporaryFolder folder, string[] flags, bool secure, TestHost? host)
{
    private const int SigCont = 18;
    private const int SigStop = 19;

    private readonly ConcurrentQueue<string> _log = new();
    private readonly int _port = FreePort.Next();
    private readonly int _peerPort = FreePort.Next();
    private Process? _process;
    private string _peers = "";

    public string Name => name;

    /// <summary>Where it runs; null: on this machine itself.</summary>
    public TestHost? Host => host;

    public bool IsRunning => _process is { HasExited: false };

    public string Address => string.Create(CultureInfo.InvariantCulture, $"{Ip}:{_port}");

    internal string PeerUrl => string.Create(CultureInfo.InvariantCulture, $"http://{Ip}:{_peerPort}");

    private string Ip => host?.Address ?? "127.0.0.1";

    internal string ClientUrl => $"{(secure ? "https" : "http")}://{Address}";

    /// <summary>Starts it, after an end, on the same data and ports.</summary>
    public async Task StartAgainAsync()
    {
        Start(_peers);
        await AnswersAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>Starts it so, and does not wait: without a majority of members none is ready.</summary>
    public void StartAlone() => Start(_peers);

    /// <summary>Waits until it serves clients.</summary>
    public Task IsReadyAsync() => AnswersAsync(TimeSpan.FromSeconds(60));

    /// <summary>Whether it leads the others, as it says itself; false where it does not answer.</summary>
    public async Task<bool> LeadsAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(1) };
        using var nothing = new StringContent("{}", Encoding.UTF8, "application/json");
        try
        {
            using var answer = await http.PostAsync(new Uri($"{ClientUrl}/v3/maintenance/status"), nothing);
            var status = JsonNode.Parse(await answer.Content.ReadAsStringAsync());
            return (string?)status?["leader"] is { } leader && leader == (string?)status["header"]?["member_id"];
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>Ends it as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync().Within();
            process.Dispose();
            _process = null;
        }
    }

    public void Freeze() => _ = Signal(_process!.Id, SigStop);

    public void Thaw() => _ = Signal(_process!.Id, SigCont);

    internal void Start(string peers)
    {
        _peers = peers;
        _log.Clear();
        string[] arguments =
        [
            "--name", name,
            "--data-dir", folder[name],
            "--listen-client-urls", ClientUrl, "--advertise-client-urls", ClientUrl,
            "--listen-peer-urls", PeerUrl, "--initial-advertise-peer-urls", PeerUrl,
            "--initial-cluster", peers, "--initial-cluster-token", folder.Path, "--initial-cluster-state", "new",
            "--heartbeat-interval", "30", "--election-timeout", "300",
            .. flags,
        ];
        var (program, all) = host?.Command("etcd", arguments) is [var first, .. var rest] ? (first, rest) : ("etcd", arguments);
        var start = new ProcessStartInfo(program, all)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _process.OutputDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    internal async Task AnswersAsync(TimeSpan limit)
    {
        try
        {
            await Eventually.Holds(() => _process is { HasExited: false } ? _log.Any(line => line.Contains("ready to serve client requests", StringComparison.Ordinal)) : throw Ended(), limit);
        }
        catch (TimeoutException)
        {
            throw Ended();
        }
    }

    private InvalidOperationException Ended() => new($"etcd member {name} is not ready:\n{string.Join('\n', _log.TakeLast(40))}");

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int processId, int signal);
}
