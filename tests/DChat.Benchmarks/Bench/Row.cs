using System.Globalization;

namespace DChat.Benchmarks.Bench;

/// <summary>One figure of D-Chat, what it is compared with, and what it is to reach.</summary>
/// <param name="Yardstick">Null where there is nothing to compare with.</param>
/// <param name="Target">In words.</param>
/// <param name="Reached">Null where there is no target.</param>
internal sealed record Row(string Scenario, string Measure, Series DChat, Series? Yardstick, string Target, bool? Reached)
{
    public double? Ratio => Yardstick is { Median: not 0 } yardstick ? DChat.Median / yardstick.Median : null;

    /// <param name="factor">D-Chat is to have at least so many times the yardstick's.</param>
    public static Row AtLeast(string scenario, string measure, Series dchat, Series yardstick, double factor) => new(
        scenario, measure, dchat, yardstick, Text($"at least {factor:0.##} ×"), dchat.Median >= factor * yardstick.Median);

    public static Row AtMost(string scenario, string measure, Series dchat, Series yardstick, double factor) => new(
        scenario, measure, dchat, yardstick, Text($"at most {factor:0.##} ×"), dchat.Median <= factor * yardstick.Median);

    public static Row AtLeast(string scenario, string measure, Series dchat, double value) => new(
        scenario, measure, dchat, null, Text($"at least {value:N0}"), dchat.Median >= value);

    public static Row AtMost(string scenario, string measure, Series dchat, double value) => new(
        scenario, measure, dchat, null, Text($"at most {value:N0}"), dchat.Median <= value);

    public static Row Untargeted(string scenario, string measure, Series dchat, Series? yardstick = null) => new(scenario, measure, dchat, yardstick, "", null);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The same figure from several runs.</summary>
internal sealed record Series(IReadOnlyList<double> Values)
{
    public double Median
    {
        get
        {
            var sorted = Values.Order().ToList();
            var middle = sorted.Count / 2;
            return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }

    public static Series Of<T>(IEnumerable<T> runs, Func<T, double> figure) => new([.. runs.Select(figure)]);

    public override string ToString() => Values.Count == 1
        ? Format(Median)
        : $"{Format(Median)} ({Format(Values.Min())} … {Format(Values.Max())})";

    private static string Format(double value) => value.ToString(Math.Abs(value) switch { >= 100 => "N0", >= 10 => "0.0", _ => "0.00" }, CultureInfo.InvariantCulture);
}
