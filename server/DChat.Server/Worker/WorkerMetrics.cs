using System.Diagnostics.Metrics;

namespace DChat.Server.Worker;

/// <summary>What a worker counts. Added to per batch, never per recipient.</summary>
internal static class WorkerMetrics
{
    public const string MeterName = "DChat";

    private static readonly Meter Meter = new(MeterName);
    private static readonly UpDownCounter<long> Connections = Meter.CreateUpDownCounter<long>("dchat_connections", description: "Open client connections.");
    private static readonly Counter<long> Sends = Meter.CreateCounter<long>("dchat_changes_committed", description: "Sends, edits, deletions and reactions that were committed.");
    private static readonly Counter<long> Deliveries = Meter.CreateCounter<long>("dchat_deliveries", description: "Events handed to connections.");
    private static readonly Counter<long> Overflows = Meter.CreateCounter<long>("dchat_outbox_overflows", description: "Connections that were too slow and got resync.");
    private static readonly Histogram<long> BatchSize = Meter.CreateHistogram<long>("dchat_commit_batch_size", description: "Changes in one commit.");
    private static readonly Histogram<double> CommitTime = Meter.CreateHistogram<double>("dchat_commit_duration", unit: "s", description: "From handing a batch to the store until it is durable.");

    public static void ConnectionOpened() => Connections.Add(1);

    public static void ConnectionClosed() => Connections.Add(-1);

    public static void Delivered(long events) => Deliveries.Add(events);

    public static void Overflowed() => Overflows.Add(1);

    public static void Committed(int changes, TimeSpan took)
    {
        Sends.Add(changes);
        BatchSize.Record(changes);
        CommitTime.Record(took.TotalSeconds);
    }
}
