using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Cli;

namespace DChat.Server.Worker.Calls;

/// <summary>Bounds what searches cost: how many run at once, and how long each. Those of gateways without a store pass that of the host that they ask.</summary>
internal sealed class SearchGate(IMessageStore store, LimitsOptions limits) : IDisposable
{
    private readonly SemaphoreSlim running = new(limits.ConcurrentSearches);

    public async Task<Answer<SearchPage>> RunAsync(SearchQuery query)
    {
        using var limit = new CancellationTokenSource(limits.SearchTime);
        try
        {
            return await RunAsync(query, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new HubError(ErrorCodes.RateLimited, "the search took too long: use rarer words, or one room", limits.SearchMilliseconds);
        }
        catch (FormatException)
        {
            return new HubError(ErrorCodes.InvalidArgument, "query or after is not valid: after is the next of the page before");
        }
    }

    /// <param name="limit">Of the wait and the search.</param>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    /// <exception cref="FormatException">It is not valid.</exception>
    public async Task<SearchPage> RunAsync(SearchQuery query, CancellationToken limit)
    {
        await running.WaitAsync(limit).ConfigureAwait(false);
        try
        {
            return await store.SearchAsync(query, limit).ConfigureAwait(false);
        }
        finally
        {
            running.Release();
        }
    }

    public void Dispose() => running.Dispose();
}
