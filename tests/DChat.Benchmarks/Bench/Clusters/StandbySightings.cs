using System.Collections.Concurrent;
using System.Diagnostics;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>When each standby had applied each entry, as whoever follows the registry there is told it: the way from there to here is counted with it.</summary>
internal sealed class StandbySightings : IAsyncDisposable
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(30);

    private readonly List<(NodeLink Link, Seen Seen)> _standbys = [];

    private StandbySightings()
    {
    }

    /// <param name="index">The entry after which it begins.</param>
    public static async Task<StandbySightings> BeginAsync(IReadOnlyList<string> addresses, ClusterSecret secret, long index)
    {
        var all = new StandbySightings();
        using var dialer = new NodeDialer(new NodeHandshake(secret), new NodeSelf("sightings", "1", "bench:2", "0"), null, TimeProvider.System);
        foreach (var address in addresses)
        {
            var seen = new Seen(address);
            var link = await dialer.ConnectAsync(address, NodeServices.Registry, null, _ => seen, CancellationToken.None);
            all._standbys.Add((link, seen));
            await link.CallAsync(RegistryMethods.Follow, new PayloadWriter().Number(index + 1).WrittenMemory, CallLimit, CancellationToken.None);
        }

        return all;
    }

    /// <summary>Waits until every standby has all of these entries. What was seen so far is forgotten.</summary>
    /// <param name="answers">Entries, and timestamps at which whoever they are for was answered; an entry may hold many commands.</param>
    /// <returns>For each of them and each standby, in milliseconds, ascending: how long after the answer the standby had it; 0 where it was before.</returns>
    public async Task<List<double>> LagsAsync(IEnumerable<(long Index, long AnsweredAt)> answers)
    {
        var all = answers.ToList();
        await Eventually.Holds(() => _standbys.TrueForAll(standby => standby.Seen.Has(all.Max(answer => answer.Index))));
        var lags = _standbys.SelectMany(standby => all.Select(answer => Math.Max(0, Stopwatch.GetElapsedTime(answer.AnsweredAt, standby.Seen.At(answer.Index)).TotalMilliseconds))).Order().ToList();
        _standbys.ForEach(standby => standby.Seen.Forget());
        return lags;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (link, _) in _standbys)
        {
            await link.DisposeAsync();
        }
    }

    private sealed class Seen(string address) : INodeService
    {
        private readonly ConcurrentDictionary<long, long> _at = new();
        private volatile string? _ended;

        public bool Has(long index) => _ended is null ? _at.ContainsKey(index) : throw new InvalidOperationException($"the link to the standby at {address} ended: {_ended}");

        public long At(long index) => _at[index];

        public void Forget() => _at.Clear();

        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
        {
            switch (message.Method)
            {
                case RegistryMethods.Entry:
                    _at[new PayloadReader(message.Payload).Number()] = Stopwatch.GetTimestamp();
                    return default;
                case RegistryMethods.Activity:
                    return default;
                default:
                    throw new InvalidDataException($"{message.Method} came, where the entries alone were wanted");
            }
        }

        public void Ended(NodeLink link, string why) => _ended = why;
    }
}
