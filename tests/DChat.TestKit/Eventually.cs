using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace DChat.TestKit;

/// <summary>Waits for a condition, never for time: the test goes on as soon as it holds, and fails when the limit is reached.</summary>
public static class Eventually
{
    /// <summary>Far above what anything takes, on a slow and busy machine as well: it only ends what would never come.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    public static Task Holds(Func<bool> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        Holds(() => Task.FromResult(condition()), limit, what);

    public static async Task Holds(Func<Task<bool>> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var most = limit ?? DefaultLimit;
        var started = Stopwatch.GetTimestamp();
        while (!await condition().WaitAsync(most))
        {
            if (Stopwatch.GetElapsedTime(started) > most)
            {
                throw new TimeoutException($"did not come true within {most.TotalSeconds} s: {what}");
            }

            await Task.Delay(Interval);
        }
    }

    /// <summary>Bounds the wait for something that reports its own end.</summary>
    public static Task<T> Within<T>(this Task<T> task, TimeSpan? limit = null) => task.WaitAsync(limit ?? DefaultLimit);

    /// <inheritdoc cref="Within{T}(Task{T}, TimeSpan?)"/>
    public static Task Within(this Task task, TimeSpan? limit = null) => task.WaitAsync(limit ?? DefaultLimit);
}
