using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using DChat.Core.ControlLog;
using Microsoft.Extensions.Logging;

namespace DChat.Storage.Etcd;

/// <summary>
/// The control log in etcd, shared by all coordinators. An entry is a key of its own. Each append is one transaction that compares the leader's
/// key with the term and finds the index free and the one before taken, so neither a deposed leader nor a repeat can do harm.
/// </summary>
/// <remarks>The term is the create revision of the leader's key: etcd's revisions only rise.</remarks>
public sealed partial class EtcdControlLog : IControlLog
{
    /// <summary>Entries that are read at once: of the largest, 16 MiB. Half as many each time where that did not come in time.</summary>
    private const int PageEntries = 32;

    /// <summary>A watch on which nothing came for so long is looked at: its member may be cut off.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    /// <summary>What etcd takes at once unless it is told otherwise.</summary>
    private const int DefaultRequestBytesMax = 1_572_864;

    private readonly EtcdClient _client;
    private readonly EtcdKeys _keys;
    private readonly EtcdBounds _bounds;
    private readonly EtcdElection _election;
    private readonly EtcdHousekeeping _housekeeping;
    private readonly EtcdSpace _space;
    private readonly CancellationTokenSource _closed = new();
    private readonly ILogger _logger;
    private volatile int _page = PageEntries;

    public EtcdControlLog(EtcdUrl url, TimeProvider time, ILogger<EtcdControlLog> logger)
    {
        _client = new EtcdClient(url, time);
        _keys = new EtcdKeys(url.Prefix);
        _bounds = new EtcdBounds(_client, _keys);
        _logger = logger;
        _election = new EtcdElection(_client, _keys, TimeSpan.FromSeconds(url.LeaseSeconds), time, logger);
        _housekeeping = new EtcdHousekeeping(_client, logger);
        _space = new EtcdSpace(_client, logger, time);
    }

    /// <summary>Entries that are removed at once: all members stand still for that long.</summary>
    internal int RemovedAtOnce { get; init; } = 10_000;

    public async Task<ILeadership> CampaignAsync(string advertise, CancellationToken cancellation)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closed.Token);
        return await _election.CampaignAsync(advertise, linked.Token);
    }

    public async Task<LeaderInfo?> ReadLeaderAsync(CancellationToken cancellation) =>
        (await GuardAsync(_client.RangeAsync(new EtcdRange(_keys.Leader), cancellation))).Found is [var leader, ..]
            ? new LeaderInfo(leader.CreateRevision, Encoding.UTF8.GetString(leader.Value ?? []))
            : null;

    public async Task<bool> DeposeAsync(long term, CancellationToken cancellation) => await GuardAsync(_election.DeposeAsync(term, cancellation));

    public async Task<AppendOutcome> AppendAsync(long term, long index, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        ControlLogArguments.CheckAppend(term, index, payload);
        var key = _keys.Entry(index);
        var value = EtcdKeys.Value(term, payload.Span);
        var before = index == 1 ? Absent(_keys.First) : new EtcdCompare(_keys.Entry(index - 1), "VERSION", "GREATER", Version: 0);
        while (true)
        {
            var answer = await GuardAppendAsync(index, payload.Length, _client.TxnAsync(
                new EtcdTxn(
                    index == 1 ? [Leads(term), before, Absent(key), NoEntry] : [Leads(term), before, Absent(key)],
                    [EtcdOperation.Put(key, value)],
                    [EtcdOperation.Get(_keys.Leader), EtcdOperation.Get(key), EtcdOperation.Count(_keys.Entry(index - 1))]),
                cancellation));
            if (answer.Succeeded || IsSame(answer.Range(1), value))
            {
                return AppendOutcome.Committed;
            }

            // What is truncated may have been committed. Where this one is there, or the one before, it is not truncated.
            var first = answer.Range(1).Count + answer.Count(2) > 0 ? 0 : (await ReadBoundsAsync(cancellation)).First;
            if (index < first)
            {
                return AppendOutcome.WrongIndex;
            }

            if (answer.Range(0) is not [var leader, ..] || leader.CreateRevision != term)
            {
                return AppendOutcome.Fenced;
            }

            if (index != first || before.Target == "VALUE" || answer.Range(1).Count > 0)
            {
                return AppendOutcome.WrongIndex;
            }

            // The one before is truncated: so is all, and the log goes on here.
            before = new EtcdCompare(_keys.First, "VALUE", "EQUAL", Value: Text(first));
        }
    }

    public async Task<LogBounds> ReadBoundsAsync(CancellationToken cancellation) => (await GuardAsync(_bounds.ReadAsync(cancellation))).Bounds;

    public async IAsyncEnumerable<LogEntry> FollowAsync(long fromIndex, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(fromIndex);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closed.Token);
        var wasAtEnd = false;
        for (var next = fromIndex; ;)
        {
            var (page, revision) = await ReadPageAsync(next, wasAtEnd, linked.Token);
            foreach (var entry in page)
            {
                yield return entry;
                next = entry.Index + 1;
            }

            if (page.Count > 0)
            {
                continue; // There may be more.
            }

            wasAtEnd = true;
            await foreach (var entry in WatchAsync(next, revision + 1, linked.Token))
            {
                yield return entry;
                next = entry.Index + 1;
            }
        }
    }

    public async Task<bool> TruncateAsync(long term, long throughIndex, CancellationToken cancellation)
    {
        while (true)
        {
            var (bounds, firstRevision) = await GuardAsync(_bounds.ReadAsync(cancellation));
            if (throughIndex > bounds.Last && (await ReadLeaderAsync(cancellation))?.Term != term)
            {
                return false;
            }

            ControlLogArguments.CheckTruncation(throughIndex, bounds.Last);
            var end = Math.Max(bounds.First, throughIndex + 1);
            var first = Math.Min(end, bounds.First + RemovedAtOnce);
            var answer = await GuardAsync(_client.TxnAsync(
                new EtcdTxn(
                    [Leads(term), new EtcdCompare(_keys.First, "MOD", "EQUAL", ModRevision: firstRevision)],
                    first == bounds.First ? [] : [EtcdOperation.Put(_keys.First, Text(first)), EtcdOperation.Delete(_keys.Entry(0), _keys.Entry(first))],
                    [EtcdOperation.Get(_keys.Leader)]),
                cancellation));
            if (answer.Succeeded)
            {
                if (first < end)
                {
                    continue;
                }

                _housekeeping.Truncated(answer.Header?.Revision ?? 0);
                return true;
            }

            if (answer.Range(0) is not [var leader, ..] || leader.CreateRevision != term)
            {
                return false;
            }
        }
    }

    public bool IsFull => _space.IsFull;

    public LogSpace? Space => _space.Used;

    /// <remarks>
    /// A full etcd refuses what holds a put, so the key that tells the first index stays as it is, and the first entry there is tells it: the last
    /// one is kept for that. The next truncation writes the key.
    /// </remarks>
    public async Task<bool> FreeAsync(long term, long throughIndex, CancellationToken cancellation)
    {
        var (first, last) = await ReadBoundsAsync(cancellation);
        if (throughIndex > last)
        {
            return false; // Of another log.
        }

        for (var end = Math.Min(throughIndex + 1, last); ;)
        {
            first = Math.Min(end, first + RemovedAtOnce);
            var answer = await GuardAsync(_client.TxnAsync(
                new EtcdTxn([term == 0 ? Absent(_keys.Leader) : Leads(term)], [EtcdOperation.Delete(_keys.Entry(0), _keys.Entry(first))], []), cancellation));
            if (!answer.Succeeded || first == end)
            {
                return answer.Succeeded;
            }
        }
    }

    public async Task<bool> BeginAfterAsync(long term, long index, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(index, 1);
        var answer = await GuardAsync(_client.TxnAsync(
            new EtcdTxn(
                [Leads(term), Absent(_keys.First), Absent(_keys.Entry(1)), NoEntry],
                [EtcdOperation.Put(_keys.First, Text(index + 1))],
                [EtcdOperation.Get(_keys.Leader)]),
            cancellation));
        if (answer.Succeeded)
        {
            return true;
        }

        // A try that was not answered in time may have done it, and the term may have ended since.
        var bounds = await ReadBoundsAsync(cancellation);
        if (bounds == new LogBounds(index + 1, index))
        {
            return true;
        }

        return answer.Range(0) is not [var leader, ..] || leader.CreateRevision != term
            ? false
            : throw new InvalidOperationException($"the control log holds entries, or did (first {bounds.First}, last {bounds.Last})");
    }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _election.DisposeAsync();
        await _housekeeping.DisposeAsync();
        await _space.DisposeAsync();
        _client.Dispose();
    }

    private EtcdCompare Leads(long term) => new(_keys.Leader, "CREATE", "EQUAL", CreateRevision: term);

    private static EtcdCompare Absent(byte[] key) => new(key, "CREATE", "EQUAL", CreateRevision: 0);

    private static bool IsSame(IReadOnlyList<EtcdKeyValue> there, byte[] value) => there is [var entry, ..] && value.AsSpan().SequenceEqual(entry.Value);

    private static byte[] Text(long index) => Encoding.ASCII.GetBytes(index.ToString(CultureInfo.InvariantCulture));

    /// <remarks>etcd reads all of them, values too, and not what is compared behind what does not hold: it stands last, where the log begins at 1 and the first entry is not there.</remarks>
    private EtcdCompare NoEntry => Absent(_keys.Entry(0)) with { RangeEnd = _keys.End };

    /// <summary>The entries from an index on that exist, at most a page of them, and the revision at which they were read.</summary>
    /// <param name="isEndKnown">It was seen before that nothing lies behind the last entry.</param>
    private async Task<(List<LogEntry> Page, long Revision)> ReadPageAsync(long from, bool isEndKnown, CancellationToken cancellation)
    {
        var answer = await ReadHalvingAsync(
            entries => new EtcdTxn([], [EtcdOperation.Get(_keys.Entry(from), _keys.Behind(from, entries)), EtcdOperation.Count(_keys.Entry(from - 1))], []), cancellation);
        var found = answer.Range(0);
        var isNext = found.Count == 0 && answer.Count(1) > 0; // The one before is the last.
        if (isNext ? !isEndKnown : found.Count == 0 || _keys.IndexOf(found[0].Key) != from)
        {
            await LookForAsync(from, cancellation);
        }

        var page = new List<LogEntry>();
        foreach (var one in found)
        {
            var entry = Entry(one);
            if (entry.Index != from + page.Count)
            {
                throw Damaged(from + page.Count, "is missing");
            }

            page.Add(entry);
        }

        return (page, answer.Header?.Revision ?? 0);
    }

    /// <summary>Returns where an entry that was not there is still to come, or came meanwhile.</summary>
    /// <exception cref="EntryTruncatedException">It is truncated.</exception>
    /// <exception cref="ControlLogDamagedException">There are entries behind it.</exception>
    private async Task LookForAsync(long index, CancellationToken cancellation)
    {
        await ThrowIfTruncatedAsync(index, cancellation);
        var behind = await GuardAsync(_client.TxnAsync(new EtcdTxn([], [EtcdOperation.FirstKey(_keys.Entry(index), _keys.End)], []), cancellation));
        if (behind.Range(0) is [var next, ..] && _keys.IndexOf(next.Key) > index)
        {
            await ThrowIfTruncatedAsync(index, cancellation); // Between the two.
            throw Damaged(index, "is missing");
        }
    }

    private async Task ThrowIfTruncatedAsync(long index, CancellationToken cancellation)
    {
        if ((await ReadBoundsAsync(cancellation)).First is var first && index < first)
        {
            throw new EntryTruncatedException(index, first);
        }
    }

    /// <summary>A page that is too large for what is between fails each time: the next one, whoever asks for it, is smaller, until one comes.</summary>
    private async Task<EtcdTxnAnswer> ReadHalvingAsync(Func<int, EtcdTxn> read, CancellationToken cancellation)
    {
        var entries = _page;
        try
        {
            var answer = await GuardAsync(_client.TxnAsync(read(entries), cancellation));
            _page = answer.Range(0).Count < entries ? PageEntries : Math.Min(PageEntries, entries + 1); // It may have been an outage, and there may be many.
            return answer;
        }
        catch (ControlLogUnavailableException)
        {
            _page = Math.Max(1, entries / 2);
            throw;
        }
    }

    /// <summary>The entries from an index on as they are committed. It ends when the stream does, or says nothing for long: then the log is read again.</summary>
    private async IAsyncEnumerable<LogEntry> WatchAsync(long next, long fromRevision, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var watch = _client.WatchAsync(new EtcdWatchCreate(_keys.Entry(0), _keys.End, fromRevision), Silence, cancellation).GetAsyncEnumerator(cancellation);
        while (true)
        {
            EtcdWatchNews news;
            try
            {
                if (!await watch.MoveNextAsync())
                {
                    yield break;
                }

                news = watch.Current;
            }
            catch (TimeoutException)
            {
                yield break; // Quiet, or cut off: a read tells, and asks another endpoint where this one does not answer.
            }
            catch (Exception failure) when (EtcdClient.IsFailure(failure) || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                WatchEnded(_logger, _client.Where, failure.Message);
                _client.PreferNext();
                yield break;
            }

            if (news.Canceled)
            {
                yield break; // What it was to begin with is compacted: the log is read, which says what is there.
            }

            foreach (var change in news.Events ?? [])
            {
                if (change.Kv is not { } found || _keys.IndexOf(found.Key) < next)
                {
                    continue;
                }

                if (change.Type == "DELETE")
                {
                    yield break; // Truncated before it was seen here.
                }

                var entry = Entry(found);
                if (entry.Index == next)
                {
                    yield return entry;
                    next++;
                }
            }
        }
    }

    private LogEntry Entry(EtcdKeyValue found)
    {
        var index = _keys.IndexOf(found.Key);
        try
        {
            var (term, payload) = EtcdKeys.Read(found.Value);
            return new LogEntry(index, term, payload);
        }
        catch (FormatException)
        {
            throw Damaged(index, "cannot be read");
        }
    }

    private ControlLogDamagedException Damaged(long index, string what) => Damaged(_client, index, what);

    internal static ControlLogDamagedException Damaged(EtcdClient client, long index, string what) => new(
        $"The control log in etcd at {client.Where} is damaged: entry {index} {what}. Nothing was changed. Remedy: put etcd back from a backup, or start a new cluster from the snapshots (dchat-server restore).");

    /// <summary>The same for appends, which are repeated until they are answered.</summary>
    private async Task<EtcdTxnAnswer> GuardAppendAsync(long index, int bytes, Task<EtcdTxnAnswer> call)
    {
        try
        {
            return await GuardAsync(call);
        }
        catch (ControlLogUnavailableException failure) when (failure.InnerException is EtcdRefusedException { IsLasting: true } refused)
        {
            throw new ControlLogRefusedException(
                string.Create(CultureInfo.InvariantCulture, $"etcd at {_client.Where} does not take entry {index} of {bytes} bytes: {refused.Message}. Remedy: ") + (
                    refused.IsTooLarge ? string.Create(CultureInfo.InvariantCulture, $"a larger --max-request-bytes at all members of etcd, or none: its default, {DefaultRequestBytesMax}, is enough")
                    : refused.IsNotPermitted ? $"let the user of --log read and write {_keys.Prefix}/ (etcdctl role grant-permission ROLE readwrite {_keys.Prefix}/ --prefix)"
                    : "check the user and the password of --log, and see etcd's log"),
                refused);
        }
    }

    /// <summary>A refusal that no repeat changes is the operator's matter, and is told as one.</summary>
    private async Task<T> GuardAsync<T>(Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (EtcdRefusedException refused)
        {
            throw new ControlLogUnavailableException(
                refused.IsFull ? $"etcd at {_client.Where}: {EtcdFull.Problem} ({refused.Message}). Remedy: {EtcdFull.Remedy}" : $"etcd at {_client.Where} refuses: {refused.Message}", refused);
        }
    }

    [LoggerMessage(5301, LogLevel.Debug, "a watch at etcd ({Where}) ended and is made anew: {Why}")]
    private static partial void WatchEnded(ILogger logger, string where, string why);
}
