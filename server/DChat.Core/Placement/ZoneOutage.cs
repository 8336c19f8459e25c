namespace DChat.Core.Placement;

/// <summary>Finds zones (data centres, racks: label <c>zone</c>) whose workers die together; pure.</summary>
public static class ZoneOutage
{
    /// <summary>The label that names a worker's zone.</summary>
    private const string Label = "zone=";

    /// <summary>The zone of a worker; empty where none is named.</summary>
    public static string ZoneOf(IEnumerable<string> labels) =>
        labels.FirstOrDefault(label => label.StartsWith(Label, StringComparison.Ordinal))?[Label.Length..] ?? "";

    /// <summary>The zones in which two workers or more, and most, died lately: who is left there, or came back, is likely to be next.</summary>
    public static IReadOnlySet<string> Of(IEnumerable<(string Zone, bool Died)> workers) =>
        workers
            .Where(worker => worker.Zone.Length > 0)
            .GroupBy(worker => worker.Zone, worker => worker.Died, StringComparer.Ordinal)
            .Where(zone => zone.Count(died => died) is > 1 and var died && died * 2 > zone.Count())
            .Select(zone => zone.Key)
            .ToHashSet(StringComparer.Ordinal);
}
