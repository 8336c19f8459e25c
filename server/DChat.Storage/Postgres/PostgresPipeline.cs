using Polly;
using Polly.Retry;

namespace DChat.Storage.Postgres;

/// <summary>
/// How everything but a write of messages is asked: again, on another connection, while the trouble is a passing one (a restart, a fail-over,
/// connections that died in the pool), and no longer than <see cref="PostgresSources.LimitSeconds"/> in all. What is asked so may be done twice.
/// </summary>
internal sealed class PostgresPipeline
{
    private const int RetriesMax = 4;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);

    private readonly PostgresUrl _url;
    private readonly ResiliencePipeline _pipeline;

    public PostgresPipeline(PostgresUrl url, TimeProvider time)
    {
        _url = url;
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddTimeout(TimeSpan.FromSeconds(PostgresSources.LimitSeconds))
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
        try
        {
            return await _pipeline.ExecuteAsync(async limited => await ask(limited), cancellation);
        }
        catch (Exception error) when (PostgresFailures.Translate(error, _url) is { } meaning)
        {
            throw meaning;
        }
    }
}
