using System.Collections.Concurrent;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Registry;

/// <summary>Asks all nodes all the time which registry they hold.</summary>
/// <param name="nodes">The node addresses of those that there are now.</param>
internal sealed class HashWatch(Gateway gateway, LogAudit audit, Func<IReadOnlyList<string>> nodes)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, int> _agreed = new(StringComparer.Ordinal);

    /// <summary>Hashes that were compared.</summary>
    public int Compared => _agreed.Values.Sum();

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.WhenAll(nodes().Select(AskAsync));
            await Task.Delay(Interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits until all nodes hold one registry at one entry, and the log's.</summary>
    public async Task<long> AllAgreeAsync()
    {
        var agreed = 0L;
        string seen = "";
        await Eventually.Holds(
            async () =>
            {
                var told = await Task.WhenAll(nodes().Select(AskAsync));
                seen = string.Join(", ", told);
                agreed = told[0]?.Index ?? 0;
                return told.All(mark => mark is not null && mark == told[0]);
            },
            TimeSpan.FromMinutes(2),
            $"all nodes hold one registry; {seen}");
        return agreed;
    }

    private async Task<(long Index, string Hash)?> AskAsync(string node)
    {
        var mark = await gateway.AskAsync(node);
        if (mark is { } told && await audit.HoldsAsync(node, told.Index, told.Hash))
        {
            _agreed.AddOrUpdate(node, 1, (_, times) => times + 1);
        }

        return mark;
    }
}
