namespace DChat.Core.Placement;

/// <summary>Finds workers that most others cannot reach, while others can reach each other; pure.</summary>
public static class Isolation
{
    /// <summary>The workers to which, or from which, more than half of the others have no link. None where that is so of all: moving rooms helps nobody.</summary>
    /// <param name="workers">Those that are looked at, each once.</param>
    /// <param name="unreachable">Who has no link to whom; one side's word is enough.</param>
    public static IReadOnlySet<string> Of(IReadOnlyCollection<string> workers, IEnumerable<(string From, string To)> unreachable)
    {
        var cutOff = workers.ToDictionary(worker => worker, _ => new HashSet<string>(StringComparer.Ordinal), StringComparer.Ordinal);
        foreach (var (from, to) in unreachable)
        {
            if (from != to && cutOff.TryGetValue(from, out var theirs) && cutOff.TryGetValue(to, out var others))
            {
                theirs.Add(to);
                others.Add(from);
            }
        }

        var isolated = cutOff.Where(worker => worker.Value.Count * 2 > workers.Count - 1).Select(worker => worker.Key).ToHashSet(StringComparer.Ordinal);
        return isolated.Count < workers.Count ? isolated : new HashSet<string>(StringComparer.Ordinal);
    }
}
