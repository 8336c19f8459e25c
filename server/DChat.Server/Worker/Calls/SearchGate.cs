using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Cli;

namespace DChat.Server.Worker.Calls;

/// <summary>Bounds what searches cost: how many run at once, and how long each.</summary>
internal sealed class SearchGate(IMessageStore store, LimitsOptions limits) : IDisposable
{
    private readonly SemaphoreSlim running = new(limits.ConcurrentSearches);

    public async Task<Answer<SearchPage>> RunAsync(SearchQuery query)
    {
        using var limit = new CancellationTokenSource(limits.SearchTime);
        try
        {
            await running.WaitAsync(limit.Token).ConfigureAwait(false);
            try
            {
                return await store.SearchAsync(query, limit.Token).ConfigureAwait(false);
            }
            finally
            {
                running.Release();
            }
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

    public void Dispose() => running.Dispose();
}
