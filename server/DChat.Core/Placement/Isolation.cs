namespace DChat.Core.Placement;

/// <summary>A worker, and what it costs to do without it as a host.</summary>
/// <param name="Capacity">0: it hosts nothing.</param>
public readonly record struct LinkedWorker(string Worker, int Capacity, int Rooms, int Connections);

/// <summary>Finds workers that others cannot reach, so that no room is at one whose clients, or others', cannot use it; pure.</summary>
public static class Isolation
{
    /// <summary>The workers to which, or from which, more than half of the others have no link. None where that is so of all: then none is worse off.</summary>
    /// <param name="workers">Those that are looked at, each once.</param>
    /// <param name="unreachable">Who has no link to whom; one side's word is enough.</param>
    public static IReadOnlySet<string> FromMost(IReadOnlyCollection<string> workers, IEnumerable<(string From, string To)> unreachable)
    {
        var isolated = Cuts(workers, unreachable).Where(worker => worker.Value.Count * 2 > workers.Count - 1).Select(worker => worker.Key).ToHashSet(StringComparer.Ordinal);
        return isolated.Count < workers.Count ? isolated : new HashSet<string>(StringComparer.Ordinal);
    }

    /// <summary>
    /// Of each two workers that cannot reach each other, one: without those that are named all others can. None of them is named needlessly, and never all.
    /// Who is in most such pairs is named first, then who hosts nothing, has fewer rooms, fewer clients, and the greater id.
    /// </summary>
    /// <param name="workers">Those that are looked at, each once.</param>
    /// <param name="unreachable">Who has no link to whom; one side's word is enough.</param>
    /// <param name="before">Who was named before, and stays so for as long as it is needed: rooms are not to go to and fro.</param>
    public static IReadOnlySet<string> OfPairs(IReadOnlyCollection<LinkedWorker> workers, IEnumerable<(string From, string To)> unreachable, IReadOnlySet<string> before)
    {
        var cuts = Cuts([.. workers.Select(worker => worker.Worker)], unreachable);
        var cheapestFirst = workers.Where(worker => cuts[worker.Worker].Count > 0)
            .OrderByDescending(worker => cuts[worker.Worker].Count)
            .ThenBy(worker => worker.Capacity > 0)
            .ThenBy(worker => worker.Rooms)
            .ThenBy(worker => worker.Connections)
            .ThenByDescending(worker => worker.Worker, StringComparer.Ordinal)
            .Select(worker => worker.Worker).ToList();
        var named = cheapestFirst.Where(before.Contains).ToHashSet(StringComparer.Ordinal);
        while (cheapestFirst.Where(worker => !named.Contains(worker)).FirstOrDefault(worker => !named.IsSupersetOf(cuts[worker])) is { } next)
        {
            named.Add(next);
        }

        foreach (var worker in Enumerable.Reverse(cheapestFirst).Where(worker => named.IsSupersetOf(cuts[worker])))
        {
            named.Remove(worker); // All from which it is cut are named: it can stay.
        }

        return named;
    }

    /// <summary>From whom each worker is cut, whichever side says so.</summary>
    private static Dictionary<string, HashSet<string>> Cuts(IReadOnlyCollection<string> workers, IEnumerable<(string From, string To)> unreachable)
    {
        var cuts = workers.ToDictionary(worker => worker, _ => new HashSet<string>(StringComparer.Ordinal), StringComparer.Ordinal);
        foreach (var (from, to) in unreachable)
        {
            if (from != to && cuts.TryGetValue(from, out var theirs) && cuts.TryGetValue(to, out var others))
            {
                theirs.Add(to);
                others.Add(from);
            }
        }

        return cuts;
    }
}
