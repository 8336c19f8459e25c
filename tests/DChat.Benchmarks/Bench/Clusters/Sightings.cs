using System.Diagnostics;
using DChat.Terminal.Load;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>When clients were answered and shown something: the pauses that a fault costs.</summary>
internal sealed class Sightings(int clients, int rooms) : ILoadObserver
{
    private readonly long[] _shownAt = new long[clients * rooms];
    private readonly long[] _pauses = new long[clients * rooms];
    private readonly long[] _waits = new long[clients];
    private volatile NextAnswers? _next;

    public void Acknowledged(int client, int room, long sentTicks, long now)
    {
        Raise(ref _waits[client], now - sentTicks);
        _next?.Acknowledged(client, sentTicks, now);
    }

    public void Shown(int client, int room, long now)
    {
        var at = (client * rooms) + room;
        var before = Interlocked.Exchange(ref _shownAt[at], now);
        if (before != 0)
        {
            Raise(ref _pauses[at], now - before);
        }
    }

    /// <summary>From now on: the first answer to a send that was made from now on, in each group of clients.</summary>
    /// <param name="groups">The group of each client; below 0: none.</param>
    public NextAnswers Watch(IReadOnlyList<int> groups) => _next = new NextAnswers(groups, Stopwatch.GetTimestamp());

    /// <summary>Forgets the pauses so far; one that lasts counts from now on.</summary>
    public void Forget()
    {
        Array.Clear(_waits);
        Array.Clear(_pauses);
        Array.Fill(_shownAt, Stopwatch.GetTimestamp());
    }

    /// <summary>The longest time, in milliseconds, in which a client was shown nothing of one of its rooms, the present pause included.</summary>
    public double LongestPause(Func<int, bool> ofClient)
    {
        var now = Stopwatch.GetTimestamp();
        return Milliseconds(Enumerable.Range(0, clients * rooms).Where(at => ofClient(at / rooms)).Max(at => Math.Max(_pauses[at], now - Volatile.Read(ref _shownAt[at]))));
    }

    /// <summary>The longest time, in milliseconds, for which a client waited for the answer to a send, repeats included.</summary>
    public double LongestWait(Func<int, bool> ofClient) => Milliseconds(Enumerable.Range(0, clients).Where(ofClient).Max(client => _waits[client]));

    internal static double Milliseconds(long ticks) => ticks * 1e3 / Stopwatch.Frequency;

    private static void Raise(ref long longest, long ticks)
    {
        for (var seen = Volatile.Read(ref longest); ticks > seen;)
        {
            var before = Interlocked.CompareExchange(ref longest, ticks, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}

/// <summary>The first answers after an instant.</summary>
internal sealed class NextAnswers(IReadOnlyList<int> groups, long since)
{
    private readonly long[] _first = new long[groups.Max() + 1];
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>When each group had its first answer, in <see cref="Stopwatch"/> ticks; by group.</summary>
    /// <exception cref="TimeoutException">Not all had one within the limit.</exception>
    public async Task<IReadOnlyList<long>> AllAsync(TimeSpan limit)
    {
        await _all.Task.WaitAsync(limit);
        return _first;
    }

    public void Acknowledged(int client, long sentTicks, long now)
    {
        if (groups[client] is var group && group < 0 || sentTicks < since)
        {
            return;
        }

        if (Interlocked.CompareExchange(ref _first[group], now, 0) == 0 && Array.TrueForAll(_first, at => at != 0))
        {
            _all.TrySetResult();
        }
    }
}
