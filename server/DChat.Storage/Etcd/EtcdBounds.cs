using System.Globalization;
using DChat.Core.ControlLog;

namespace DChat.Storage.Etcd;

/// <summary>
/// Finds where the log begins and ends, without going through it: it has no holes, so whether single entries are there tells it. It is looked where it
/// was found last: one request, while nothing was truncated and less than <see cref="CountedAtOnce"/> entries were appended.
/// </summary>
/// <remarks>
/// All is asked as of the revision of the first answer, so both bounds are of one moment. If etcd forgets that revision meanwhile, it is begun again.
/// </remarks>
internal sealed class EtcdBounds(EtcdClient client, EtcdKeys keys)
{
    /// <summary>So many entries are counted by a range of them at once: etcd goes through its index of them, and reads no value.</summary>
    public const int CountedAtOnce = 1024;

    /// <summary>Single entries that are asked for at once; etcd takes 128 operations.</summary>
    private const int ProbesAtOnce = 64;

    /// <summary>A revision is forgotten after a truncation, which is seldom.</summary>
    private const int AttemptsMax = 10;

    private volatile Known _known = new(1, 1);

    /// <returns>The bounds, and the revision at which the key that tells the first was written; 0: there is none.</returns>
    public async Task<(LogBounds Bounds, long FirstRevision)> ReadAsync(CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await FindAsync(cancellation);
            }
            catch (EtcdRefusedException refused) when (refused.Code == EtcdRefusedException.OutOfRange && attempt < AttemptsMax)
            {
                // Compacted since the first answer.
            }
        }
    }

    private async Task<(LogBounds Bounds, long FirstRevision)> FindAsync(CancellationToken cancellation)
    {
        var (begin, end) = _known;
        var answer = await client.TxnAsync(
            new EtcdTxn(
                [],
                [
                    EtcdOperation.Get(keys.First),
                    EtcdOperation.Count(keys.Entry(begin - 1)), // There is no entry 0.
                    EtcdOperation.Count(keys.Entry(begin)),
                    EtcdOperation.Count(keys.Entry(end)),
                    EtcdOperation.Count(keys.Entry(end), keys.Behind(end, CountedAtOnce)),
                ],
                []),
            cancellation);
        var revision = answer.Header!.Revision;
        var key = answer.Range(0) is [var told, ..] ? told : null;
        var first = key is null ? 1 : long.Parse(key.Value ?? [], NumberStyles.None, CultureInfo.InvariantCulture);

        // A log that was freed begins behind what its key tells.
        var isBegin = answer.Count(2) > 0 && (begin == first || (begin > first && answer.Count(1) == 0));
        var lowest = isBegin ? begin : await LowestAsync(first, revision, cancellation);
        var bounds = lowest is not { } there ? new LogBounds(first, first - 1)
            : answer.Count(3) == 0 || end < there ? new LogBounds(there, await LastAsync(there, revision, cancellation))
            : answer.Count(4) < CountedAtOnce ? new LogBounds(there, end + answer.Count(4) - 1)
            : new LogBounds(there, await LastAsync(end + CountedAtOnce - 1, revision, cancellation));
        _known = new Known(bounds.First, Math.Max(bounds.First, bounds.Last));
        return (bounds, key?.ModRevision ?? 0);
    }

    /// <summary>The first entry there is; null: there is none.</summary>
    /// <param name="told">What the key tells, which is lower where the log was freed.</param>
    private async Task<long?> LowestAsync(long told, long revision, CancellationToken cancellation)
    {
        if ((await AskAsync([EtcdOperation.Count(keys.Entry(told), revision: revision)], cancellation)).Count(0) > 0)
        {
            return told;
        }

        // The log is empty, or was freed: then etcd goes through its index of all entries, once, and reads two of them.
        return (await AskAsync([EtcdOperation.FirstKey(keys.Entry(told), keys.End, revision)], cancellation)).Range(0) is [var lowest, ..] ? keys.IndexOf(lowest.Key) : null;
    }

    /// <summary>The last entry.</summary>
    /// <param name="there">One that is there.</param>
    /// <exception cref="ControlLogDamagedException">There is another one far behind it.</exception>
    private async Task<long> LastAsync(long there, long revision, CancellationToken cancellation)
    {
        // In steps that double, then in ever shorter ones.
        var start = there;
        var probes = Enumerable.Range(0, ProbesAtOnce - 2).Select(power => 1L << power).TakeWhile(step => step < long.MaxValue - start).Select(step => start + step).ToList();
        long behind;
        while (true)
        {
            (there, behind) = await NarrowAsync(there, probes, revision, cancellation);
            if (behind - there <= CountedAtOnce)
            {
                break;
            }

            var step = (behind - there) / (ProbesAtOnce + 1);
            var (from, to) = (there, behind);
            probes = [.. Enumerable.Range(1, ProbesAtOnce).Select(number => from + (number * step)), to];
        }

        var answer = await AskAsync([EtcdOperation.Count(keys.Entry(there), keys.Entry(behind), revision), EtcdOperation.FirstKey(keys.Entry(behind), keys.End, revision)], cancellation);
        var last = there + answer.Count(0) - 1;
        return answer.Range(1).Count == 0 ? last : throw EtcdControlLog.Damaged(client, last + 1, "is missing");
    }

    /// <summary>Of some indexes the last that is there, and the one after it, which is not.</summary>
    private async Task<(long There, long Behind)> NarrowAsync(long there, List<long> probes, long revision, CancellationToken cancellation)
    {
        var answer = await AskAsync([.. probes.Select(index => EtcdOperation.Count(keys.Entry(index), revision: revision))], cancellation);
        for (var i = 0; i < probes.Count; i++)
        {
            if (answer.Count(i) == 0)
            {
                return (there, probes[i]);
            }

            there = probes[i];
        }

        throw EtcdControlLog.Damaged(client, there, "lies beyond what a log can hold");
    }

    private Task<EtcdTxnAnswer> AskAsync(IReadOnlyList<EtcdOperation> operations, CancellationToken cancellation) => client.TxnAsync(new EtcdTxn([], operations, []), cancellation);

    /// <summary>Where it was found last, the first entry and the last one; of an empty log, twice the one that will come.</summary>
    private sealed record Known(long Begin, long End);
}
