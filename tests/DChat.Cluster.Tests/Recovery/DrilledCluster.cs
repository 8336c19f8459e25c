using System.Globalization;
using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.Storage.Sqlite.ControlLog;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Cluster.Tests.Recovery;

/// <summary>
/// A cluster with its snapshots in S3 and its messages in PostgreSQL, which both outlive it. All else goes with it: its processes, their folders and its control log.
/// </summary>
internal sealed class DrilledCluster : IAsyncDisposable
{
    private const int WorkerCount = 2;
    private const int SharingCoordinators = 3;

    /// <summary>Of its servers.</summary>
    public static readonly IReadOnlyDictionary<string, string> Environment = new Dictionary<string, string>(SwiftServer.Environment) { ["DCHAT_ADMIN_PASSWORD"] = ClusterUnderTest.AdminPassword };

    private readonly TemporaryFolder _folder = new();
    private readonly EtcdCluster? _etcd;
    private readonly string _blobs;
    private readonly string _store;
    private readonly string _secret;

    private DrilledCluster(EtcdCluster? etcd, string blobs, string store, string secret) => (_etcd, _blobs, _store, _secret) = (etcd, blobs, store, secret);

    public List<ServerProcess> Coordinators { get; } = [];

    public List<ServerProcess> Workers { get; } = [];

    /// <summary>The flags by which verbs find what it has.</summary>
    public string[] Engines => ["--blobs", _blobs, "--store", _store, "--data", FirstData, "--cluster-secret-file", _secret, .. Log];

    private string FirstData => _folder["coordinator1"];

    /// <summary>The SQLite log is in the only coordinator's folder.</summary>
    private string[] Log => _etcd is null ? [] : ["--log", _etcd.Url()];

    /// <summary>With an empty log, and nothing that runs on it yet.</summary>
    /// <param name="log"><c>sqlite</c> or <c>etcd</c>.</param>
    public static async Task<DrilledCluster> PrepareAsync(string log, string blobs, string store, string secret) =>
        new(log == "etcd" ? await EtcdCluster.StartAsync() : null, blobs, store, secret);

    /// <param name="coordinator">Flags of each coordinator.</param>
    public async Task StartAsync(params string[] coordinator)
    {
        for (var i = 1; i <= (_etcd is null ? 1 : SharingCoordinators); i++)
        {
            Coordinators.Add(await StartAsync(Named("coordinator", i), ["--mode", "coordinator", "--cluster-secret-file", _secret, .. Log, .. coordinator]));
        }

        for (var i = 1; i <= WorkerCount; i++)
        {
            Workers.Add(await StartAsync(
                Named("worker", i),
                ["--mode", "worker", "--coordinators", string.Join(',', Coordinators.Select(each => each.Node.Authority)), "--store", _store, "--cluster-secret-file", _secret]));
        }
    }

    /// <summary>Its log, past all coordinators.</summary>
    public IControlLogReader OpenLog() => _etcd is null
        ? SqliteControlLogReader.Open(Path.Combine(FirstData, "control.db"), TimeProvider.System)
        : new EtcdControlLog(EtcdUrl.Parse(_etcd.Url()), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);

    /// <summary>All at once, as a fire does.</summary>
    public Task KillAsync() => Task.WhenAll(Workers.Concat(Coordinators).Select(process => process.KillAsync()));

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var process in Workers.Concat(Coordinators))
            {
                await process.DisposeAsync();
            }
        }
        finally
        {
            await KillAsync();
            await (_etcd?.DisposeAsync() ?? default);
            _folder.Dispose();
        }
    }

    private Task<ServerProcess> StartAsync(string name, string[] flags) =>
        ServerProcess.StartAsync([.. flags, "--blobs", _blobs, .. ServerProcess.WithoutRateLimits], _folder[name], Environment, nodePort: FreePort.Next());

    private static string Named(string kind, int number) => string.Create(CultureInfo.InvariantCulture, $"{kind}{number}");
}
