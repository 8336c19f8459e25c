using System.Globalization;

namespace DChat.TestKit;

/// <summary>A coordinator and workers as processes of their own on one machine, and a PostgreSQL for their messages.</summary>
public sealed class ClusterUnderTest : IAsyncDisposable
{
    public const string AdminPassword = "the administrator's 1";

    private static readonly Dictionary<string, string> Environment = new() { ["DCHAT_ADMIN_PASSWORD"] = AdminPassword };

    private readonly TemporaryFolder _folder = new();
    private readonly int _nodePort = FreePort.Next();
    private int _made;

    private ClusterUnderTest(PostgresServer? postgres, string? store) => (Postgres, Store) = (postgres, store);

    public PostgresServer? Postgres { get; }

    /// <summary>The <c>--store</c> of the workers.</summary>
    public string? Store { get; private set; }

    public ServerProcess Coordinator { get; private set; } = null!;

    /// <summary>All workers that were started, dead ones included.</summary>
    public List<ServerProcess> Workers { get; } = [];

    public string SecretFile => Path.Combine(Coordinator.Data, "cluster-secret");

    public string Coordinators => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_nodePort}");

    /// <param name="workers">How many; each may host.</param>
    /// <param name="coordinator">Flags of the coordinator.</param>
    /// <param name="postgres">Whether messages are in PostgreSQL; else in SQLite, and only the first worker hosts.</param>
    /// <param name="durable">PostgreSQL waits for the disk: needed where speed is measured.</param>
    /// <param name="worker">Flags of each worker.</param>
    public static async Task<ClusterUnderTest> StartAsync(int workers, string[]? coordinator = null, bool postgres = true, bool durable = false, string[]? worker = null)
    {
        var server = postgres ? await PostgresServer.StartAsync(durable) : null;
        var cluster = new ClusterUnderTest(server, null);
        try
        {
            cluster.Store = server is null ? $"sqlite:{cluster._folder["messages.db"]}" : server.Url(await server.CreateDatabaseAsync());
            cluster.Coordinator = await ServerProcess.StartAsync(
                ["--mode", "coordinator", .. coordinator ?? []], cluster._folder["coordinator"], Environment, nodePort: cluster._nodePort);
            for (var i = 0; i < workers; i++)
            {
                await cluster.AddWorkerAsync(hosts: postgres || i == 0, worker ?? []);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task<ServerProcess> AddWorkerAsync(bool hosts = true, params string[] flags)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"worker{++_made}");
        string[] all = ["--mode", "worker", "--coordinators", Coordinators, "--cluster-secret-file", SecretFile, "--blobs", $"file:{_folder["blobs"]}", .. flags];
        var worker = await ServerProcess.StartAsync(hosts ? [.. all, "--store", Store!] : all, _folder[name], nodePort: FreePort.Next());
        Workers.Add(worker);
        return worker;
    }

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
            await (Postgres?.DisposeAsync() ?? default);
            _folder.Dispose();
        }
    }
}
