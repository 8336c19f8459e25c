using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Cluster.Tests.Leaders;

/// <summary>Reads a cluster's control log from etcd, past all coordinators.</summary>
internal static class LogCheck
{
    /// <summary>Entries follow each other without holes, and none of a term stands behind one of a later term: who was deposed appended nothing.</summary>
    public static async Task AssertEachEntryIsItsLeadersAsync(ClusterUnderTest cluster)
    {
        await using var log = new EtcdControlLog(EtcdUrl.Parse(cluster.LogUrl), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        var bounds = await log.ReadBoundsAsync(limit.Token);
        var (index, term) = (bounds.First - 1, 0L);
        await foreach (var entry in log.FollowAsync(bounds.First, limit.Token))
        {
            Assert.Equal(index + 1, entry.Index);
            Assert.True(entry.Term >= term, $"entry {entry.Index} of term {entry.Term} stands behind one of term {term}");
            (index, term) = (entry.Index, entry.Term);
            if (index >= bounds.Last)
            {
                return;
            }
        }
    }
}
