using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using DChat.Cluster.Tests.Durability;
using DChat.Cluster.Tests.Registry;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>Does faults to a cluster under load, one after the other and now and then two at once, and notes how long rooms stood still.</summary>
internal sealed class ChaosRun(ClusterUnderTest cluster, Faults faults, Acknowledgements acks, LoadGenerator load, RegistryCrowd? registry, Random random, ChaosLog log) : IDisposable
{
    /// <summary>After the end of a fault every room must be served again within this time.</summary>
    private static readonly TimeSpan RecoveryLimit = TimeSpan.FromSeconds(60);

    /// <summary>One in so many faults comes before the one before it is over.</summary>
    private const int TogetherOneIn = 5;

    /// <summary>The longest rest between two faults, in milliseconds.</summary>
    private const int RestMsMax = 1_500;

    private readonly ClusterView _view = new(cluster);
    private readonly List<Episode> _episodes = [];
    private readonly ConcurrentDictionary<string, bool> _borne = new(StringComparer.Ordinal);

    /// <param name="FromMs">When the fault began, in Unix milliseconds.</param>
    /// <param name="ToMs">When every room was served again.</param>
    private sealed record Episode(string Kind, long FromMs, long ToMs, List<string> Rooms);

    public int Faults { get; private set; }

    /// <summary>Kinds that were over while the load still went on.</summary>
    public ICollection<string> Borne => _borne.Keys;

    /// <summary>Goes on until the load has ended, which it does after so long, and when what was expected has come.</summary>
    /// <param name="rooms">How many rooms there are.</param>
    /// <param name="expected">Kinds of faults: on a busy machine they need longer.</param>
    public async Task RunAsync(int rooms, TimeSpan least, IReadOnlyCollection<string> expected)
    {
        await Eventually.Holds(() => IsOver() || Read().Rooms.Count == rooms, RecoveryLimit);
        var began = Stopwatch.GetTimestamp();
        for (var isEnough = false; !IsOver();)
        {
            if (!isEnough && Stopwatch.GetElapsedTime(began) >= least && expected.All(_borne.ContainsKey))
            {
                isEnough = true;
                load.IsEnough();
            }

            var first = faults.Next();
            var second = random.Next(TogetherOneIn) == 0 ? faults.Next() : null;
            if (second is not null && MayBeTogether(first, second))
            {
                await TwoAsync(first, second);
            }
            else
            {
                await OneAsync(first);
                await (second is null || IsOver() ? Task.CompletedTask : OneAsync(second));
            }

            if (!IsOver())
            {
                await Task.Delay(random.Next(RestMsMax)); // At random moments.
            }
        }
    }

    public PauseTable Pauses()
    {
        Read();
        var table = new PauseTable();
        foreach (var episode in _episodes)
        {
            table.Add(episode.Kind, episode.Rooms.Select(room => acks.LongestPause(room, episode.FromMs, episode.ToMs)));
        }

        return table;
    }

    public Task<string?> ComplaintAsync() => _view.ComplaintAsync();

    public void Dispose() => _view.Dispose();

    private async Task OneAsync(Fault fault)
    {
        var victim = Choose(fault, null);
        var hosts = await _view.HostsAsync();
        var concerned = fault.Victim == Victim.Worker && hosts is not null
            ? acks.Rooms.Where(room => hosts.GetValueOrDefault(room) == victim!.Node.Authority).ToList()
            : [.. acks.Rooms];
        var began = ChaosLog.NowMs;
        var how = await DoAsync(fault, victim);
        await RecoverAsync(fault.Kind, began, how, concerned);
    }

    private async Task TwoAsync(Fault first, Fault second)
    {
        var (one, began) = (Choose(first, null), ChaosLog.NowMs);
        var doing = DoAsync(first, one);
        await Task.Delay(random.Next(RestMsMax));
        var how = await Task.WhenAll(doing, DoAsync(second, Choose(second, one)));
        await RecoverAsync("two at once", began, $"{first.Kind} {how[0]} + {second.Kind} {how[1]}", [.. acks.Rooms]);
    }

    /// <summary>There is one leader, one etcd, one PostgreSQL and one S3: what is stopped already is not stopped again.</summary>
    private static bool MayBeTogether(Fault first, Fault second) => first.Victim != second.Victim || first.Victim is Victim.Worker;

    private ServerProcess? Choose(Fault fault, ServerProcess? other)
    {
        var workers = cluster.Workers.Where(worker => worker != other && worker.IsRunning).ToList();
        return fault.Victim == Victim.Worker ? workers[random.Next(workers.Count)] : null;
    }

    private async Task<string> DoAsync(Fault fault, ServerProcess? victim)
    {
        log.Say($"{++Faults}: {fault.Kind}{(victim is null ? "" : $" ({Name(victim)})")} …");
        var how = await fault.DoAsync(victim);
        if (!load.HasEnded && !load.IsEnding)
        {
            _borne[fault.Kind] = true;
        }

        return how;
    }

    private async Task RecoverAsync(string kind, long beganMs, string how, List<string> concerned)
    {
        var endedMs = ChaosLog.NowMs;
        await Eventually.Holds(() => IsOver() || Read().Rooms.All(room => acks.Answers(room, endedMs)), RecoveryLimit);
        var servedMs = ChaosLog.NowMs;
        await Eventually.Holds(() => IsOver() || registry?.Answers(endedMs) is not false, RecoveryLimit, "a command of the registry is answered again");
        if (IsOver())
        {
            return; // What is not answered any more says nothing.
        }

        Assert.Empty(cluster.Workers.Concat(cluster.CoordinatorNodes).Where(process => !process.IsRunning).Select(Name));
        var now = ChaosLog.NowMs;
        var commands = registry is null ? "" : string.Create(CultureInfo.InvariantCulture, $", commands answered again {now - endedMs} ms later");
        _episodes.Add(new Episode(kind, beganMs, now, concerned));
        var longest = concerned.Count == 0 ? 0 : concerned.Max(room => acks.LongestPause(room, beganMs, now));
        log.Say(string.Create(
            CultureInfo.InvariantCulture, $"   {how}, all served again {servedMs - endedMs} ms later{commands}; longest pause of the {concerned.Count} rooms concerned {longest} ms; {acks.Count} acknowledged"));
    }

    private bool IsOver()
    {
        Assert.True(load.FirstFinding is null, $"the checker found: {load.FirstFinding}");
        Assert.True(registry?.Finding is null, $"the registry's checker found: {registry?.Finding}");
        return load.HasEnded || load.IsEnding;
    }

    private Acknowledgements Read()
    {
        acks.Read();
        return acks;
    }

    private static string Name(ServerProcess process) => Path.GetFileName(process.Data);
}
