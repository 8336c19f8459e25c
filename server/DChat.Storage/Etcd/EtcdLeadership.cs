using DChat.Core.ControlLog;
using Microsoft.Extensions.Logging;

namespace DChat.Storage.Etcd;

/// <summary>A held leadership: its lease is kept alive until it is disposed, or lost.</summary>
/// <remarks>
/// That etcd renews a lease says little: the member that leads etcd does so alone, without the others and without its disk, and one whose disk hangs goes on with it.
/// So before each renewal etcd is asked, through the same client, what a majority must agree on: that this term still leads. Without an answer nothing is renewed, and
/// after the lease's time the term is over here and there.
/// </remarks>
internal sealed partial class EtcdLeadership : ILeadership
{
    /// <summary>The wait after a renewal that failed.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    private readonly EtcdTerm _term;
    private readonly EtcdClient _client;
    private readonly EtcdKeys _keys;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action<EtcdLeadership> _ended;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _resigning = new();
    private readonly Task _keeping;
    private int _isDisposed;

    public EtcdLeadership(EtcdTerm term, EtcdClient client, EtcdKeys keys, TimeProvider time, ILogger logger, Action<EtcdLeadership> ended)
    {
        (_term, _client, _keys, _time, _logger, _ended) = (term, client, keys, time, logger, ended);
        Lost = _lost.Token;
        _keeping = KeepAsync(term.GrantedAt);
    }

    public long Term => _term.Number;

    public CancellationToken Lost { get; }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 1)
        {
            return;
        }

        await _resigning.CancelAsync();
        await _keeping;
        await _lost.CancelAsync();
        _ended(this);
        try
        {
            using var limit = new CancellationTokenSource(EtcdClient.Limit, _time);
            await _client.RevokeAsync(_term.LeaseId, limit.Token);
        }
        catch (Exception failure) when (failure is ControlLogUnavailableException or EtcdRefusedException or OperationCanceledException)
        {
            // The lease runs out by itself.
        }
    }

    /// <summary>Renews the lease three times in its length.</summary>
    private async Task KeepAsync(long renewedAt)
    {
        await Task.Yield();
        try
        {
            var lease = _term.Lease;
            for (var wait = lease / 3; ;)
            {
                await Task.Delay(wait, _time, _resigning.Token);
                var left = lease - _time.GetElapsedTime(renewedAt);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_resigning.Token);
                limit.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
                var asked = _time.GetTimestamp();
                try
                {
                    if (!await LeadsAsync(limit.Token) || !await _client.KeepAliveAsync(_term.LeaseId, limit.Token))
                    {
                        return;
                    }

                    renewedAt = asked;
                    wait = (lease / 3) - _time.GetElapsedTime(asked);
                    wait = wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
                }
                catch (Exception failure) when (failure is ControlLogUnavailableException or EtcdRefusedException)
                {
                    if (_time.GetElapsedTime(renewedAt) >= lease)
                    {
                        Unconfirmed(_logger, _client.Where, lease.TotalSeconds, Term, failure.Message);
                        return;
                    }

                    wait = RetryAfter;
                }
            }
        }
        catch (OperationCanceledException) when (_resigning.IsCancellationRequested)
        {
            // Resigned.
        }
        catch (OperationCanceledException)
        {
            Unconfirmed(_logger, _client.Where, _term.Lease.TotalSeconds, Term, "no answer in time");
        }
        finally
        {
            await _lost.CancelAsync();
        }
    }

    private async Task<bool> LeadsAsync(CancellationToken cancellation) =>
        (await _client.RangeAsync(new EtcdRange(_keys.Leader), cancellation)).Found is [var leader, ..] && leader.CreateRevision == Term;

    [LoggerMessage(5314, LogLevel.Warning, "etcd at {Where} did not confirm for {Seconds} s that term {Term} leads: it counts as lost. Where others reach etcd, see to the etcd, and the disk, of this one: {Why}")]
    private static partial void Unconfirmed(ILogger logger, string where, double seconds, long term, string why);
}

/// <param name="Number">The create revision of the leader's key.</param>
/// <param name="Lease">As long as it was granted.</param>
/// <param name="GrantedAt">A timestamp from before it was asked for.</param>
internal sealed record EtcdTerm(long Number, long LeaseId, TimeSpan Lease, long GrantedAt);
