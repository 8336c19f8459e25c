using DChat.Core.ControlLog;
using Microsoft.Extensions.Logging;

namespace DChat.Storage.Etcd;

/// <summary>
/// Looks whether members are full. One that is gets what is compacted away back by defragmentation, and is let write again as soon as it is well
/// below its quota: because what was in it is gone, or because it was given a larger one.
/// </summary>
/// <remarks>Nothing that is told of the log hangs on any of it, so whoever reaches a member does it, leader or not: a coordinator with a member of its own reaches only that.</remarks>
internal sealed partial class EtcdSpace : IAsyncDisposable
{
    /// <summary>Of the quota: an alarm ends below this, so that it does not come back at once.</summary>
    private const double UsedMost = 0.75;

    /// <summary>A quota changes with a restart of its member only, and stands in a long text.</summary>
    private static readonly TimeSpan QuotaEvery = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    /// <summary>For a compaction, and for a defragmentation.</summary>
    private static readonly TimeSpan WorkLimit = TimeSpan.FromMinutes(5);

    /// <summary>What did not bring enough is tried again after so long, then twice as long, and so on.</summary>
    private static readonly TimeSpan RetryFirst = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RetryLongest = TimeSpan.FromMinutes(10);

    private readonly EtcdClient _client;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _closed = new();
    private readonly Task _working;

    /// <summary>When each member gave back last what it can, and of which revision: it answers nothing meanwhile, so that is not done again at once.</summary>
    private readonly Dictionary<Uri, (long Revision, long At, TimeSpan Again)> _givenBack = [];
    private readonly Dictionary<Uri, (long Bytes, long At)> _quotas = [];
    private volatile bool _isFull;
    private volatile LogSpace? _used;
    private string? _said;
    private bool _isBlind;
    private bool _mayDefragment = true;

    public EtcdSpace(EtcdClient client, ILogger logger, TimeProvider time)
    {
        (_client, _logger, _time) = (client, logger, time);
        _working = WorkAsync();
    }

    /// <summary>Whether a member was full when they were looked at last: no member takes writes then.</summary>
    public bool IsFull => _isFull;

    /// <summary>Of the member that is nearest to its quota, of those that answered; null until one told it.</summary>
    public LogSpace? Used => _used;

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _working;
        _closed.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(LookEvery, _time, _closed.Token);
                await LookAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // Closed.
        }
    }

    private async Task LookAsync()
    {
        var all = await _client.StatusAsync(_closed.Token, Refused);
        if (all.All(member => member.Status is null))
        {
            return;
        }

        _isFull = all.Any(member => member.Status?.IsFull == true);
        if (!_isFull)
        {
            _said = null;
        }

        await MeasureAsync(all);
        foreach (var (member, status) in all)
        {
            if (status?.IsItselfFull != true)
            {
                continue;
            }

            try
            {
                await RelieveAsync(member, status);
            }
            catch (Exception failure) when (EtcdClient.IsFailure(failure) || failure is ControlLogUnavailableException)
            {
                Say($"{member.Authority}: {failure.Message}");
            }
        }
    }

    /// <summary>Some releases of etcd tell how a member stands to root alone.</summary>
    private void Refused(Uri member, EtcdRefusedException refused)
    {
        if (refused.IsNotPermitted && !_isBlind)
        {
            _isBlind = true;
            Blind(_logger, member.Authority, refused.Message);
        }
    }

    private async Task MeasureAsync(IReadOnlyList<(Uri Member, EtcdStatus? Status)> all)
    {
        LogSpace? fullest = null;
        foreach (var (member, status) in all)
        {
            if (status is null)
            {
                continue;
            }

            if (!_quotas.TryGetValue(member, out var quota) || _time.GetElapsedTime(quota.At) > QuotaEvery)
            {
                quota = _quotas[member] = (await _client.QuotaAsync(member, _closed.Token) ?? 0, _time.GetTimestamp());
            }

            if (quota.Bytes > 0 && (fullest is null || (double)status.DbSize / quota.Bytes > (double)fullest.Bytes / fullest.BytesMax))
            {
                fullest = new LogSpace(status.DbSize, quota.Bytes);
            }
        }

        _used = fullest ?? _used;
    }

    private async Task RelieveAsync(Uri member, EtcdStatus status)
    {
        var revision = status.Header?.Revision ?? 0;
        var isKnown = _givenBack.TryGetValue(member, out var before) && before.Revision == revision;
        if (!isKnown || _time.GetElapsedTime(before.At) > before.Again)
        {
            var again = !isKnown ? RetryFirst : before.Again * 2 < RetryLongest ? before.Again * 2 : RetryLongest;
            try
            {
                await _client.CompactAsync(member, revision, WorkLimit, _closed.Token);
                await _client.DefragmentAsync(member, WorkLimit, _closed.Token);
                _mayDefragment = true;
            }
            catch (EtcdRefusedException refused) when (refused.IsNotPermitted)
            {
                _mayDefragment = false; // Root may, and a larger quota helps all the same.
            }

            _givenBack[member] = (revision, _time.GetTimestamp(), again);
            status = await _client.StatusAsync(member, _closed.Token);
        }

        if (await _client.QuotaAsync(member, _closed.Token) is not { } quota)
        {
            Say($"{member.Authority}: its quota cannot be read from its metrics");
        }
        else if (status.DbSize > quota * UsedMost)
        {
            Say($"{member.Authority}: of {quota / 1024 / 1024} MiB too much is used{(_mayDefragment ? "" : "; what is unused of it only root can give back: etcdctl defrag")}");
        }
        else
        {
            await DisarmAsync(member, status, quota);
        }
    }

    private async Task DisarmAsync(Uri member, EtcdStatus status, long quota)
    {
        try
        {
            await _client.DisarmAsync(member, status.Header?.MemberId ?? 0, _closed.Token);
            Relieved(_logger, member.Authority, status.DbSize, quota);
        }
        catch (EtcdRefusedException refused) when (refused.IsNotPermitted)
        {
            Say($"{member.Authority}: it has space, and only root may end its alarm in this release of etcd: etcdctl alarm disarm");
        }
    }

    /// <summary>Once, until it is another reason.</summary>
    private void Say(string why)
    {
        if (_said != why)
        {
            _said = why;
            StillFull(_logger, why, EtcdFull.Problem, EtcdFull.Remedy);
        }
    }

    [LoggerMessage(5331, LogLevel.Information, "etcd member {Member} has space again, {Bytes} bytes of {Quota}, and takes writes")]
    private static partial void Relieved(ILogger logger, string member, long bytes, long quota);

    [LoggerMessage(5332, LogLevel.Warning, "etcd: {Problem} ({Why}). Remedy: {Remedy}")]
    private static partial void StillFull(ILogger logger, string why, string problem, string remedy);

    [LoggerMessage(5333, LogLevel.Warning, "etcd member {Member} does not tell this user how full it is ({Why}): when it is full, its alarm is not ended, and no space is made. Remedy: watch its space, or give the user the role root")]
    private static partial void Blind(ILogger logger, string member, string why);
}
