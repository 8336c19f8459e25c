using System.Diagnostics.Metrics;

namespace DChat.Server.Observability;

/// <summary>
/// Everything that is counted and measured. Names are OpenTelemetry's way here (<c>dchat.sends</c>); in the Prometheus text they read
/// <c>dchat_sends_total</c>. What is hot is added once for a batch, not once for each message.
/// </summary>
public sealed class DChatMetrics : IDisposable
{
    public const string MeterName = "DChat";

    /// <summary>From 0.1 ms to 10 s: a commit is a few milliseconds, a stuck disk seconds.</summary>
    private static readonly double[] SecondsBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    /// <summary>From one change at a time to the largest batch.</summary>
    private static readonly double[] BatchBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

    public DChatMetrics()
    {
        Meter = new Meter(MeterName);
        Sends = Meter.CreateCounter<long>("dchat.sends", "{send}", "Messages of people that were committed; repeats, edits, reactions and system messages are not counted.");
        Deliveries = Meter.CreateCounter<long>("dchat.deliveries", "{delivery}", "Events that were queued to connections, one for each connection.");
        OutboxOverflows = Meter.CreateCounter<long>("dchat.outbox.overflows", "{overflow}", "Connections that were too slow and were told to resync.");
        BlobFailures = Meter.CreateCounter<long>("dchat.blobs.failures", "{call}", "Calls of the blob store that failed because it was away or full, by operation.");
        Refusals = Meter.CreateCounter<long>("dchat.refusals", "{call}", "Calls that were refused, by code.");
        Logins = Meter.CreateCounter<long>("dchat.logins", "{login}", "Logins, by result.");
        Commits = Histogram("dchat.commit.duration", "s", "How long one durable commit of a batch takes.", SecondsBuckets);
        CommitBatch = Histogram("dchat.commit.batch.changes", null, "How many changes one commit holds.", BatchBuckets);
        PasswordHashing = Histogram("dchat.password.hash.duration", "s", "How long hashing a password takes, the wait for its turn included.", SecondsBuckets);
        HttpRequests = Histogram("dchat.http.request.duration", "s", "How long an HTTP request takes, by route and status.", SecondsBuckets);
    }

    /// <summary>This server's own: another server in the same process has another.</summary>
    public Meter Meter { get; }

    public Counter<long> Sends { get; }

    public Counter<long> Deliveries { get; }

    public Counter<long> OutboxOverflows { get; }

    /// <summary>Tag <c>operation</c>: <c>put</c>, <c>open</c>, <c>list</c>, <c>delete</c> or <c>presign</c>.</summary>
    public Counter<long> BlobFailures { get; }

    /// <summary>Tag <c>code</c>.</summary>
    public Counter<long> Refusals { get; }

    /// <summary>Tag <c>result</c>: <c>ok</c>, <c>bad_credentials</c> or <c>rate_limited</c>.</summary>
    public Counter<long> Logins { get; }

    /// <summary>Seconds.</summary>
    public Histogram<double> Commits { get; }

    public Histogram<double> CommitBatch { get; }

    /// <summary>Seconds.</summary>
    public Histogram<double> PasswordHashing { get; }

    /// <summary>Seconds; tags <c>route</c> and <c>status</c>.</summary>
    public Histogram<double> HttpRequests { get; }

    /// <summary>Those that have no tags: they stand at 0 in a scrape before anything happened, so that a first increase is seen as one.</summary>
    internal bool BeginsAtZero(Instrument instrument) =>
        instrument == Sends || instrument == Deliveries || instrument == OutboxOverflows || instrument == Commits || instrument == CommitBatch || instrument == PasswordHashing;

    /// <summary>One committed batch: its size, and how long the commit took.</summary>
    public void Committed(int changes, TimeSpan duration)
    {
        CommitBatch.Record(changes);
        Commits.Record(duration.TotalSeconds);
    }

    /// <param name="away">Seconds since the first failure after which no call of the blob store succeeded; 0: the last one did.</param>
    public void ObserveBlobs(Func<double> away) => Meter.CreateObservableGauge(
        "dchat.blobs.away", away, "s", "How long the blob store has been failing: since the first failure after which no call succeeded; 0 while it works.");

    public void ObserveConnections(Func<long> open) => Gauge("dchat.connections", null, "Open connections of clients.", open);

    /// <param name="queued">Bytes that wait for clients that do not keep up, all connections together.</param>
    public void ObserveOutboxes(Func<long> queued) => Gauge("dchat.outbox.queued", "By", "What waits for clients that do not keep up.", queued);

    public void ObserveRoomsHosted(Func<long> hosted) => Gauge("dchat.rooms.hosted", null, "Rooms that are open on this worker.", hosted);

    /// <param name="applied">The index of the last registry entry that this node has applied.</param>
    /// <param name="behind">How many committed entries it has not applied, as of when it last asked the log for its end.</param>
    public void ObserveLog(Func<long> applied, Func<long> behind)
    {
        Gauge("dchat.log.index", null, "The last registry entry that this node has applied.", applied);
        Gauge("dchat.log.lag.entries", null, "Committed registry entries that this node had not applied when it last asked the log, every 2 s.", behind);
    }

    /// <param name="away">Seconds since the log stopped answering; 0 while it does.</param>
    /// <param name="bytes">What the log's engine uses of <paramref name="quota"/>; null: nothing but the disk bounds it.</param>
    public void ObserveLogEngine(Func<double> away, Func<long?> bytes, Func<long?> quota)
    {
        Meter.CreateObservableGauge("dchat.log.away", away, "s", "How long the control log has not answered this coordinator; 0 while it does.");
        KnownGauge("dchat.log.bytes", "By", "Bytes of the database of the etcd member that is nearest to its quota; absent where the log is not in etcd.", bytes);
        KnownGauge("dchat.log.quota", "By", "The quota of that member: at it etcd takes no more writes.", quota);
    }

    /// <param name="leads">1: this coordinator leads, else 0.</param>
    /// <param name="term">In which it leads, or led last; 0: never.</param>
    /// <param name="standbys">That are linked to it.</param>
    /// <param name="parked">1: it is older than the log and waits to be upgraded, else 0.</param>
    public void ObserveLeadership(Func<long> leads, Func<long> term, Func<long> standbys, Func<long> parked)
    {
        Gauge("dchat.coordinator.leads", null, "1 where this coordinator leads, else 0.", leads);
        Gauge("dchat.coordinator.term", null, "The term in which this coordinator leads, or led last; 0 where it never did.", term);
        Gauge("dchat.coordinator.standbys", null, "Standbys that are linked to this leader.", standbys);
        Gauge("dchat.coordinator.parked", null, "1 where the control log is newer than this coordinator's program, so that it neither leads nor stands by, else 0.", parked);
    }

    /// <param name="ends">Since the start.</param>
    public void ObserveMember(Func<long> ends) => Meter.CreateObservableCounter("dchat.etcd.ends", ends, "{end}", "Times that this coordinator's own etcd ended by itself and was started again.");

    /// <param name="linked">1: linked to the leader, else 0.</param>
    public void ObserveLeaderLink(Func<long> linked) => Gauge("dchat.worker.linked", null, "1 where this worker is linked to the leader, else 0.", linked);

    /// <param name="cutOff">1: clients are sent to other workers, else 0.</param>
    public void ObserveCutOff(Func<long> cutOff) => Gauge("dchat.worker.cut_off", null, "1 where this worker is cut off and sends its clients to others, else 0.", cutOff);

    /// <param name="age">Seconds since the newest verified snapshot; null while there is none.</param>
    /// <param name="failures">Snapshots that could not be kept, since the start.</param>
    /// <param name="logEntries">Entries that the log holds; 0 where another coordinator leads.</param>
    public void ObserveSnapshots(Func<double?> age, Func<long> failures, Func<long> logEntries)
    {
        Meter.CreateObservableGauge(
            "dchat.snapshot.age",
            () => age() is { } seconds ? [new Measurement<double>(seconds)] : Array.Empty<Measurement<double>>(),
            "s",
            "Time since the newest verified snapshot was written; absent until there is one, and where another coordinator leads.");
        Meter.CreateObservableCounter("dchat.snapshot.failures", failures, "{snapshot}", "Snapshots that could not be written, read back or tidied up after; the log is not truncated then.");
        Gauge("dchat.log.entries", null, "Entries that the control log holds, as the leader knows; they grow while no snapshot can be kept. 0: another coordinator leads.", logEntries);
    }

    /// <param name="messages">Messages that the search index does not have yet.</param>
    /// <param name="oldestSeconds">The age of the oldest of them.</param>
    public void ObserveSearchLag(Func<long> messages, Func<double> oldestSeconds)
    {
        Gauge("dchat.search.lag.messages", null, "Committed messages that the search index does not have yet.", messages);
        Meter.CreateObservableGauge("dchat.search.lag", oldestSeconds, "s", "The age of the oldest message that the search index does not have yet.");
    }

    public void Dispose() => Meter.Dispose();

    /// <summary>Absent while the value is null.</summary>
    private void KnownGauge(string name, string unit, string about, Func<long?> read) =>
        Meter.CreateObservableGauge(name, () => read() is { } value ? [new Measurement<long>(value)] : Array.Empty<Measurement<long>>(), unit, about);

    private void Gauge(string name, string? unit, string about, Func<long> read) => Meter.CreateObservableGauge(name, read, unit, about);

    private Histogram<double> Histogram(string name, string? unit, string about, double[] buckets) =>
        Meter.CreateHistogram(name, unit, about, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });
}
