using System.Runtime.CompilerServices;
using DChat.Core.ControlLog;

namespace DChat.Storage.Memory;

/// <summary>A control log for tests: nodes that share a <see cref="MemoryControlCluster"/> share the log and the election.</summary>
public sealed class MemoryControlLog(MemoryControlCluster cluster) : IControlLog
{
    private readonly CancellationTokenSource _closed = new();
    private readonly List<LocalLeadership> _mine = [];

    public async Task<ILeadership> CampaignAsync(string advertise, CancellationToken cancellation)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closed.Token);
        var leadership = await cluster.CampaignAsync(advertise, linked.Token);
        lock (_mine)
        {
            _mine.Add(leadership);
        }

        return leadership;
    }

    public Task<LeaderInfo?> ReadLeaderAsync(CancellationToken cancellation) => Task.FromResult(cluster.Leader);

    public Task<bool> DeposeAsync(long term, CancellationToken cancellation) => Task.FromResult(cluster.Depose(term));

    public Task<AppendOutcome> AppendAsync(long term, long index, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        ControlLogArguments.CheckAppend(term, index, payload);
        return Task.FromResult(cluster.Append(term, index, payload));
    }

    public Task<LogBounds> ReadBoundsAsync(CancellationToken cancellation) => Task.FromResult(cluster.Bounds);

    public async IAsyncEnumerable<LogEntry> FollowAsync(long fromIndex, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(fromIndex);
        for (var next = fromIndex; ;)
        {
            cancellation.ThrowIfCancellationRequested();
            var more = cluster.Committed;
            if (cluster.Read(next) is { } entry)
            {
                yield return entry;
                next++;
            }
            else
            {
                await more.WaitAsync(cancellation);
            }
        }
    }

    public Task<bool> TruncateAsync(long term, long throughIndex, CancellationToken cancellation) =>
        Task.FromResult(cluster.Truncate(term, throughIndex));

    public Task<bool> BeginAfterAsync(long term, long index, CancellationToken cancellation) =>
        Task.FromResult(cluster.BeginAfter(term, index));

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        foreach (var leadership in _mine)
        {
            await leadership.DisposeAsync();
        }
    }
}
