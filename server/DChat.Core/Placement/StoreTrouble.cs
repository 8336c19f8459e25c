namespace DChat.Core.Placement;

/// <summary>How a leader takes it that workers cannot use their message store.</summary>
/// <param name="Apart">Where a store is away for all, none finds it well in a check that begins by more than this after another's that failed; more than zero.</param>
/// <param name="Lasting">Trouble that is shorter may pass; zero or more.</param>
/// <param name="Recovery">When a store that was away for all is back, all have said so this long after the first that did; more than zero.</param>
public sealed record StoreTroubleOptions(TimeSpan Apart, TimeSpan Lasting, TimeSpan Recovery);

/// <summary>
/// Tells a worker that lost its way to the message store from a store that is away for all; pure. Workers report at different moments of an
/// interval, so those that an outage concerns say so one by one, and so they do when it is over: by what they said last the first to report it
/// would seem to be the only one that is ill, and at the end the first the only one that is well. Rooms that were moved by that would all end on one.
/// </summary>
public static class StoreTrouble
{
    /// <summary>The workers whose trouble is their own, each with those who are better off: their stores were well while its was not. Never all.</summary>
    /// <param name="workers">Those that report, each once.</param>
    public static IReadOnlyDictionary<string, IReadOnlySet<string>> Of(IReadOnlyCollection<(string Worker, StoreHealth Store)> workers, StoreTroubleOptions options)
    {
        var alone = new Dictionary<string, IReadOnlySet<string>>(StringComparer.Ordinal);
        foreach (var (worker, store) in workers.Where(each => !each.Store.IsWell && each.Store.LastAt - each.Store.Since >= options.Lasting))
        {
            var betterOff = workers.Where(other => IsBetterOff(other.Store, store, options)).Select(other => other.Worker).ToHashSet(StringComparer.Ordinal);
            if (betterOff.Count > 0)
            {
                alone.Add(worker, betterOff);
            }
        }

        return alone;
    }

    private static bool IsBetterOff(StoreHealth other, StoreHealth ill, StoreTroubleOptions options) =>
        other.IsWell && other.LastAt - ill.Since >= options.Apart && ill.LastAt - other.Since >= options.Recovery;
}
