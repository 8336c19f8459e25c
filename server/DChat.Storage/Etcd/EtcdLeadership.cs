using DChat.Core.ControlLog;

namespace DChat.Storage.Etcd;

/// <summary>A held leadership: its lease is kept alive until it is disposed, or lost.</summary>
internal sealed class EtcdLeadership : ILeadership
{
    private readonly long _leaseId;
    private readonly TimeSpan _lease;
    private readonly EtcdClient _client;
    private readonly TimeProvider _time;
    private readonly Action<EtcdLeadership> _ended;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _resigning = new();
    private readonly Task _keeping;
    private int _isDisposed;

    public EtcdLeadership(long term, long leaseId, TimeSpan lease, long grantedAt, EtcdClient client, TimeProvider time, Action<EtcdLeadership> ended)
    {
        (Term, _leaseId, _lease, _client, _time, _ended) = (term, leaseId, lease, client, time, ended);
        Lost = _lost.Token;
        _keeping = KeepAsync(grantedAt);
    }

    public long Term { get; }

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
            await _client.RevokeAsync(_leaseId, limit.Token);
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
            while (true)
            {
                await Task.Delay(_lease / 3, _time, _resigning.Token);
                var left = _lease - _time.GetElapsedTime(renewedAt);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_resigning.Token);
                limit.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
                var asked = _time.GetTimestamp();
                try
                {
                    if (!await _client.KeepAliveAsync(_leaseId, limit.Token))
                    {
                        return;
                    }

                    renewedAt = asked;
                }
                catch (Exception failure) when (failure is ControlLogUnavailableException or EtcdRefusedException)
                {
                    if (_time.GetElapsedTime(renewedAt) >= _lease)
                    {
                        return;
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Resigned, or the time is up.
        }
        finally
        {
            await _lost.CancelAsync();
        }
    }
}
