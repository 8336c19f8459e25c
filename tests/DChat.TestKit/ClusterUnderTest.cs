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
    private const int EtcdMembers = 3;

    private static readonly Dictionary<string, string> Environment = new() { ["DCHAT_ADMIN_PASSWORD"] = AdminPassword };

    private readonly TemporaryFolder _folder = new();
    private readonly string[] _workerFlags;
    private readonly string? _program;
    private readonly bool _ownClocks;
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

    /// <summary>Of several coordinators; null where there is one.</summary>
    public EtcdCluster? Etcd { get; private set; }

    /// <summary>All workers that were started, dead ones included.</summary>
    public List<ServerProcess> Workers { get; } = [];

    /// <summary>Of several coordinators and all workers: where snapshots and files are.</summary>
    public string BlobFolder => _folder["blobs"];

    public string SecretFile => Etcd is null ? Path.Combine(Coordinator.Data, "cluster-secret") : _folder["cluster-secret"];

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
    /// <param name="leaseSeconds">After which a leader of several that is not heard loses its leadership.</param>
    public static async Task<ClusterUnderTest> StartAsync(
        int workers, string[]? coordinator = null, bool postgres = true, bool durable = false, string[]? worker = null, bool ownHosts = false, Action<string>? fill = null, int coordinators = 1, int leaseSeconds = 3, string? program = null, bool ownClocks = false)
    {
        var cluster = new ClusterUnderTest(ownHosts ? await HostNetwork.MakeAsync() : null, worker ?? [], program, ownClocks);
        try
        {
            await cluster.StartStoreAsync(postgres, durable);
            fill?.Invoke(cluster._folder["coordinator"]);
            if (coordinators > 1)
            {
                cluster.Etcd = await EtcdCluster.StartAsync(hosts: await cluster.AddEtcdHostsAsync());
                PrivateFile.Create(cluster.SecretFile, Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));
            }

            for (var i = 0; i < coordinators; i++)
            {
                await cluster.AddCoordinatorAsync(coordinators == 1 ? "coordinator" : string.Create(CultureInfo.InvariantCulture, $"coordinator{i + 1}"), coordinator ?? [], leaseSeconds);
            }

            for (var i = 0; i < workers; i++)
            {
                await cluster.AddWorkerAsync(hosts: postgres || i == 0);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
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

    private async Task AddCoordinatorAsync(string name, string[] flags, int leaseSeconds)
    {
        var host = await AddHostAsync(name);
        string[] shared = Etcd is null ? [] : ["--log", Etcd.Url(parameters: string.Create(CultureInfo.InvariantCulture, $"?lease={leaseSeconds}")), "--cluster-secret-file", SecretFile, "--blobs", $"file:{_folder["blobs"]}"];
        CoordinatorNodes.Add(await ServerProcess.StartAsync(
            ["--mode", "coordinator", .. NodeAddress(host), .. shared, .. ServerProcess.WithoutRateLimits, .. flags],
            _folder[name],
            Environment,
            _program,
            nodePort: host is null ? FreePort.Next() : NodePortOfHost,
            host: host,
            clock: Clock(name)));
    }

    public async Task<ServerProcess> AddWorkerAsync(bool hosts = true, params string[] flags) => await AddWorkerOnAsync(await AddHostAsync($"worker{_made + 1}"), hosts, flags);

    /// <summary>A new worker on a host that is there already and free.</summary>
    public async Task<ServerProcess> AddWorkerOnAsync(TestHost? host, bool hosts = true, params string[] flags)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"worker{++_made}");
        string[] all =
        [
            "--mode", "worker", "--coordinators", Coordinators, "--cluster-secret-file", SecretFile, "--blobs", $"file:{_folder["blobs"]}",
            .. NodeAddress(host), .. host is null ? [] : (string[])["--host", host.Address], .. ServerProcess.WithoutRateLimits, .. _workerFlags, .. flags,
        ];
        var worker = await ServerProcess.StartAsync(
            hosts ? [.. all, "--store", Store!] : all,
            _folder[name],
            program: _program,
            clientPort: host is null ? 0 : ClientPortOfHost,
            nodePort: host is null ? FreePort.Next() : NodePortOfHost,
            host: host,
            clock: Clock(name));
        Workers.Add(worker);
        return worker;
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

            foreach (var coordinator in CoordinatorNodes)
            {
                await coordinator.DisposeAsync();
            }
        }
        finally
        {
            foreach (var process in Workers.Concat(CoordinatorNodes))
            {
                await process.KillAsync(); // One that did not stop must not keep its host.
            }

            await (Etcd?.DisposeAsync() ?? default);
            await (Postgres?.DisposeAsync() ?? default);
            await (Network?.DisposeAsync() ?? default);
            _folder.Dispose();
        }
    }

    private FakeClock? Clock(string name) => _ownClocks ? FakeClock.Create(_folder[name + ".clock"]) : null;

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
