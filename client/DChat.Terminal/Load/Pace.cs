using System.Diagnostics;

namespace DChat.Terminal.Load;

/// <summary>Waiting for points of a schedule.</summary>
internal static class Pace
{
    /// <summary>Waits until <paramref name="seconds"/> after <paramref name="started"/>; at once where that is past.</summary>
    public static async Task UntilAsync(long started, double seconds, CancellationToken cancellation)
    {
        var left = TimeSpan.FromSeconds(seconds) - Stopwatch.GetElapsedTime(started);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, cancellation);
        }
    }

    /// <summary>Waits until <paramref name="condition"/> holds, at most <paramref name="limit"/>; answers whether it does.</summary>
    public static async Task<bool> UntilAsync(Func<bool> condition, TimeSpan limit, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > limit)
            {
                return false;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellation);
        }

        return true;
    }
}
