using DChat.Core.ControlLog;

namespace DChat.Storage.Etcd;

/// <summary>Who the members of an etcd are, and changes of that; one change at a time.</summary>
public sealed class EtcdMembership(EtcdUrl url, TimeProvider time) : IDisposable
{
    private readonly EtcdClient _client = new(url, time);
    private readonly byte[] _key = new EtcdKeys(url.Prefix).Leader;

    /// <exception cref="ControlLogUnavailableException">It does not answer.</exception>
    public Task<IReadOnlyList<EtcdVoter>> ListAsync(CancellationToken cancellation) => GuardAsync(async () =>
    {
        var leader = await LeaderAsync(cancellation);
        return (IReadOnlyList<EtcdVoter>)[.. (await _client.MembersAsync(cancellation)).Select(member => new EtcdVoter(
            member.Id, member.Name ?? "", member.PeerUrls ?? [], HasRun: member.ClientUrls is { Count: > 0 }, Leads: member.Id == leader, member.IsLearner))];
    });

    /// <summary>Returns when more than half of the members agree on something new.</summary>
    /// <exception cref="ControlLogUnavailableException">They do not.</exception>
    public Task AgreeAsync(CancellationToken cancellation) => GuardAsync(() => _client.RangeAsync(new EtcdRange(_key), cancellation));

    /// <param name="learns">It does not vote until it is promoted: nothing depends on it.</param>
    /// <exception cref="ControlLogUnavailableException">It cannot be done now.</exception>
    public Task AddAsync(string peerUrl, bool learns, CancellationToken cancellation) => GuardAsync(async () =>
    {
        await _client.AddMemberAsync(peerUrl, learns, cancellation);
        return true;
    });

    /// <summary>Has a member vote that only learned.</summary>
    /// <exception cref="ControlLogUnavailableException">It cannot be done now: it has not caught up, or votes already.</exception>
    public Task PromoteAsync(ulong member, CancellationToken cancellation) => GuardAsync(async () =>
    {
        await _client.PromoteMemberAsync(member, cancellation);
        return true;
    });

    /// <exception cref="ControlLogUnavailableException">It cannot be done now.</exception>
    public Task RemoveAsync(ulong member, CancellationToken cancellation) => GuardAsync(async () =>
    {
        await _client.RemoveMemberAsync(member, cancellation);
        return true;
    });

    public void Dispose() => _client.Dispose();

    private async Task<ulong> LeaderAsync(CancellationToken cancellation)
    {
        try
        {
            return (await _client.StatusAsync(url.Endpoints[0], cancellation)).Leader;
        }
        catch (Exception failure) when (EtcdClient.IsFailure(failure))
        {
            return 0;
        }
    }

    private static async Task<T> GuardAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (EtcdRefusedException refused)
        {
            throw new ControlLogUnavailableException($"etcd refuses: {refused.Message}", refused);
        }
    }
}

/// <summary>A member that votes, or will when it has caught up.</summary>
/// <param name="Name">Empty until it has run.</param>
/// <param name="HasRun">Whether it has run as this member.</param>
/// <param name="Leads">Whether it leads etcd, which need not be the coordinator that leads.</param>
/// <param name="Learns">It does not vote yet: nothing depends on it.</param>
public sealed record EtcdVoter(ulong Id, string Name, IReadOnlyList<string> PeerUrls, bool HasRun, bool Leads, bool Learns = false);
