using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Cluster.Tests.EtcdMembers;

/// <summary>Coordinators on this machine that run an etcd each, as their operators start them.</summary>
internal sealed partial class MemberCluster : IAsyncDisposable
{
    /// <summary>Other than by default, so that a test can see that they are passed on.</summary>
    public const int HeartbeatMs = 60, ElectionMs = 660;

    public const string AdminPassword = "the administrator's 1";

    private static readonly Dictionary<string, string> Environment = new() { ["DCHAT_ADMIN_PASSWORD"] = AdminPassword };

    private readonly TemporaryFolder _folder = new();
    private readonly List<ServerProcess> _others = [];
    private readonly Dictionary<string, int> _ports = [];

    private MemberCluster() => PrivateFile.Create(SecretFile, Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));

    public string SecretFile => _folder["secret"];

    /// <summary>A file or folder of the cluster.</summary>
    public string this[string name] => _folder[name];

    /// <summary>By name.</summary>
    public Dictionary<string, ServerProcess> Coordinators { get; } = [];

    /// <summary>Their <c>--peers</c> at first.</summary>
    public string Peers => string.Join(',', _ports.Select(peer => $"{peer.Key}={Address(peer.Value)}"));

    public static async Task<MemberCluster> StartAsync(int coordinators)
    {
        var cluster = new MemberCluster();
        try
        {
            for (var i = 1; i <= coordinators; i++)
            {
                cluster._ports[string.Create(CultureInfo.InvariantCulture, $"c{i}")] = FreePort.Next();
            }

            // All at once: a new cluster waits for all of them.
            await Task.WhenAll(cluster._ports.Keys.ToArray().Select(async name =>
            {
                var started = await cluster.StartCoordinatorAsync(name, cluster.Peers);
                lock (cluster.Coordinators)
                {
                    cluster.Coordinators[name] = started;
                }
            }));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public Task<ServerProcess> StartCoordinatorAsync(string name, string peers, string? folder = null) =>
        ServerProcess.StartAsync(Flags(name, peers), _folder[folder ?? name], Environment, nodePort: FreePort.Next());

    /// <summary>Runs it to its end, for what it says.</summary>
    public Task<(int ExitCode, string Output, string Error)> TryStartAsync(string name, string peers, string folder) =>
        ServerProcess.RunAsync(["--data", _folder[folder], "--node-port", $"{FreePort.Next()}", .. Flags(name, peers)]);

    public async Task<ServerProcess> StartWorkerAsync()
    {
        var worker = await ServerProcess.StartAsync(
            ["--mode", "worker", "--coordinators", string.Join(',', Coordinators.Values.Select(coordinator => coordinator.Node.Authority)), "--cluster-secret-file", SecretFile, "--store", $"sqlite:{_folder["messages.db"]}", "--blobs", $"file:{_folder["blobs"]}"]);
        _others.Add(worker);
        return worker;
    }

    public static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    public int PeerPort(string name) => _ports[name];

    /// <summary>The process of its etcd that it started last.</summary>
    public static int EtcdOf(ServerProcess coordinator) => int.Parse(LastStart(coordinator).Groups["process"].Value, CultureInfo.InvariantCulture);

    public static int ClientPortOf(ServerProcess coordinator) => int.Parse(LastStart(coordinator).Groups["client"].Value, CultureInfo.InvariantCulture);

    /// <summary>Whether a process runs: one that ended and that nobody has asked about yet does not.</summary>
    public static bool Runs(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/stat") is var stat && stat[stat.LastIndexOf(')')..] is not [_, _, 'Z' or 'X', ..];
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            // Together: the last one alone would find no majority to resign with.
            await Task.WhenAll(_others.Concat(Coordinators.Values).Select(process => process.DisposeAsync().AsTask()));
        }
        finally
        {
            foreach (var process in _others.Concat(Coordinators.Values))
            {
                await process.KillAsync();
            }

            _folder.Dispose();
        }
    }

    private string[] Flags(string name, string peers) =>
    [
        "--mode", "coordinator", "--node", name, "--peers", peers, "--cluster-secret-file", SecretFile, "--blobs", $"file:{_folder["blobs"]}",
        "--etcd-heartbeat-ms", $"{HeartbeatMs}", "--etcd-election-ms", $"{ElectionMs}",
        .. _ports.Count == 1 ? [] : (string[])["--etcd-port", $"{FreePort.Next()}"], // Else one might take a port that is meant for another, which does not listen there yet.
    ];

    private static Match LastStart(ServerProcess coordinator) => coordinator.Log.Lines.Select(line => Started().Match(line)).Last(match => match.Success);

    [GeneratedRegex(@"was started as process (?<process>\d+): .* clients at https://127\.0\.0\.1:(?<client>\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex Started();
}
