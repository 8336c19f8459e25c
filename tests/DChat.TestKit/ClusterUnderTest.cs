using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DChat.Storage.Files;

namespace DChat.TestKit;

/// <summary>
/// Coordinators (several share an etcd) and workers as processes of their own, and a PostgreSQL for their messages: all on this machine's loopback, or each on a
/// host of its own (<see cref="HostNetwork"/>), so that what passes between them can be cut. Users are as fast as they can.
/// </summary>
public sealed class ClusterUnderTest : IAsyncDisposable
{
    public const string AdminPassword = "the administrator's 1";

    private const int ClientPortOfHost = 8080;
    private const int NodePortOfHost = 9000;
    private const int PeerPortOfHost = 2380;
    private const int EtcdMembers = 3;

    private const string Bucket = "chat-blobs";

    private static readonly Dictionary<string, string> Environment = new() { ["DCHAT_ADMIN_PASSWORD"] = AdminPassword };
    private static readonly Dictionary<string, string> EnvironmentWithS3 = new(Environment.Concat(SwiftServer.Environment));

    private readonly TemporaryFolder _folder = new();
    private readonly string[] _workerFlags;
    private readonly string? _program;
    private readonly bool _ownClocks;
    private readonly List<string> _memberClients = [];
    private bool _shares;
    private int _made;

    private ClusterUnderTest(HostNetwork? network, string[] workerFlags, string? program, bool ownClocks) =>
        (Network, _workerFlags, _program, _ownClocks) = (network, workerFlags, program, ownClocks);

    /// <summary>Null where all share this machine's loopback.</summary>
    public HostNetwork? Network { get; }

    public PostgresServer? Postgres { get; private set; }

    /// <summary>Where PostgreSQL runs; null without hosts of their own.</summary>
    public TestHost? PostgresHost { get; private set; }

    /// <summary>The workers' database in PostgreSQL.</summary>
    public string Database { get; private set; } = "";

    /// <summary>The <c>--store</c> of the workers.</summary>
    public string? Store { get; private set; }

    /// <summary>The only coordinator, or the first of several.</summary>
    public ServerProcess Coordinator => CoordinatorNodes[0];

    public List<ServerProcess> CoordinatorNodes { get; } = [];

    /// <summary>Of several coordinators; null where there is one, or each runs a member of its own.</summary>
    public EtcdCluster? Etcd { get; private set; }

    /// <summary>The <c>--log</c> by which whoever looks at it past several coordinators finds their control log.</summary>
    public string LogUrl => Etcd?.Url() ?? $"etcd://{string.Join(',', _memberClients)}?ca={OfMember("ca.pem")}&cert={OfMember("member.pem")}&key={OfMember("member.key")}";

    /// <summary>All workers that were started, dead ones included.</summary>
    public List<ServerProcess> Workers { get; } = [];

    /// <summary>Where the blobs are; null: in a folder.</summary>
    public SwiftServer? S3 { get; private set; }

    /// <summary>The <c>--blobs</c> of several coordinators and all workers: where snapshots and files are.</summary>
    public string Blobs => S3?.Url(Bucket) ?? $"file:{_folder["blobs"]}";

    public string SecretFile => _shares ? _folder["cluster-secret"] : Path.Combine(Coordinator.Data, "cluster-secret");

    /// <summary>Whether coordinators and workers have wall clocks of their own (<see cref="ServerProcess.Clock"/>).</summary>
    public bool HasOwnClocks => _ownClocks;

    public string Coordinators => string.Join(',', CoordinatorNodes.Select(coordinator => coordinator.Node.Authority));

    /// <param name="workers">How many; each may host.</param>
    /// <param name="coordinator">Flags of the coordinator.</param>
    /// <param name="postgres">Whether messages are in PostgreSQL; else in SQLite, and only the first worker hosts.</param>
    /// <param name="durable">PostgreSQL waits for the disk: needed where speed is measured.</param>
    /// <param name="worker">Flags of each worker.</param>
    /// <param name="ownHosts">Whether each process gets a host of its own.</param>
    /// <param name="fill">Puts data into the coordinator's folder before its first start.</param>
    /// <param name="coordinators">How many; more than one share an etcd of three members, which have hosts of their own too.</param>
    /// <param name="program">What all nodes run; the server that was built here when null.</param>
    /// <param name="ownClocks">Whether coordinators and workers have wall clocks of their own, which can be moved.</param>
    /// <param name="ownMembers">Whether several coordinators run an etcd each, as shipped, instead of sharing one that is there.</param>
    /// <param name="leaseSeconds">After which a leader of several that is not heard loses its leadership.</param>
    /// <param name="s3">Whether the blobs are in a real S3 server, on a host of its own where the others have one; else in a folder.</param>
    public static async Task<ClusterUnderTest> StartAsync(
        int workers, string[]? coordinator = null, bool postgres = true, bool durable = false, string[]? worker = null, bool ownHosts = false, Action<string>? fill = null, int coordinators = 1, int leaseSeconds = 3, string? program = null, bool ownClocks = false, bool ownMembers = false, bool s3 = false)
    {
        var cluster = new ClusterUnderTest(ownHosts ? await HostNetwork.MakeAsync() : null, worker ?? [], program, ownClocks);
        try
        {
            var storing = cluster.StartStoreAsync(postgres, durable);
            var keeping = s3 ? cluster.StartS3Async() : Task.CompletedTask;
            fill?.Invoke(cluster._folder["coordinator"]);
            cluster._shares = coordinators > 1;
            if (cluster._shares)
            {
                PrivateFile.Create(cluster.SecretFile, Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));
            }

            await Task.WhenAll(storing, keeping, StartCoordinatorsAsync(keeping));
            await cluster.AddWorkersAsync(workers, postgres);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }

        async Task StartCoordinatorsAsync(Task keeping)
        {
            cluster.Etcd = cluster._shares && !ownMembers ? await EtcdCluster.StartAsync(hosts: await cluster.AddEtcdHostsAsync()) : null;
            await keeping;
            await cluster.StartCoordinatorsAsync(coordinators, coordinator ?? [], leaseSeconds);
        }
    }

    /// <summary>All at once; in <see cref="Workers"/> they stand in the order of their names.</summary>
    private async Task AddWorkersAsync(int count, bool postgres)
    {
        var hosts = new List<TestHost?>();
        for (var i = 1; i <= count; i++)
        {
            hosts.Add(await AddHostAsync($"worker{_made + i}"));
        }

        var starting = hosts.Select((host, i) => StartWorkerAsync(host, hosts: postgres || i == 0, [])).ToList();
        try
        {
            await Task.WhenAll(starting);
        }
        finally
        {
            Workers.AddRange(starting.Where(worker => worker.IsCompletedSuccessfully).Select(worker => worker.Result));
        }
    }

    private async Task<IReadOnlyList<TestHost>?> AddEtcdHostsAsync()
    {
        if (Network is null)
        {
            return null;
        }

        var hosts = new List<TestHost>();
        for (var i = 1; i <= EtcdMembers; i++)
        {
            hosts.Add(await Network.AddHostAsync(string.Create(CultureInfo.InvariantCulture, $"etcd{i}")));
        }

        return hosts;
    }

    private async Task StartCoordinatorsAsync(int count, string[] flags, int leaseSeconds)
    {
        if (!_shares)
        {
            CoordinatorNodes.Add(await StartCoordinatorAsync("coordinator", await AddHostAsync("coordinator"), flags));
            return;
        }

        string[] shared = ["--cluster-secret-file", SecretFile, "--blobs", Blobs, .. flags];
        var nodes = new List<(string Name, TestHost? Host, string Peer)>();
        for (var i = 1; i <= count; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"coordinator{i}");
            var host = await AddHostAsync(name);
            nodes.Add((name, host, string.Create(CultureInfo.InvariantCulture, $"{name}={host?.Address ?? "127.0.0.1"}:{(host is null ? FreePort.Next() : PeerPortOfHost)}")));
        }

        if (Etcd is { } etcd)
        {
            foreach (var (name, host, _) in nodes)
            {
                CoordinatorNodes.Add(await StartCoordinatorAsync(name, host, ["--log", etcd.Url(parameters: string.Create(CultureInfo.InvariantCulture, $"?lease={leaseSeconds}")), .. shared]));
            }

            return;
        }

        // Together: a new cluster of members waits for all of them.
        var peers = string.Join(',', nodes.Select(node => node.Peer));
        var lease = leaseSeconds.ToString(CultureInfo.InvariantCulture);
        var ports = nodes.ConvertAll(_ => FreePort.Next());
        foreach (var ((_, host, _), port) in nodes.Zip(ports))
        {
            await (host?.OpenLoopbackAsync(port) ?? Task.CompletedTask);
            _memberClients.Add(string.Create(CultureInfo.InvariantCulture, $"{host?.Address ?? "127.0.0.1"}:{port}"));
        }

        CoordinatorNodes.AddRange(await Task.WhenAll(nodes.Select((node, i) => StartCoordinatorAsync(
            node.Name, node.Host, ["--node", node.Name, "--peers", peers, "--etcd-port", ports[i].ToString(CultureInfo.InvariantCulture), "--etcd-lease-seconds", lease, .. shared]))));
    }

    private Task<ServerProcess> StartCoordinatorAsync(string name, TestHost? host, string[] flags) => ServerProcess.StartAsync(
        ["--mode", "coordinator", .. NodeAddress(host), .. ServerProcess.WithoutRateLimits, .. flags],
        _folder[name],
        S3 is null ? Environment : EnvironmentWithS3,
        _program,
        nodePort: host is null ? FreePort.Next() : NodePortOfHost,
        host: host,
        clock: Clock(name));

    public async Task<ServerProcess> AddWorkerAsync(bool hosts = true, params string[] flags) => await AddWorkerOnAsync(await AddHostAsync($"worker{_made + 1}"), hosts, flags);

    /// <summary>A new worker on a host that is there already and free.</summary>
    public async Task<ServerProcess> AddWorkerOnAsync(TestHost? host, bool hosts = true, params string[] flags)
    {
        var worker = await StartWorkerAsync(host, hosts, flags);
        Workers.Add(worker);
        return worker;
    }

    private Task<ServerProcess> StartWorkerAsync(TestHost? host, bool hosts, string[] flags)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"worker{++_made}");
        string[] all =
        [
            "--mode", "worker", "--coordinators", Coordinators, "--cluster-secret-file", SecretFile, "--blobs", Blobs,
            .. NodeAddress(host), .. host is null ? [] : (string[])["--host", host.Address], .. ServerProcess.WithoutRateLimits, .. _workerFlags, .. flags,
        ];
        return ServerProcess.StartAsync(
            hosts ? [.. all, "--store", Store!] : all,
            _folder[name],
            S3 is null ? null : SwiftServer.Environment,
            program: _program,
            clientPort: host is null ? 0 : ClientPortOfHost,
            nodePort: host is null ? FreePort.Next() : NodePortOfHost,
            host: host,
            clock: Clock(name));
    }

    /// <summary>Where clients of a worker on a host connect, whether one runs there now or not.</summary>
    public static Uri ClientOf(TestHost host) => new UriBuilder("http", host.Address, ClientPortOfHost).Uri;

    public async Task<TestHost?> AddHostAsync(string name) => Network is null ? null : await Network.AddHostAsync(name);

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var worker in Workers)
            {
                await worker.DisposeAsync();
            }

            // Together: the last of those with members of their own would find no majority to resign with.
            await Task.WhenAll(CoordinatorNodes.Select(coordinator => coordinator.DisposeAsync().AsTask()));
        }
        finally
        {
            foreach (var process in Workers.Concat(CoordinatorNodes))
            {
                await process.KillAsync(); // One that did not stop must not keep its host.
            }

            await (Etcd?.DisposeAsync() ?? default);
            await (Postgres?.DisposeAsync() ?? default);
            await (S3?.DisposeAsync() ?? default);
            await (Network?.DisposeAsync() ?? default);
            _folder.Dispose();
        }
    }

    private FakeClock? Clock(string name) => _ownClocks ? FakeClock.Create(_folder[name + ".clock"]) : null;

    private string OfMember(string file) => Uri.EscapeDataString(Path.Combine(Coordinator.Data, "etcd", "tls", file));

    private async Task StartS3Async()
    {
        S3 = await SwiftServer.StartAsync(await AddHostAsync("s3"));
        await S3.CreateBucketAsync(Bucket);
    }

    private static string[] NodeAddress(TestHost? host) => host is null ? [] : ["--node-host", host.Address];

    private async Task StartStoreAsync(bool postgres, bool durable)
    {
        if (!postgres)
        {
            Store = $"sqlite:{_folder["messages.db"]}";
            return;
        }

        PostgresHost = await AddHostAsync("postgres");
        Postgres = await PostgresServer.StartAsync(PostgresHost, durable);
        Database = await Postgres.CreateDatabaseAsync();
        Store = Postgres.Url(Database);
    }
}
