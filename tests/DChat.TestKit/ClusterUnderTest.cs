using System.Globalization;

namespace DChat.TestKit;

/// <summary>
/// A coordinator and workers as processes of their own, and a PostgreSQL for their messages: all on this machine's loopback, or each on a
/// host of its own (<see cref="HostNetwork"/>), so that what passes between them can be cut. Users are as fast as they can.
/// </summary>
public sealed class ClusterUnderTest : IAsyncDisposable
{
    public const string AdminPassword = "the administrator's 1";

    private const int ClientPortOfHost = 8080;
    private const int NodePortOfHost = 9000;

    private static readonly Dictionary<string, string> Environment = new() { ["DCHAT_ADMIN_PASSWORD"] = AdminPassword };

    private readonly TemporaryFolder _folder = new();
    private readonly string[] _workerFlags;
    private int _made;

    private ClusterUnderTest(HostNetwork? network, string[] workerFlags) => (Network, _workerFlags) = (network, workerFlags);

    /// <summary>Null where all share this machine's loopback.</summary>
    public HostNetwork? Network { get; }

    public PostgresServer? Postgres { get; private set; }

    /// <summary>Where PostgreSQL runs; null without hosts of their own.</summary>
    public TestHost? PostgresHost { get; private set; }

    /// <summary>The workers' database in PostgreSQL.</summary>
    public string Database { get; private set; } = "";

    /// <summary>The <c>--store</c> of the workers.</summary>
    public string? Store { get; private set; }

    public ServerProcess Coordinator { get; private set; } = null!;

    /// <summary>All workers that were started, dead ones included.</summary>
    public List<ServerProcess> Workers { get; } = [];

    public string SecretFile => Path.Combine(Coordinator.Data, "cluster-secret");

    public string Coordinators => Coordinator.Node.Authority;

    /// <param name="workers">How many; each may host.</param>
    /// <param name="coordinator">Flags of the coordinator.</param>
    /// <param name="postgres">Whether messages are in PostgreSQL; else in SQLite, and only the first worker hosts.</param>
    /// <param name="durable">PostgreSQL waits for the disk: needed where speed is measured.</param>
    /// <param name="worker">Flags of each worker.</param>
    /// <param name="ownHosts">Whether each process gets a host of its own.</param>
    /// <param name="fill">Puts data into the coordinator's folder before its first start.</param>
    public static async Task<ClusterUnderTest> StartAsync(
        int workers, string[]? coordinator = null, bool postgres = true, bool durable = false, string[]? worker = null, bool ownHosts = false, Action<string>? fill = null)
    {
        var cluster = new ClusterUnderTest(ownHosts ? await HostNetwork.MakeAsync() : null, worker ?? []);
        try
        {
            await cluster.StartStoreAsync(postgres, durable);
            fill?.Invoke(cluster._folder["coordinator"]);
            var host = await cluster.AddHostAsync("coordinator");
            cluster.Coordinator = await ServerProcess.StartAsync(
                ["--mode", "coordinator", .. NodeAddress(host), .. ServerProcess.WithoutRateLimits, .. coordinator ?? []],
                cluster._folder["coordinator"],
                Environment,
                nodePort: host is null ? FreePort.Next() : NodePortOfHost,
                host: host);
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
            clientPort: host is null ? 0 : ClientPortOfHost,
            nodePort: host is null ? FreePort.Next() : NodePortOfHost,
            host: host);
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

            await (Coordinator?.DisposeAsync() ?? default);
        }
        finally
        {
            foreach (var process in Workers.Append(Coordinator).Where(process => process is not null))
            {
                await process.KillAsync(); // One that did not stop must not keep its host.
            }

            await (Postgres?.DisposeAsync() ?? default);
            await (Network?.DisposeAsync() ?? default);
            _folder.Dispose();
        }
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
