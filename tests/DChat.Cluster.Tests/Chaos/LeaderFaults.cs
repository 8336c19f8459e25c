using System.Globalization;
using DChat.Cluster.Tests.EtcdMembers;
using DChat.Cluster.Tests.Registry;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>What may happen to several coordinators, to their etcd, which they share or run a member each of, and to what else they share.</summary>
/// <param name="audit">Knows where the leader is.</param>
internal sealed class LeaderFaults(ClusterUnderTest cluster, LogAudit audit, Random random, FaultActions actions)
{
    private Task _s3Starting = Task.CompletedTask;
    private long _s3BackAt;

    private EtcdCluster Etcd => cluster.Etcd!;

    private string[] EtcdHosts => [.. Etcd.Members.Select(member => member.Host!.Address)];

    private string[] WorkerHosts => [cluster.Network!.Address, .. cluster.Workers.Select(worker => worker.Host!.Address)];

    private SwiftServer S3 => cluster.S3!;

    /// <summary>Waits until S3 is back from its last outage.</summary>
    /// <returns>The log's last entry then; 0: there was no outage.</returns>
    public async Task<long> S3IsBackAsync()
    {
        await _s3Starting;
        return _s3BackAt;
    }

    public IEnumerable<Fault> All() =>
    [
        new("leader killed", Victim.Coordinator, async _ => await actions.KillAsync(await LeaderAsync())),
        new("leader frozen", Victim.Coordinator, async _ => await actions.FreezeAsync(await LeaderAsync())),
        new("leader cut from the workers", Victim.Coordinator, async _ => await actions.CutAsync((await LeaderAsync()).Host!, WorkerHosts, Way.Both)),
        new("leader cut from the other coordinators", Victim.Coordinator, async _ => await CutAsync(await LeaderAsync(), Others, Way.Both)),
        new("leader cut from everybody", Victim.Coordinator, async _ => await CutAsync(await LeaderAsync(), _ => Everybody, Way.Both)),
        new("leader cut from everybody, one way", Victim.Coordinator, async _ => await CutAsync(await LeaderAsync(), _ => Everybody, random.Next(2) == 0 ? Way.In : Way.Out)),
        new("standby killed", Victim.Coordinator, async _ => await actions.KillAsync(await StandbyAsync())),
        new("standby frozen", Victim.Coordinator, async _ => await actions.FreezeAsync(await StandbyAsync())),
        .. cluster.HasOwnClocks ? Jumps() : [],
        new("all coordinators killed", Victim.Coordinator, _ => KillAllAsync()),
        .. cluster.Etcd is null ? OfOwnEtcds() : OfSharedEtcd(),
        new("S3 frozen", Victim.Blobs, _ => FreezeS3Async()),
        new("S3 killed", Victim.Blobs, _ => KillS3Async()),
        new("S3 cut from the leader", Victim.Blobs, _ => CutS3Async()),
    ];

    private Fault[] OfSharedEtcd() =>
    [
        new("leader cut from etcd", Victim.Coordinator, async _ => await actions.CutAsync((await LeaderAsync()).Host!, EtcdHosts, Way.Both)),
        new("leader cut from etcd until another leads", Victim.Coordinator, _ => DeposeAsync(_ => EtcdHosts)),
        new("etcd leader killed", Victim.Log, async _ => await KillMembersAsync([await EtcdLeaderAsync()])),
        new("etcd leader frozen", Victim.Log, async _ => await FreezeMembersAsync([await EtcdLeaderAsync()])),
        new("etcd leader cut from the other members", Victim.Log, async _ => await CutMemberAsync(await EtcdLeaderAsync(), EtcdHosts)),
        new("etcd member cut from everybody", Victim.Log, _ => CutMemberAsync(Members(1)[0], Everybody)),
        new("etcd minority killed", Victim.Log, _ => KillMembersAsync(Members(1))),
        new("etcd majority killed", Victim.Log, _ => KillMembersAsync(Members(2))),
        new("etcd majority frozen", Victim.Log, _ => FreezeMembersAsync(Members(2))),
    ];

    /// <summary>A coordinator that is killed takes its etcd along, and the machine that is cut off is that of both: only what happens to one of the two, or stops both, is other.</summary>
    private Fault[] OfOwnEtcds() =>
    [
        new("leader cut from the other coordinators until another leads", Victim.Coordinator, _ => DeposeAsync(Others)),
        new("leader frozen with its etcd", Victim.Coordinator, async _ => await FreezeWithEtcdAsync(await LeaderAsync())),
        new("standby frozen with its etcd", Victim.Coordinator, async _ => await FreezeWithEtcdAsync(await StandbyAsync())),
        new("standby cut from everybody", Victim.Coordinator, async _ => await CutAsync(await StandbyAsync(), _ => Everybody, Way.Both)),
        new("leader's etcd killed", Victim.Coordinator, async _ => await KillEtcdOfAsync(await LeaderAsync())),
        new("standby's etcd killed", Victim.Coordinator, async _ => await KillEtcdOfAsync(await StandbyAsync())),
        new("leader's etcd frozen", Victim.Coordinator, async _ => await FreezeEtcdOfAsync(await LeaderAsync())),
    ];

    private Fault[] Jumps() =>
    [
        new("leader's clock jumps", Victim.Coordinator, async _ => await actions.JumpAsync(await LeaderAsync())),
        new("standby's clock jumps", Victim.Coordinator, async _ => await actions.JumpAsync(await StandbyAsync())),
    ];

    private string[] Everybody => [cluster.Network!.Address, .. cluster.Network.Hosts.Select(host => host.Address)];

    private string[] Others(ServerProcess coordinator) => [.. cluster.CoordinatorNodes.Where(other => other != coordinator).Select(other => other.Host!.Address)];

    private Task<string> CutAsync(ServerProcess coordinator, Func<ServerProcess, string[]> from, Way way) =>
        actions.CutAsync(coordinator.Host!, [.. from(coordinator).Where(address => address != coordinator.Host!.Address)], way);

    /// <summary>Who leads, or might.</summary>
    private async Task<ServerProcess> LeaderAsync()
    {
        var address = await audit.LeaderAsync();
        return cluster.CoordinatorNodes.Find(node => node.Node.Authority == address) ?? cluster.CoordinatorNodes[random.Next(cluster.CoordinatorNodes.Count)];
    }

    private async Task<ServerProcess> StandbyAsync()
    {
        var first = await LeaderAsync();
        var standbys = cluster.CoordinatorNodes.Where(node => node != first).ToList();
        return standbys[random.Next(standbys.Count)];
    }

    private async Task<EtcdMember> EtcdLeaderAsync()
    {
        foreach (var member in Etcd.Members)
        {
            if (await member.LeadsAsync())
            {
                return member;
            }
        }

        return Members(1)[0];
    }

    private EtcdMember[] Members(int count)
    {
        var members = Etcd.Members.ToArray();
        random.Shuffle(members);
        return members[..count];
    }

    /// <summary>It comes back to an etcd that has another leader, and to whoever still waits for its answers.</summary>
    private async Task<string> DeposeAsync(Func<ServerProcess, string[]> from)
    {
        var first = await LeaderAsync();
        await first.Host!.CutAsync(from(first));
        await Eventually.Holds(async () => await audit.LeaderAsync() is { } next && next != first.Node.Authority, FaultActions.StartLimit);
        await first.Host.HealAsync();
        return "another leads";
    }

    private async Task<string> KillAllAsync()
    {
        foreach (var coordinator in cluster.CoordinatorNodes)
        {
            await coordinator.KillAsync();
        }

        var lasted = await actions.WaitAsync();
        await Task.WhenAll(cluster.CoordinatorNodes.Select(FaultActions.StartAgainAsync));
        return lasted;
    }

    private async Task<string> KillMembersAsync(EtcdMember[] members)
    {
        foreach (var member in members)
        {
            await member.KillAsync();
        }

        var lasted = await actions.WaitAsync();
        foreach (var member in members)
        {
            member.StartAlone(); // All before any is waited for: one alone may have no majority.
        }

        foreach (var member in members)
        {
            await member.IsReadyAsync();
        }

        return Named(members, lasted);
    }

    private async Task<string> FreezeMembersAsync(EtcdMember[] members)
    {
        Array.ForEach(members, member => member.Freeze());
        var lasted = await actions.WaitAsync();
        Array.ForEach(members, member => member.Thaw());
        return Named(members, lasted);
    }

    private async Task<string> CutMemberAsync(EtcdMember member, string[] from) =>
        Named([member], await actions.CutAsync(member.Host!, [.. from.Where(address => address != member.Host!.Address)], Way.Both));

    private async Task<string> FreezeWithEtcdAsync(ServerProcess coordinator)
    {
        using var etcd = OwnEtcd.Of(coordinator);
        etcd.Freeze();
        var lasted = await actions.FreezeAsync(coordinator);
        etcd.Thaw();
        return lasted;
    }

    private async Task<string> FreezeEtcdOfAsync(ServerProcess coordinator)
    {
        using var etcd = OwnEtcd.Of(coordinator);
        etcd.Freeze();
        var lasted = await actions.WaitAsync();
        etcd.Thaw();
        return lasted;
    }

    /// <summary>Its coordinator starts it again.</summary>
    private static async Task<string> KillEtcdOfAsync(ServerProcess coordinator)
    {
        using var etcd = OwnEtcd.Of(coordinator);
        etcd.Kill();
        await Eventually.Holds(() => MemberCluster.EtcdOf(coordinator) is var next && next != etcd.Id && MemberCluster.Runs(next), FaultActions.StartLimit);
        return "and started again";
    }

    private async Task<string> FreezeS3Async()
    {
        await _s3Starting;
        S3.Freeze();
        var lasted = await actions.WaitAsync();
        S3.Thaw();
        _s3BackAt = audit.Index;
        return lasted;
    }

    private async Task<string> CutS3Async()
    {
        await _s3Starting;
        var lasted = await actions.CutAsync(S3.Host!, [(await LeaderAsync()).Host!.Address], Way.Both);
        _s3BackAt = audit.Index;
        return lasted;
    }

    /// <summary>Its start, which takes it seconds, is not waited for: nobody needs it soon, and what happens next may happen meanwhile.</summary>
    private async Task<string> KillS3Async()
    {
        await _s3Starting;
        await S3.KillAsync();
        var lasted = await actions.WaitAsync();
        _s3Starting = StartS3Async();
        return lasted;
    }

    private async Task StartS3Async()
    {
        await S3.StartAgainAsync();
        _s3BackAt = audit.Index;
    }

    private static string Named(EtcdMember[] members, string how) => string.Create(CultureInfo.InvariantCulture, $"({string.Join(", ", members.Select(member => member.Name))}) {how}");
}
