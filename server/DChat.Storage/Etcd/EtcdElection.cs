using System.Text;
using DChat.Core.ControlLog;
using Microsoft.Extensions.Logging;

namespace DChat.Storage.Etcd;

/// <summary>
/// One leader at a time: the leader's key exists once, bound to a lease that its holder keeps alive. A holder that cannot do so counts itself
/// as deposed when the lease may have run out, by its own clock, from before it was last renewed; and it renews what a majority of members confirms only.
/// </summary>
internal sealed partial class EtcdElection(EtcdClient client, EtcdKeys keys, TimeSpan lease, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>The leader's key is looked at so often though no change of it was told.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly List<EtcdLeadership> _mine = [];

    /// <summary>Waits until this node leads. While etcd is away it goes on trying.</summary>
    public async Task<ILeadership> CampaignAsync(string advertise, CancellationToken cancellation)
    {
        for (var isSaid = false; ;)
        {
            try
            {
                if (await TryAsync(advertise, cancellation) is { } leadership)
                {
                    return leadership;
                }

                await WaitForVacancyAsync(cancellation);
            }
            catch (EtcdRefusedException refused) when (refused.IsFull)
            {
                if (!isSaid)
                {
                    isSaid = true;
                    Full(logger, client.Where, EtcdFull.Problem, EtcdFull.Remedy);
                }

                await Task.Delay(RetryAfter, time, cancellation);
            }
            catch (Exception failure) when (failure is ControlLogUnavailableException or EtcdRefusedException)
            {
                NotNow(logger, client.Where, failure.Message);
                await Task.Delay(RetryAfter, time, cancellation);
            }
        }
    }

    /// <summary>Ends the leadership of a term, whoever holds it; false where it is over.</summary>
    public async Task<bool> DeposeAsync(long term, CancellationToken cancellation)
    {
        var found = (await client.RangeAsync(new EtcdRange(keys.Leader), cancellation)).Found;
        if (found is not [var leader, ..] || leader.CreateRevision != term)
        {
            return false;
        }

        await client.RevokeAsync(leader.Lease, cancellation);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        List<EtcdLeadership> mine;
        lock (_lock)
        {
            mine = [.. _mine];
        }

        foreach (var leadership in mine)
        {
            await leadership.DisposeAsync();
        }
    }

    /// <summary>Null where another node leads.</summary>
    private async Task<EtcdLeadership?> TryAsync(string advertise, CancellationToken cancellation)
    {
        if ((await client.RangeAsync(new EtcdRange(keys.Leader), cancellation)).Found.Count > 0)
        {
            return null;
        }

        var grantedAt = time.GetTimestamp();
        var granted = await client.GrantAsync((long)lease.TotalSeconds, cancellation);
        var held = granted.Ttl > 0 ? TimeSpan.FromSeconds(granted.Ttl) : lease; // etcd makes it as long as one and a half of its elections.
        EtcdLeadership? leadership = null;
        try
        {
            // A repeat of a try that was not answered finds the key, with this very lease.
            var answer = await client.TxnAsync(
                new EtcdTxn(
                    [new EtcdCompare(keys.Leader, "CREATE", "EQUAL", CreateRevision: 0)],
                    [EtcdOperation.Put(keys.Leader, Encoding.UTF8.GetBytes(advertise), granted.Id)],
                    [EtcdOperation.Get(keys.Leader)]),
                cancellation);
            var term = answer.Succeeded ? answer.Header!.Revision
                : answer.Range(0) is [var leader, ..] && leader.Lease == granted.Id ? leader.CreateRevision
                : 0;
            if (term > 0)
            {
                leadership = new EtcdLeadership(new EtcdTerm(term, granted.Id, held, grantedAt), client, keys, time, logger, Ended);
                lock (_lock)
                {
                    _mine.Add(leadership);
                }

                if (held > lease)
                {
                    Raised(logger, client.Where, (long)lease.TotalSeconds, granted.Ttl);
                }
            }

            return leadership;
        }
        finally
        {
            if (leadership is null)
            {
                _ = EndAsync(granted.Id); // Whatever was made with it goes too.
            }
        }
    }

    private async Task EndAsync(long unused)
    {
        try
        {
            await client.RevokeAsync(unused, CancellationToken.None);
        }
        catch (Exception failure) when (failure is ControlLogUnavailableException or EtcdRefusedException or ObjectDisposedException or OperationCanceledException)
        {
            NotNow(logger, client.Where, failure.Message); // It runs out by itself.
        }
    }

    private void Ended(EtcdLeadership leadership)
    {
        lock (_lock)
        {
            _mine.Remove(leadership);
        }
    }

    private async Task WaitForVacancyAsync(CancellationToken cancellation)
    {
        var now = await client.RangeAsync(new EtcdRange(keys.Leader), cancellation);
        if (now.Found.Count == 0)
        {
            return;
        }

        byte[] end = [.. keys.Leader, 0];
        try
        {
            await foreach (var news in client.WatchAsync(new EtcdWatchCreate(keys.Leader, end, (now.Header?.Revision ?? 0) + 1), LookAgain, cancellation))
            {
                if (news.Canceled || news.Events?.Any(change => change.Type == "DELETE") == true)
                {
                    return;
                }
            }
        }
        catch (TimeoutException)
        {
            // Nothing was told: the next try looks.
        }
        catch (Exception failure) when (EtcdClient.IsFailure(failure) || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            client.PreferNext();
        }
    }

    [LoggerMessage(5312, LogLevel.Error, "no coordinator can be elected: etcd at {Where}: {Problem}. Remedy: {Remedy}")]
    private static partial void Full(ILogger logger, string where, string problem, string remedy);

    [LoggerMessage(5313, LogLevel.Warning, "etcd at {Where} raised the lease from {Asked} s to {Granted} s, one and a half of its election timeout: a leader that is silent is followed by another so much later. Remedy: a shorter --election-timeout of etcd, or lease={Granted} in --log")]
    private static partial void Raised(ILogger logger, string where, long asked, long granted);

    [LoggerMessage(5311, LogLevel.Debug, "no election at etcd ({Where}) now: {Why}")]
    private static partial void NotNow(ILogger logger, string where, string why);
}
