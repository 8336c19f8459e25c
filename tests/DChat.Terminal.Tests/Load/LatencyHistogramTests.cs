using DChat.Terminal.Load;

namespace DChat.Terminal.Tests.Load;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_are_never_too_low_and_at_most_a_sixty_fourth_too_high()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var histogram = new LatencyHistogram();
        var values = Enumerable.Range(0, 20_000).Select(_ => (long)Math.Pow(10, random.NextDouble() * 9)).ToArray();
        foreach (var value in values)
        {
            histogram.Record(value);
        }

        Array.Sort(values);
        foreach (var fraction in new[] { 0.001, 0.5, 0.95, 0.99, 0.999, 1.0 })
        {
            var exact = values[(int)Math.Ceiling(fraction * values.Length) - 1];
            var found = histogram.Percentile(fraction);
            Assert.True(found >= exact && found <= exact + (exact / 64) + 1, $"seed {seed}: {fraction} is {exact}, found {found}");
        }

        Assert.Equal(values[^1], histogram.Max);
        Assert.Equal(values.Length, histogram.Count);
    }

    [Fact]
    public void Adding_two_is_recording_into_one()
    {
        var (one, other, both) = (new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram());
        for (var value = 1; value < 5_000; value++)
        {
            (value % 3 == 0 ? one : other).Record(value);
            both.Record(value);
        }

        one.Add(other);

        Assert.Equal((both.Count, both.Max, both.Percentile(0.9)), (one.Count, one.Max, one.Percentile(0.9)));
    }

    [Fact]
    public void An_empty_one_has_zeros() => Assert.Equal((0, 0), (new LatencyHistogram().Percentile(0.99), new LatencyHistogram().Max));

    [Theory]
    [InlineData(-5, 0)]
    [InlineData(long.MaxValue, (1L << 40) - 1)]
    public void What_is_out_of_range_counts_as_the_end_of_it(long value, long expected)
    {
        var histogram = new LatencyHistogram();

        histogram.Record(value);

        Assert.Equal(expected, histogram.Percentile(1));
    }
}
