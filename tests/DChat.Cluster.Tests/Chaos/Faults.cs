using System.Globalization;
using System.Text.RegularExpressions;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>
/// The kinds of faults that a cluster must bear. Each comes once before any comes again; which, to whom and for how long is the seed's choice.
/// <c>DCHAT_CHAOS_FAULTS</c>, a regular expression, keeps only some kinds, to look for the cause of something.
/// </summary>
internal sealed class Faults
{
    /// <summary>How often a program that does not start is started again, as systemd does: its store may be away.</summary>
    private static readonly TimeSpan StartAgainAfter = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly ClusterUnderTest _cluster;
    private readonly TestHost _spare;
    private readonly Random _random;
    private readonly int _longestMs;
    private readonly IReadOnlyList<Fault> _all;
    private readonly Queue<Fault> _deck = new();

    /// <param name="spare">Where workers come and go.</param>
    /// <param name="longestMs">How long a fault lasts at most.</param>
    public Faults(ClusterUnderTest cluster, TestHost spare, Random random, int longestMs)
    {
        (_cluster, _spare, _random, _longestMs) = (cluster, spare, random, longestMs);
        _all =
        [
            new("nothing", Victim.Nobody, _ => WaitAsync()),
            new("worker killed", Victim.Worker, worker => KillAsync(worker!)),
            new("worker frozen", Victim.Worker, worker => FreezeAsync(worker!)),
            new("worker drained, and started again", Victim.Worker, worker => DrainAsync(worker!)),
            new("worker added, and drained for good", Victim.Nobody, _ => JoinAndLeaveAsync()),
            new("worker cut from the coordinator", Victim.Worker, worker => CutAsync(worker!, Coordinator, Way.Both)),
            new("worker cut from PostgreSQL", Victim.Worker, worker => CutAsync(worker!, Store, Way.Both)),
            new("worker cut from its peers", Victim.Worker, worker => CutAsync(worker!, Peers(worker!), Way.Both)),
            new("worker cut from everybody", Victim.Worker, worker => CutAsync(worker!, Everybody(worker!), Way.Both)),
            new("one way cut: coordinator", Victim.Worker, worker => CutAsync(worker!, Coordinator, OneWay())),
            new("one way cut: PostgreSQL", Victim.Worker, worker => CutAsync(worker!, Store, OneWay())),
            new("one way cut: peers", Victim.Worker, worker => CutAsync(worker!, Peers(worker!), OneWay())),
            new("one way cut: everybody", Victim.Worker, worker => CutAsync(worker!, Everybody(worker!), OneWay())),
            new("worker's connections reset", Victim.Worker, worker => ResetAsync(worker!)),
            new("worker's connections refused", Victim.Worker, worker => RefuseAsync(worker!)),
            new("coordinator killed", Victim.Coordinator, _ => KillAsync(_cluster.Coordinator)),
            new("coordinator frozen", Victim.Coordinator, _ => FreezeAsync(_cluster.Coordinator)),
            new("coordinator cut from all workers", Victim.Coordinator, _ => CutAsync(_cluster.Coordinator, [.. _cluster.Workers.Select(worker => worker.Host!.Address)], Way.Both)),
            new("PostgreSQL stopped", Victim.Store, _ => StopStoreAsync(cleanly: true)),
            new("PostgreSQL killed", Victim.Store, _ => StopStoreAsync(cleanly: false)),
            new("PostgreSQL frozen", Victim.Store, _ => FreezeStoreAsync()),
        ];
        if (Environment.GetEnvironmentVariable("DCHAT_CHAOS_FAULTS") is { Length: > 0 } wanted)
        {
            _all = [.. _all.Where(fault => Regex.IsMatch(fault.Kind, wanted, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)))];
        }
    }

    /// <summary>Workers that were drained for good.</summary>
    public List<ServerProcess> Gone { get; } = [];

    private string[] Coordinator => [_cluster.Coordinator.Host!.Address];

    private string[] Store => [_cluster.PostgresHost!.Address];

    public Fault Next()
    {
        if (_deck.Count == 0)
        {
            var cards = _all.ToArray();
            _random.Shuffle(cards);
            Array.ForEach(cards, _deck.Enqueue);
        }

        return _deck.Dequeue();
    }

    private string[] Peers(ServerProcess worker) => [.. _cluster.Workers.Where(other => other != worker).Select(other => other.Host!.Address)];

    private string[] Everybody(ServerProcess worker) => [_cluster.Network!.Address, .. _cluster.Network.Hosts.Where(host => host != worker.Host).Select(host => host.Address)];

    private Way OneWay() => _random.Next(2) == 0 ? Way.In : Way.Out;

    /// <summary>The fault itself: how long it lasts.</summary>
    private async Task<string> WaitAsync()
    {
        var lasts = _random.Next(200, _longestMs);
        await Task.Delay(lasts);
        return string.Create(CultureInfo.InvariantCulture, $"for {lasts} ms");
    }

    private async Task<string> KillAsync(ServerProcess process)
    {
        await process.KillAsync();
        var lasted = await WaitAsync();
        await StartAgainAsync(process);
        return lasted;
    }

    private async Task<string> FreezeAsync(ServerProcess process)
    {
        process.Freeze();
        var lasted = await WaitAsync();
        process.Thaw();
        return lasted;
    }

    private async Task<string> DrainAsync(ServerProcess worker)
    {
        Assert.Equal(0, await worker.TerminateAsync());
        await StartAgainAsync(worker);
        return "";
    }

    private async Task<string> JoinAndLeaveAsync()
    {
        ServerProcess? worker = null;
        await Eventually.Holds(
            async () =>
            {
                try
                {
                    worker = await _cluster.AddWorkerOnAsync(_spare);
                    return true;
                }
                catch (InvalidOperationException)
                {
                    await Task.Delay(StartAgainAfter);
                    return false;
                }
            },
            StartLimit);
        worker!.Log.ExpectErrors(".*");
        var lasted = await WaitAsync();
        Assert.Equal(0, await worker.TerminateAsync());
        _cluster.Workers.Remove(worker);
        Gone.Add(worker);
        return lasted;
    }

    private async Task<string> CutAsync(ServerProcess process, IReadOnlyList<string> others, Way way)
    {
        await process.Host!.CutAsync(others, way);
        var lasted = await WaitAsync();
        await process.Host.HealAsync();
        return way switch { Way.In => "it hears nothing ", Way.Out => "nobody hears it ", _ => "" } + lasted;
    }

    private async Task<string> RefuseAsync(ServerProcess worker)
    {
        await worker.Host!.RefuseAsync([.. Coordinator, .. Store, .. Peers(worker)]);
        var lasted = await WaitAsync();
        await worker.Host.HealAsync();
        return lasted;
    }

    private async Task<string> ResetAsync(ServerProcess worker)
    {
        await worker.Host!.ResetConnectionsAsync(Everybody(worker));
        return "";
    }

    private async Task<string> StopStoreAsync(bool cleanly)
    {
        await (cleanly ? _cluster.Postgres!.StopAsync() : _cluster.Postgres!.StopImmediatelyAsync());
        var lasted = await WaitAsync();
        await _cluster.Postgres.StartAgainAsync();
        return lasted;
    }

    private async Task<string> FreezeStoreAsync()
    {
        _cluster.Postgres!.Freeze();
        var lasted = await WaitAsync();
        _cluster.Postgres.Thaw();
        return lasted;
    }

    private static Task StartAgainAsync(ServerProcess process) => Eventually.Holds(
        async () =>
        {
            try
            {
                await process.RestartAsync();
                return true;
            }
            catch (InvalidOperationException)
            {
                await process.KillAsync();
                await Task.Delay(StartAgainAfter);
                return false;
            }
        },
        StartLimit);
}
