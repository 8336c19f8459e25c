using System.Globalization;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Storage.S3;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Registry;

/// <summary>
/// Users who change rooms through gateways of their own, all at once, and what checks them: every answer against the log, every node's registry
/// and every snapshot in S3 against the log's, and at the end all that was called and answered against the registry's rules (linearizability).
/// </summary>
internal sealed class RegistryCrowd : IAsyncDisposable
{
    private const int Gateways = 2;
    private const int Clients = 8;
    private const int Rooms = 4;

    private readonly ClusterUnderTest _cluster;
    private readonly List<Gateway> _gateways = [];
    private readonly RegistryHistory _history = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly S3BlobStore? _blobs;
    private readonly List<RegistryClient> _clients = [];
    private readonly List<string> _users = [.. Enumerable.Range(0, Clients).Select(client => string.Create(CultureInfo.InvariantCulture, $"keeper{client}"))];
    private Task _running = Task.CompletedTask;
    private Task[] _watching = [];
    private HashWatch? _hashes;

    private RegistryCrowd(ClusterUnderTest cluster)
    {
        (_cluster, Audit) = (cluster, new LogAudit(cluster.LogUrl));
        if (cluster.S3 is not null)
        {
            _blobs = SwiftServer.Open(cluster.Blobs);
            Snapshots = new SnapshotWatch(_blobs, ClusterSecret.LoadOrCreate(cluster.SecretFile, mayCreate: false), Audit);
        }
    }

    public LogAudit Audit { get; }

    /// <summary>Null where they are in no S3.</summary>
    public SnapshotWatch? Snapshots { get; }

    /// <summary>What a checker found, or why somebody went on no more; null: nothing.</summary>
    public string? Finding => Audit.Finding ?? Snapshots?.Finding ?? _running.Exception?.GetBaseException().ToString() ?? Array.Find(_watching, watch => watch.IsFaulted)?.Exception!.GetBaseException().ToString();

    public static async Task<RegistryCrowd> StartAsync(ClusterUnderTest cluster, int seed)
    {
        var crowd = new RegistryCrowd(cluster);
        try
        {
            for (var i = 0; i < Gateways; i++)
            {
                crowd._gateways.Add(await Gateway.StartAsync(cluster));
            }

            var made = await crowd._gateways[0].Commands.SubmitAsync(new CreateAccounts("", "", DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), crowd._users), CancellationToken.None);
            Assert.True(made.Outcome.IsOk, $"{made}");
            crowd.Run(seed);
            return crowd;
        }
        catch
        {
            await crowd.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether anybody was answered whose command was called after a moment, in Unix milliseconds.</summary>
    public bool Answers(long sinceMs) => _clients.Exists(client => client.AnsweredMs >= sinceMs);

    /// <summary>Ends the calls, and has all checkers judge.</summary>
    /// <returns>What was looked at, for people.</returns>
    public async Task<string> EndAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll([_running, .. _watching]).Within();
        await Audit.SettleAsync();
        var index = await _hashes!.AllAgreeAsync();
        var finding = Finding ?? _history.FindViolation(Accounts());
        Assert.True(finding is null, finding);
        Assert.True(Audit.Judged > 0 && _hashes.Compared > 0, "nothing was looked at");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{_history.Calls} calls in {_history.Rooms} rooms are linearizable ({_history.Unknown} were not answered), {Audit.Judged} answers fit the log of {Audit.Index} entries, {_hashes.Compared} hashes of nodes are the log's, and all nodes agree at entry {index}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll([_running, .. _watching]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Audit.DisposeAsync();
        await (_blobs?.DisposeAsync() ?? default);
        foreach (var gateway in _gateways)
        {
            await gateway.DisposeAsync();
        }

        _stop.Dispose();
    }

    private void Run(int seed)
    {
        var rooms = new RoomsInUse(Rooms);
        for (var client = 0; client < Clients; client++)
        {
            var random = new Random(seed + client);
            _clients.Add(new RegistryClient(client, _users[client], _gateways[client % Gateways], rooms, new RandomCommands(random, _users), random, _history, Audit));
        }

        _running = Task.WhenAll(_clients.Select(client => Task.Run(() => client.RunAsync(_stop.Token))));
        _hashes = new HashWatch(_gateways[0], Audit, () => [.. _cluster.CoordinatorNodes.Concat(_cluster.Workers.ToArray()).Where(node => node.IsRunning).Select(node => node.Node.Authority), .. _gateways.Select(gateway => gateway.Address)]);
        _watching = [Task.Run(() => _hashes.RunAsync(_stop.Token)), Task.Run(() => Snapshots?.RunAsync(_stop.Token) ?? Task.CompletedTask)];
    }

    /// <summary>The registry with nothing but the users.</summary>
    private RegistryState Accounts()
    {
        var made = RegistryMachine.Decide(RegistryState.Empty, new CreateAccounts("", "", 0, _users), RegistryLimits.None);
        return RegistryMachine.Apply(RegistryState.Empty, 1, made.Record!);
    }
}
