using System.Globalization;
using System.Text.RegularExpressions;
using DChat.Cluster.Tests.Registry;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>
/// The kinds of faults that a cluster must bear. Each comes once before any comes again, those that were asked for before the others; else which, to whom
/// and for how long is the seed's choice.
/// <c>DCHAT_CHAOS_FAULTS</c>, a regular expression, keeps only some kinds, to look for the cause of something.
/// </summary>
internal sealed class Faults
{
    private readonly ClusterUnderTest _cluster;
    private readonly TestHost _spare;
    private readonly Random _random;
    private readonly FaultActions _actions;
    private readonly LeaderFaults? _ofSeveral;
    private readonly HashSet<string> _known;
    private IReadOnlyList<Fault> _all;
    private HashSet<string> _first = [];
    private readonly Queue<Fault> _deck = new();

    /// <param name="spare">Where workers come and go.</param>
    /// <param name="longestMs">How long a fault lasts at most.</param>
    /// <param name="mayLast">Whether one cut in ten, and one freeze, lasts for as long as it takes until clients are sent to others.</param>
    /// <param name="audit">Of several coordinators: their log.</param>
    public Faults(ClusterUnderTest cluster, TestHost spare, Random random, int longestMs, bool mayLast, LogAudit? audit = null)
    {
        (_cluster, _spare, _random, _actions) = (cluster, spare, random, new FaultActions(random, longestMs, mayLast));
        _ofSeveral = audit is null ? null : new LeaderFaults(cluster, audit, random, _actions);
        _all = [.. OfWorkers(), .. _ofSeveral?.All() ?? OfOneCoordinator(), .. OfStore()];
        _known = [.. _all.Select(fault => fault.Kind)];
        Keep(Environment.GetEnvironmentVariable("DCHAT_CHAOS_FAULTS"));
    }

    /// <inheritdoc cref="LeaderFaults.S3IsBackAsync"/>
    public Task<long> S3IsBackAsync() => _ofSeveral!.S3IsBackAsync();

    /// <summary>Workers that were drained for good.</summary>
    public List<ServerProcess> Gone { get; } = [];

    private string[] Coordinators => [.. _cluster.CoordinatorNodes.Select(coordinator => coordinator.Host!.Address)];

    private string[] Store => [_cluster.PostgresHost!.Address];

    /// <summary>Has only the kinds that match a regular expression from now on; null or empty: all.</summary>
    public void Keep(string? kinds)
    {
        if (kinds is { Length: > 0 })
        {
            _all = [.. _all.Where(fault => Regex.IsMatch(fault.Kind, kinds, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)))];
        }
    }

    /// <summary>These come before the others, in an order of the seed's. To be asked for before the first one comes.</summary>
    /// <returns>Those that will: the ones that are kept.</returns>
    public IReadOnlyCollection<string> ComeFirst(params string[] kinds)
    {
        Assert.Subset(_known, kinds.ToHashSet());
        _first = [.. _all.Select(fault => fault.Kind).Intersect(kinds)];
        return _first;
    }

    public Fault Next()
    {
        if (_deck.Count == 0)
        {
            var cards = _all.ToArray();
            _random.Shuffle(cards);
            foreach (var fault in cards.OrderByDescending(fault => _first.Contains(fault.Kind)))
            {
                _deck.Enqueue(fault);
            }
        }

        return _deck.Dequeue();
    }

    private IEnumerable<Fault> OfWorkers() =>
    [
        new("nothing", Victim.Nobody, _ => _actions.WaitAsync()),
        new("worker killed", Victim.Worker, worker => _actions.KillAsync(worker!)),
        new("worker frozen", Victim.Worker, worker => _actions.FreezeAsync(worker!)),
        new("worker drained, and started again", Victim.Worker, worker => DrainAsync(worker!)),
        new("worker added, and drained for good", Victim.Nobody, _ => JoinAndLeaveAsync()),
        new("worker cut from the coordinator", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, Coordinators, Way.Both)),
        new("worker cut from PostgreSQL", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, Store, Way.Both)),
        new("worker cut from its peers", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, Peers(worker!), Way.Both)),
        new("worker cut from all other nodes", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, [.. Coordinators, .. Peers(worker!)], Way.Both)),
        new("two workers cut from each other", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, [OnePeer(worker!)], Way.Both)),
        new("worker cut from everybody", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, Everybody(worker!), Way.Both)),
        new("one way cut: coordinator", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, Coordinators, OneWay())),
        new("one way cut: PostgreSQL", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, Store, OneWay())),
        new("one way cut: peers", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, Peers(worker!), OneWay())),
        new("one way cut: everybody", Victim.Worker, worker => _actions.CutAsync(worker!.Host!, Everybody(worker!), OneWay())),
        new("worker's connections reset", Victim.Worker, worker => ResetAsync(worker!)),
        new("worker's connections refused", Victim.Worker, worker => RefuseAsync(worker!)),
        .. Jumping(new Fault("worker's clock jumps", Victim.Worker, worker => _actions.JumpAsync(worker!))),
    ];

    private IEnumerable<Fault> OfOneCoordinator() =>
    [
        new("coordinator killed", Victim.Coordinator, _ => _actions.KillAsync(_cluster.Coordinator)),
        new("coordinator frozen", Victim.Coordinator, _ => _actions.FreezeAsync(_cluster.Coordinator)),
        new("coordinator cut from all workers", Victim.Coordinator, _ => _actions.CutAsync(_cluster.Coordinator.Host!, [.. _cluster.Workers.Select(worker => worker.Host!.Address)], Way.Both)),
        .. Jumping(new Fault("coordinator's clock jumps", Victim.Coordinator, _ => _actions.JumpAsync(_cluster.Coordinator))),
    ];

    /// <summary>None where nobody has a clock of his own.</summary>
    private Fault[] Jumping(Fault fault) => _cluster.HasOwnClocks ? [fault] : [];

    private IEnumerable<Fault> OfStore() =>
    [
        new("PostgreSQL stopped", Victim.Store, _ => StopStoreAsync(cleanly: true)),
        new("PostgreSQL killed", Victim.Store, _ => StopStoreAsync(cleanly: false)),
        new("PostgreSQL frozen", Victim.Store, _ => FreezeStoreAsync()),
    ];

    private string[] Peers(ServerProcess worker) => [.. _cluster.Workers.Where(other => other != worker).Select(other => other.Host!.Address)];

    private string OnePeer(ServerProcess worker) => _random.GetItems(Peers(worker), 1)[0];

    private string[] Everybody(ServerProcess worker) => [_cluster.Network!.Address, .. _cluster.Network.Hosts.Where(host => host != worker.Host).Select(host => host.Address)];

    private Way OneWay() => _random.Next(2) == 0 ? Way.In : Way.Out;

    private async Task<string> DrainAsync(ServerProcess worker)
    {
        Assert.Equal(0, await worker.TerminateAsync());
        await FaultActions.StartAgainAsync(worker);
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
                    await Task.Delay(FaultActions.StartAgainAfter);
                    return false;
                }
            },
            FaultActions.StartLimit);
        worker!.Log.ExpectErrors(".*");
        var lasted = await _actions.WaitAsync();
        Assert.Equal(0, await worker.TerminateAsync());
        _cluster.Workers.Remove(worker);
        Gone.Add(worker);
        return lasted;
    }

    private async Task<string> RefuseAsync(ServerProcess worker)
    {
        await worker.Host!.RefuseAsync([.. Coordinators, .. Store, .. Peers(worker)]);
        var lasted = await _actions.WaitAsync();
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
        var lasted = await _actions.WaitAsync();
        await _cluster.Postgres.StartAgainAsync();
        return lasted;
    }

    private async Task<string> FreezeStoreAsync()
    {
        _cluster.Postgres!.Freeze();
        var lasted = await _actions.WaitAsync();
        _cluster.Postgres.Thaw();
        return lasted;
    }
}
