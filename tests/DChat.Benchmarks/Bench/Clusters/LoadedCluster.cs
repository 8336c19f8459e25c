using System.Globalization;
using DChat.Terminal.Load;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>A cluster that stays up over several runs of the same load, so that only the first one pays for starting.</summary>
internal sealed class LoadedCluster : IAsyncDisposable
{
    private readonly ClusterUnderTest _cluster;
    private readonly List<ServerProcess> _gateways;

    private LoadedCluster(string name, ClusterUnderTest cluster, List<ServerProcess> gateways) => (Name, _cluster, _gateways) = (name, cluster, gateways);

    public string Name { get; }

    /// <summary>How many there are, with and without rooms.</summary>
    public int Workers => _cluster.Workers.Count;

    public List<LoadReport> Runs { get; } = [];

    /// <summary>CPU of all workers.</summary>
    public Series WorkersPerMillion => Series.Of(Runs, run => PerMillion(run, run.ServerProcesses.Take(_cluster.Workers.Count)));

    public Series CoordinatorPerMillion => Series.Of(Runs, run => PerMillion(run, run.ServerProcesses.Skip(_cluster.Workers.Count).Take(1)));

    public Series PostgresPerMillion => Series.Of(Runs, run => PerMillion(run, run.ServerProcesses.Skip(_cluster.Workers.Count + 1)));

    /// <summary>Of all workers.</summary>
    public Series WorkersResident => Series.Of(Runs, run => run.ServerProcesses.Take(_cluster.Workers.Count).Sum(process => process.ResidentBytes));

    /// <param name="hosts">Workers that host rooms and serve clients.</param>
    /// <param name="gateways">Workers that serve all the clients and host nothing; none: the hosts serve them.</param>
    public static async Task<LoadedCluster> StartAsync(string name, int hosts, int gateways = 0)
    {
        var cluster = await ClusterUnderTest.StartAsync(0, durable: true);
        try
        {
            for (var host = 0; host < hosts; host++)
            {
                await cluster.AddWorkerAsync(hosts: true);
            }

            for (var gateway = 0; gateway < gateways; gateway++)
            {
                await cluster.AddWorkerAsync(hosts: false);
            }

            return new LoadedCluster(name, cluster, [.. cluster.Workers.Skip(gateways > 0 ? hosts : 0)]);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A run that does not count: a process optimizes its code in the first minute of its work, and rooms are opened.</summary>
    public Task WarmUpAsync(params string[] load) => MeasureAsync(load);

    /// <summary>The same accounts and rooms each time.</summary>
    public async Task RunAsync(Action<string> tell, params string[] load)
    {
        var run = await MeasureAsync(load);
        Runs.Add(run);
        tell(string.Create(
            CultureInfo.InvariantCulture,
            $"  {Name}: {run.DeliveriesPerSecond:N0} deliveries/s, CPU s a million: workers {WorkersPerMillion.Values[^1]:0.0}, coordinator {CoordinatorPerMillion.Values[^1]:0.0}, PostgreSQL {PostgresPerMillion.Values[^1]:0.0}; delivery p99 {run.SendToDelivery?.P99 ?? 0:0.0} ms, resident {WorkersResident.Values[^1] / (1 << 20):0} MiB, load generator {run.OwnCpuShare:P0}"));
    }

    /// <summary>What the workers' memory grows by for each idle connection.</summary>
    public async Task<double> BytesPerConnectionAsync(int connections, int roomMembers)
    {
        var run = await LoadAsync(
            _cluster.Workers.Select(worker => worker.ProcessId),
            ["--scenario", "idle", "--users", Text(connections), "--rooms", Text(connections / roomMembers), "--members", Text(roomMembers), "--duration", "10"]);
        return run.BytesPerConnection;

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    private Task<LoadReport> MeasureAsync(string[] load)
    {
        int[] processes = [.. _cluster.Workers.Select(worker => worker.ProcessId), _cluster.Coordinator.ProcessId, _cluster.Postgres!.ProcessId];
        return LoadAsync(processes, load);
    }

    /// <param name="processes">Whose CPU and memory are measured.</param>
    private Task<LoadReport> LoadAsync(IEnumerable<int> processes, string[] load) => LoadProcess.RunAsync(
        string.Join(',', _gateways.Select(gateway => gateway.Client)), ClusterUnderTest.AdminPassword, ["--server-pid", string.Join(',', processes), .. load], _ => { });

    private static double PerMillion(LoadReport run, IEnumerable<ProcessMeter.Use> processes) => processes.Sum(process => process.CpuSeconds) * 1e6 / run.Deliveries;
}
