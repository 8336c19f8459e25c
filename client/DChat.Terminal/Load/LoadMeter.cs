using System.Diagnostics;

namespace DChat.Terminal.Load;

/// <summary>
/// Counts deliveries, acknowledgements and their latencies while <see cref="Measuring"/>. Each thread has a
/// recorder of its own, so counting costs no lock.
/// </summary>
internal sealed class LoadMeter : IDisposable
{
    private static readonly double MicrosecondsPerTick = 1e6 / Stopwatch.Frequency;

    private readonly ThreadLocal<Recorder> _recorders;
    private volatile bool _measuring;

    public LoadMeter() => _recorders = new ThreadLocal<Recorder>(() => new Recorder(this), trackAllValues: true);

    /// <summary>Whether what happens now belongs to the measured time. Totals count always.</summary>
    public bool Measuring
    {
        get => _measuring;
        set => _measuring = value;
    }

    /// <summary>The calling thread's.</summary>
    public Recorder Mine => _recorders.Value!;

    public long Deliveries => _recorders.Values.Sum(recorder => recorder.Deliveries);

    public long Acknowledgements => _recorders.Values.Sum(recorder => recorder.Acknowledgements);

    public LatencyHistogram AckLatency => Merge(recorder => recorder.AckLatency);

    public LatencyHistogram DeliveryLatency => Merge(recorder => recorder.DeliveryLatency);

    public static long Microseconds(long ticks) => (long)(ticks * MicrosecondsPerTick);

    public void Dispose() => _recorders.Dispose();

    private LatencyHistogram Merge(Func<Recorder, LatencyHistogram> which)
    {
        var merged = new LatencyHistogram();
        foreach (var recorder in _recorders.Values)
        {
            merged.Add(which(recorder));
        }

        return merged;
    }

    internal sealed class Recorder(LoadMeter meter)
    {
        public long Deliveries { get; private set; }

        public long Acknowledgements { get; private set; }

        public LatencyHistogram AckLatency { get; } = new();

        public LatencyHistogram DeliveryLatency { get; } = new();

        /// <param name="sentTicks">When each of the messages was due; 0 for one that the run did not send.</param>
        public void Delivered(ReadOnlySpan<long> sentTicks, long now)
        {
            Deliveries += sentTicks.Length;
            if (!meter._measuring)
            {
                return;
            }

            foreach (var sent in sentTicks)
            {
                if (sent != 0)
                {
                    DeliveryLatency.Record(Microseconds(now - sent));
                }
            }
        }

        public void Acknowledged(long sentTicks, long now)
        {
            Acknowledgements++;
            if (meter._measuring)
            {
                AckLatency.Record(Microseconds(now - sentTicks));
            }
        }
    }
}
