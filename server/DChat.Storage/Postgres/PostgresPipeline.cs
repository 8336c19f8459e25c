using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace DChat.Storage.Postgres;

/// <summary>
/// How everything but a write of messages is asked: again, on another connection, while the trouble is a passing one (a restart, a fail-over,
/// connections that died in the pool), and no longer than <see cref="Limit"/> in all. What is asked so may be done twice.
/// While the server is silent only few calls try it, and the others are refused at once: each that tries occupies a connection and a thread.
/// Each pool of connections has its own: readers that wait for each other are no reason to refuse anybody else.
/// </summary>
internal sealed class PostgresPipeline
{
    private const int RetriesMax = 4;
    private const int SilentCalls = 4;

    /// <summary>The longest that anybody waits for an answer.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(PostgresSources.LimitSeconds);

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan SilentFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RefuseFor = TimeSpan.FromSeconds(1);

    private readonly PostgresUrl _url;
    private readonly Strays _strays;
    private readonly TimeProvider _time;
    private readonly Action<Exception> _doubt;
    private readonly Action<Task>? _givenUp;
    private readonly ResiliencePipeline _pipeline;

    /// <param name="doubt">Told of every attempt that went wrong.</param>
    /// <param name="givenUp">Told of every call that nobody waits for any more; null: the driver gives it up too.</param>
    public PostgresPipeline(PostgresUrl url, Strays strays, TimeProvider time, Action<Exception> doubt, Action<Task>? givenUp = null)
    {
        _givenUp = givenUp;
        _doubt = doubt;
        _url = url;
        _strays = strays;
        _time = time;
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = 1,
                MinimumThroughput = SilentCalls,
                SamplingDuration = SilentFor,
                BreakDuration = RefuseFor,
                ShouldHandle = new PredicateBuilder().Handle<TimeoutException>(),
            })
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = RetriesMax,
                Delay = FirstDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = new PredicateBuilder().Handle<Exception>(PostgresFailures.IsPassing),
            })
            .Build();
    }

    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        var started = _time.GetTimestamp();
        try
        {
            return await _pipeline.ExecuteAsync(
                async limited =>
                {
                    var left = Limit - _time.GetElapsedTime(started);
                    return await AwaitAsync(ask(limited), left > TimeSpan.Zero ? left : TimeSpan.Zero);
                },
                cancellation);
        }
        catch (Exception error) when (PostgresFailures.Translate(error, _url) is { } meaning)
        {
            throw meaning;
        }
    }

    /// <summary>Waits so long and no longer, whatever becomes of it.</summary>
    /// <exception cref="TimeoutException">It was too long.</exception>
    public async Task<T> AwaitAsync<T>(Task<T> task, TimeSpan limit)
    {
        try
        {
            return await task.WaitAsync(limit, _time);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            _strays.Keep(task);
            _givenUp?.Invoke(task);
            var silence = new TimeoutException("it does not answer");
            _doubt(silence);
            throw silence;
        }
        catch (Exception error)
        {
            _doubt(error);
            throw;
        }
    }
}
