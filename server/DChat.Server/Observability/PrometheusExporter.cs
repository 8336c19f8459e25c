using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace DChat.Server.Observability;

/// <summary>
/// Listens to this server's instruments and to the runtime's, and writes what they measured in the Prometheus text format, version 0.0.4.
/// </summary>
internal sealed class PrometheusExporter : IDisposable
{
    public const string MediaType = "text/plain; version=0.0.4; charset=utf-8";
    private const string RuntimeMeter = "System.Runtime";

    /// <summary>Label sets of one instrument; measurements under others are left out, so that no input can grow the memory.</summary>
    private const int SeriesMax = 1_000;

    private static readonly double[] DefaultBounds = [0.001, 0.01, 0.1, 1, 10];

    private readonly ConcurrentDictionary<string, Exported> _exported = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();
    private readonly Lock _scrape = new();

    public PrometheusExporter(DChatMetrics metrics)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == metrics.Meter || instrument.Meter.Name == RuntimeMeter)
            {
                var exported = _exported.GetOrAdd(PrometheusName.Of(instrument), static (name, of) => new Exported(name, of), instrument);
                if (metrics.BeginsAtZero(instrument))
                {
                    exported.BeginAtZero();
                }

                listener.EnableMeasurementEvents(instrument, exported);
            }
        };
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, state) => ((Exported)state!).Take(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => ((Exported)state!).Take(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => ((Exported)state!).Take(value, tags));
        _listener.Start();
    }

    public string Write()
    {
        lock (_scrape)
        {
            _listener.RecordObservableInstruments();
            using var output = new StringWriter(CultureInfo.InvariantCulture);
            foreach (var (_, exported) in _exported.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                exported.Write(output);
            }

            return output.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private sealed class Exported(string name, Instrument instrument)
    {
        private readonly bool _adds = PrometheusName.Adds(instrument);
        private readonly ConcurrentDictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);
        private MetricSeries? _unlabelled;

        private string Kind =>
            PrometheusName.IsHistogram(instrument) ? "histogram"
            : PrometheusName.IsCounter(instrument) ? "counter"
            : "gauge";

        public void BeginAtZero() => Add("", ref _unlabelled);

        public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (tags.IsEmpty)
            {
                (_unlabelled ?? Add("", ref _unlabelled)).Take(value);
                return;
            }

            var labels = Labels(tags);
            if (_series.TryGetValue(labels, out var series) || _series.Count < SeriesMax)
            {
                (series ?? _series.GetOrAdd(labels, New)).Take(value);
            }
        }

        public void Write(TextWriter output)
        {
            if (_unlabelled is null && _series.IsEmpty)
            {
                return;
            }

            output.Write($"# HELP {name} {instrument.Description}\n# TYPE {name} {Kind}\n");
            _unlabelled?.Write(output, name);
            foreach (var (_, series) in _series.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                series.Write(output, name);
            }
        }

        private MetricSeries Add(string labels, ref MetricSeries? place)
        {
            var made = New(labels);
            return Interlocked.CompareExchange(ref place, made, null) ?? made;
        }

        private MetricSeries New(string labels) => PrometheusName.IsHistogram(instrument)
            ? new HistogramSeries(labels, Bounds())
            : new ValueSeries(labels, _adds);

        private double[] Bounds() => instrument is Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } ? [.. bounds] : DefaultBounds;

        private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var labels = new StringBuilder();
            foreach (var (key, value) in tags)
            {
                if (labels.Length > 0)
                {
                    labels.Append(',');
                }

                foreach (var letter in key)
                {
                    labels.Append(char.IsAsciiLetterOrDigit(letter) ? letter : '_');
                }

                var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
                labels.Append("=\"")
                    .Append(text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal))
                    .Append('"');
            }

            return labels.ToString();
        }
    }
}
