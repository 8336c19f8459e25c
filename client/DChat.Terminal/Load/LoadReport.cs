using System.Text.Json;
using System.Text.Json.Serialization;
using DChat.Terminal.Load.Checking;

namespace DChat.Terminal.Load;

/// <summary>The outcome of a run. Durations in milliseconds unless named otherwise; what was not measured is 0 or absent.</summary>
internal sealed record LoadReport
{
    public required string Scenario { get; init; }

    public required string Server { get; init; }

    public int Users { get; init; }

    public int Rooms { get; init; }

    public int MembersPerRoom { get; init; }

    public int Seed { get; init; }

    /// <summary>Length of the measured time.</summary>
    public double Seconds { get; init; }

    /// <summary>In the whole run, warm-up included; so are the counts that follow, up to <see cref="RoomsUnread"/>.</summary>
    public long Sends { get; init; }

    public long Acknowledged { get; init; }

    public long Refused { get; init; }

    /// <summary>Refused for the moment and called again.</summary>
    public long HeldBack { get; init; }

    /// <summary>Not answered before the connection ended, and made again over the next.</summary>
    public long Repeated { get; init; }

    public string? FirstRefusal { get; init; }

    public string? FirstHeldBack { get; init; }

    public long Reconnects { get; init; }

    public long Resyncs { get; init; }

    public long Resets { get; init; }

    /// <summary>Read marks that were answered.</summary>
    public long Marks { get; init; }

    /// <summary>Read marks that were never answered, though their connection stood.</summary>
    public long MarksUnanswered { get; init; }

    /// <summary>Sends that were never answered, though there was time for it: whether they were made nobody knows.</summary>
    public long Unanswered { get; init; }

    /// <summary>Rooms whose history could not be read back at the end.</summary>
    public long RoomsUnread { get; init; }

    /// <summary>In the measured time.</summary>
    public long Deliveries { get; init; }

    public double DeliveriesPerSecond { get; init; }

    public double AcksPerSecond { get; init; }

    public Latency? SendToAck { get; init; }

    public Latency? SendToDelivery { get; init; }

    public Connects? Connecting { get; init; }

    /// <summary>Of history, search or resume.</summary>
    public Latency? Queries { get; init; }

    public double QueriesPerSecond { get; init; }

    /// <summary>Storm: as <see cref="SendToAck"/>, in rooms that the killed server did not host.</summary>
    public Latency? SendToAckElsewhere { get; init; }

    /// <summary>Resume: from the first connect until every client has all that it missed. Storm: from the first loss.</summary>
    public double? ResumeSeconds { get; init; }

    /// <summary>The load generator's own, in the measured time.</summary>
    public double OwnCpuSeconds { get; init; }

    /// <summary>Of all processors of the machine.</summary>
    public double OwnCpuShare { get; init; }

    /// <summary>As they were named; CPU in the measured time, memory at its end. So are the sums that follow.</summary>
    public IReadOnlyList<ProcessMeter.Use> ServerProcesses { get; init; } = [];

    public double ServerCpuSeconds => ServerProcesses.Sum(process => process.CpuSeconds);

    public double ServerCpuShare => Seconds == 0 ? 0 : ServerCpuSeconds / Seconds / Environment.ProcessorCount;

    public double ServerCpuSecondsPerMillionDeliveries => Deliveries == 0 ? 0 : ServerCpuSeconds * 1e6 / Deliveries;

    public long ServerResidentBytes => ServerProcesses.Sum(process => process.ResidentBytes);

    /// <summary>Idle: what the server's resident memory grew by, for each connection.</summary>
    public double BytesPerConnection { get; init; }

    public required Verdict Verdict { get; init; }

    /// <summary>What else a reader should know, such as that the load generator was the bottleneck.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    internal sealed record Latency(double P50, double P95, double P99, double Max, long Count)
    {
        private const double MicrosecondsPerMillisecond = 1_000.0;

        public static Latency? Of(LatencyHistogram histogram) => histogram.Count == 0
            ? null
            : new Latency(
                histogram.Percentile(0.50) / MicrosecondsPerMillisecond,
                histogram.Percentile(0.95) / MicrosecondsPerMillisecond,
                histogram.Percentile(0.99) / MicrosecondsPerMillisecond,
                histogram.Max / MicrosecondsPerMillisecond,
                histogram.Count);
    }

    internal sealed record Connects(int Count, double Seconds, double PerSecond, Latency? Latency);
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LoadReport))]
internal sealed partial class LoadJson : JsonSerializerContext;
