using System.Globalization;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>How long rooms stood still at each kind of fault.</summary>
internal sealed class PauseTable
{
    private readonly SortedDictionary<string, (int Faults, List<long> Pauses)> _kinds = new(StringComparer.Ordinal);

    /// <param name="pausesMs">Of each room that the fault concerned.</param>
    public void Add(string kind, IEnumerable<long> pausesMs)
    {
        var (faults, pauses) = _kinds.GetValueOrDefault(kind, (0, []));
        pauses.AddRange(pausesMs);
        _kinds[kind] = (faults + 1, pauses);
    }

    public IEnumerable<string> Lines()
    {
        yield return "| fault | times | rooms | p50 ms | p95 ms | p99 ms | max ms |";
        yield return "|---|---|---|---|---|---|---|";
        foreach (var (kind, (faults, pauses)) in _kinds)
        {
            pauses.Sort();
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"| {kind} | {faults} | {pauses.Count} | {At(pauses, 0.50)} | {At(pauses, 0.95)} | {At(pauses, 0.99)} | {At(pauses, 1)} |");
        }
    }

    private static string At(List<long> sorted, double share) =>
        sorted.Count == 0 ? "" : sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Count) - 1)].ToString("N0", CultureInfo.InvariantCulture);
}
