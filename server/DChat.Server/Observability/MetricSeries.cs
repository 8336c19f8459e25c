using System.Globalization;

namespace DChat.Server.Observability;

/// <summary>What one instrument measured under one set of labels.</summary>
internal abstract class MetricSeries(string labels)
{
    /// <summary><c>code="muted"</c>; empty without labels.</summary>
    protected string Labels { get; } = labels;

    public abstract void Take(double value);

    public abstract void Write(TextWriter output, string name);

    protected static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    protected string Braces(string more = "") => (Labels, more) switch
    {
        ("", "") => "",
        ("", _) => $"{{{more}}}",
        (_, "") => $"{{{Labels}}}",
        _ => $"{{{Labels},{more}}}",
    };
}

/// <summary>A counter or a gauge.</summary>
internal sealed class ValueSeries(string labels, bool adds) : MetricSeries(labels)
{
    private double _value;

    public override void Take(double value)
    {
        if (!adds)
        {
            Volatile.Write(ref _value, value);
            return;
        }

        double seen;
        do
        {
            seen = Volatile.Read(ref _value);
        }
        while (Interlocked.CompareExchange(ref _value, seen + value, seen) != seen);
    }

    public override void Write(TextWriter output, string name) => output.Write($"{name}{Braces()} {Number(Volatile.Read(ref _value))}\n");
}

/// <summary>A histogram with fixed upper bounds, ascending.</summary>
internal sealed class HistogramSeries(string labels, double[] bounds) : MetricSeries(labels)
{
    private readonly Lock _lock = new();
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    public override void Take(double value)
    {
        var at = Array.BinarySearch(bounds, value);
        lock (_lock)
        {
            _counts[at >= 0 ? at : ~at]++;
            _sum += value;
        }
    }

    public override void Write(TextWriter output, string name)
    {
        long[] counts;
        double sum;
        lock (_lock)
        {
            counts = [.. _counts];
            sum = _sum;
        }

        var below = 0L;
        for (var i = 0; i < bounds.Length; i++)
        {
            below += counts[i];
            output.Write($"{name}_bucket{Braces($"le=\"{Number(bounds[i])}\"")} {below}\n");
        }

        below += counts[^1];
        output.Write($"{name}_bucket{Braces("le=\"+Inf\"")} {below}\n");
        output.Write($"{name}_sum{Braces()} {Number(sum)}\n");
        output.Write($"{name}_count{Braces()} {below}\n");
    }
}
