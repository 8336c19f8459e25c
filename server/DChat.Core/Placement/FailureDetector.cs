using System.Collections.Immutable;

namespace DChat.Core.Placement;

/// <summary>How a leader takes silence.</summary>
/// <param name="Silence">Who was not heard for so long is dead; more than zero.</param>
/// <param name="Closed">Whose connection is closed for so long is dead; zero or more.</param>
/// <param name="ReportInterval">How often each worker is heard while all is well; more than zero.</param>
/// <param name="Patience">So much longer is waited where it may be the leader that hears nothing; zero: no longer.</param>
public sealed record FailureDetectorOptions(TimeSpan Silence, TimeSpan Closed, TimeSpan ReportInterval, TimeSpan Patience);

/// <summary>A worker as its leader hears it; times are of one clock, whatever its beginning.</summary>
/// <param name="HeardAt">When it was heard last, or was first expected.</param>
/// <param name="ClosedAt">When its connection was closed, not for its silence; null: it is open, or ended for silence.</param>
/// <param name="IsGivenUp">It had all the time there is before: it is not waited for longer though most others are silent too.</param>
public readonly record struct Hearing(string Worker, TimeSpan HeardAt, TimeSpan? ClosedAt, bool IsGivenUp = false);

/// <summary>How a worker died.</summary>
public enum Death
{
    /// <summary>Its connection closed, and it did not come back.</summary>
    Closed,

    /// <summary>Nothing was heard of it.</summary>
    Silent,
}

/// <summary>What a leader is to think of its workers.</summary>
/// <param name="Dead">Whose rooms go to others.</param>
/// <param name="Held">Who would be dead, but that most workers fell silent together: it may be the leader that is cut off.</param>
/// <param name="IsDeaf">Not one of several workers is heard: nobody is dead, and nobody could inherit.</param>
public sealed record FailureVerdict(IReadOnlyDictionary<string, Death> Dead, IReadOnlyCollection<string> Held, bool IsDeaf);

/// <summary>
/// Tells dead workers from a leader that is cut off or was held up; pure. Workers report at different moments of an interval, so those
/// that a cut silences grow overdue one by one: whose silence began within about an interval of most others' is waited for a while
/// longer. After a time in which nobody was heard, or when one of those that were waited for is back, all silence counts from then on.
/// Bounded: whoever is dead is so at most five silences after it was heard last while any other is heard.
/// </summary>
/// <param name="ListeningSince">From when on workers could be heard at all, such as the leader's election.</param>
public sealed record FailureDetector(TimeSpan ListeningSince)
{
    /// <summary>Reports may be late by half an interval.</summary>
    private const double Overdue = 1.5;

    private ImmutableHashSet<string> _waitedFor = [];
    private TimeSpan? _waitingSince;
    private bool _isAnew;

    /// <summary>The leader heard nothing until now, for reasons of its own: silence counts from now on, and what closed until then, or is read within a report's interval, as silence.</summary>
    public FailureDetector Anew(TimeSpan now) => this with { ListeningSince = now, _isAnew = true, _waitedFor = [] };

    /// <param name="workers">Each once; those that are expected to report.</param>
    public (FailureDetector Next, FailureVerdict Verdict) Look(TimeSpan now, IReadOnlyCollection<Hearing> workers, FailureDetectorOptions options)
    {
        var overdue = options.ReportInterval * Overdue;
        var lately = options.Silence > overdue ? options.Silence : overdue;
        if (workers.Count > 1 && workers.All(worker => worker.ClosedAt is not null || now - worker.HeardAt > lately))
        {
            return (Anew(now) with { _waitingSince = null }, new FailureVerdict(ImmutableDictionary<string, Death>.Empty, [], IsDeaf: true));
        }

        var detector = this;
        if (_waitingSince is { } since && now - since <= options.Silence + options.Patience
            && workers.Any(worker => _waitedFor.Contains(worker.Worker) && worker.ClosedAt is null && now - worker.HeardAt <= overdue))
        {
            detector = Anew(now);
        }

        return detector.Judge(now, workers, options, overdue);
    }

    private (FailureDetector Next, FailureVerdict Verdict) Judge(TimeSpan now, IReadOnlyCollection<Hearing> workers, FailureDetectorOptions options, TimeSpan overdue)
    {
        var together = Together(now, workers, overdue);
        var dead = new Dictionary<string, Death>(StringComparer.Ordinal);
        var held = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (var worker in workers)
        {
            var silence = now - From(worker);
            if (worker.ClosedAt is { } closed && closed > ListeningSince + (_isAnew ? options.ReportInterval : TimeSpan.Zero))
            {
                if (now - closed > options.Closed)
                {
                    dead.Add(worker.Worker, Death.Closed);
                }
            }
            else if (silence > options.Silence)
            {
                var isWaitedFor = (together.Contains(worker.Worker) && !worker.IsGivenUp) || (_isAnew && worker.ClosedAt is null && worker.HeardAt <= ListeningSince);
                if (isWaitedFor && silence <= options.Silence + options.Patience)
                {
                    held.Add(worker.Worker);
                }
                else
                {
                    dead.Add(worker.Worker, worker.ClosedAt is null ? Death.Silent : Death.Closed);
                }
            }
        }

        var waitedFor = held.ToImmutable().Union(together);
        var next = this with { _waitedFor = waitedFor };
        next = next with { _waitingSince = waitedFor.Count > 0 ? _waitingSince ?? now : workers.All(worker => now - worker.HeardAt <= overdue) ? null : _waitingSince };
        return (next, new FailureVerdict(dead, held.ToImmutable(), IsDeaf: false));
    }

    /// <summary>The overdue workers whose silence began within about a report's interval of most workers'.</summary>
    private HashSet<string> Together(TimeSpan now, IReadOnlyCollection<Hearing> workers, TimeSpan window)
    {
        var together = new HashSet<string>(StringComparer.Ordinal);
        var overdue = workers.Where(worker => worker.ClosedAt is null && now - From(worker) >= window).OrderBy(From).ToArray();
        var last = 0;
        for (var first = 0; first < overdue.Length; first++)
        {
            while (last + 1 < overdue.Length && From(overdue[last + 1]) - From(overdue[first]) <= window)
            {
                last++;
            }

            last = Math.Max(last, first);
            if (workers.Count > 1 && (last - first + 1) * 2 > workers.Count)
            {
                together.UnionWith(overdue[first..(last + 1)].Select(worker => worker.Worker));
            }
        }

        return together;
    }

    private TimeSpan From(Hearing worker) => worker.HeardAt > ListeningSince ? worker.HeardAt : ListeningSince;
}
