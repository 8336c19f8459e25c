namespace DChat.Client.Connections;

/// <summary>How long to wait before the next attempt: doubling, bounded, and random, so that clients which lost the same server do not return in step.</summary>
/// <param name="first">The bound of the first wait; more than zero.</param>
/// <param name="longest">The bound of every wait; not less than <paramref name="first"/>.</param>
internal sealed class Backoff(TimeSpan first, TimeSpan longest, Random random)
{
    /// <summary>Doubling stops here; 2^16 times anything sensible is past every bound.</summary>
    private const int MaxDoublings = 16;

    private int attempts;

    /// <summary>Between half of the bound and the bound of this attempt.</summary>
    public TimeSpan Next()
    {
        var bound = Math.Min(longest.TotalMilliseconds, first.TotalMilliseconds * (1 << Math.Min(attempts, MaxDoublings)));
        attempts++;
        return TimeSpan.FromMilliseconds(bound * (0.5 + (random.NextDouble() / 2)));
    }

    /// <summary>As <see cref="Next"/>, where thousands may have lost their connection at the same moment.</summary>
    /// <param name="spread">Over so long they come back; zero or more.</param>
    public TimeSpan AfterLoss(TimeSpan spread)
    {
        var (own, together) = (Next(), spread * random.NextDouble());
        return together > own ? together : own;
    }

    public void Reset() => attempts = 0;
}
