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
    /// <summary>
    /// The alarm of a member that does not answer here is left to whoever reaches it for so long, and once ended for as long and longer again: one that lives, and
    /// has no space, raises it anew with the next write.
    /// </summary>
    private static readonly TimeSpan OthersAfter = TimeSpan.FromMinutes(1);

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

    /// <summary>Alarms of members that do not answer here: since when each stands, or when it was ended last, and how long it is left to others from then on.</summary>
    private readonly Dictionary<ulong, (long At, TimeSpan Left)> _ofOthers = [];
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
        var others = LeftByOthers(all);
        var haveSpace = new List<Uri>();
        foreach (var (member, status) in all)
        {
            if (status is { IsItselfFull: true } || (status is not null && others.Count > 0))
            {
                await TryAsync(member, async () =>
                {
                    if (await HasSpaceAsync(member, status) is { } known)
                    {
                        await (known.IsItselfFull ? DisarmAsync(member, known, known.Header?.MemberId ?? 0) : Task.CompletedTask);
                        haveSpace.Add(member);
                    }
                });
            }
        }

        if (others.Count > 0 && haveSpace.Count == all.Count(member => member.Status is not null))
        {
            foreach (var other in others)
            {
                await TryAsync(haveSpace[0], () => DisarmAsync(haveSpace[0], null, other));
                _ofOthers[other] = (_time.GetTimestamp(), _ofOthers[other].Left * 2 < RetryLongest ? _ofOthers[other].Left * 2 : RetryLongest);
            }
        }
    }

    /// <summary>Members that raised the alarm long ago, and do not answer here: one that is gone for good does not end it, and while it stands nobody writes.</summary>
    private List<ulong> LeftByOthers(IReadOnlyList<(Uri Member, EtcdStatus? Status)> all)
    {
        var full = all.SelectMany(member => member.Status?.FullMembers ?? []).Except(all.Select(member => member.Status?.Header?.MemberId ?? 0)).ToList();
        full.ForEach(member => _ofOthers.TryAdd(member, (_time.GetTimestamp(), OthersAfter)));
        foreach (var (member, _) in _ofOthers.Where(known => !full.Contains(known.Key) && _time.GetElapsedTime(known.Value.At) > RetryLongest * 2).ToList())
        {
            _ofOthers.Remove(member);
        }

        return full.FindAll(member => _time.GetElapsedTime(_ofOthers[member].At) > _ofOthers[member].Left);
    }

    private async Task TryAsync(Uri member, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception failure) when (EtcdClient.IsFailure(failure) || failure is ControlLogUnavailableException)
        {
            Say($"{member.Authority}: {failure.Message}");
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

    /// <summary>Has a member give back what it can. How it stands then, where it is well below its quota; else null, and that is said.</summary>
    private async Task<EtcdStatus?> HasSpaceAsync(Uri member, EtcdStatus status)
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
            return null;
        }

        if (status.DbSize > quota * UsedMost)
        {
            Say($"{member.Authority}: of {quota / 1024 / 1024} MiB too much is used{(_mayDefragment ? "" : "; what is unused of it only root can give back: etcdctl defrag")}");
            return null;
        }

        return status;
    }

    /// <param name="own">How the member stands; null: the alarm is another's, that does not answer.</param>
    private async Task DisarmAsync(Uri member, EtcdStatus? own, ulong alarmOf)
    {
        try
        {
            await _client.DisarmAsync(member, alarmOf, _closed.Token);
            if (own is not null)
            {
                Relieved(_logger, member.Authority, own.DbSize);
            }
            else
            {
                RelievedOther(_logger, alarmOf);
            }
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

    [LoggerMessage(5331, LogLevel.Information, "etcd member {Member} has space again, with {Bytes} bytes on its disk, and takes writes")]
    private static partial void Relieved(ILogger logger, string member, long bytes);

    [LoggerMessage(5334, LogLevel.Warning, "etcd member {Member:x}, which does not answer here, raised the alarm that its database is full; it was ended, as those that answer have space. If that member lives, and has none, it raises it again")]
    private static partial void RelievedOther(ILogger logger, ulong member);

    [LoggerMessage(5332, LogLevel.Warning, "etcd: {Problem} ({Why}). Remedy: {Remedy}")]
    private static partial void StillFull(ILogger logger, string why, string problem, string remedy);

    [LoggerMessage(5333, LogLevel.Warning, "etcd member {Member} does not tell this user how full it is ({Why}): when it is full, its alarm is not ended, and no space is made. Remedy: watch its space, or give the user the role root")]
    private static partial void Blind(ILogger logger, string member, string why);
}
