using System.Text.Json;
using DChat.Core.Messages;
using DChat.Server.Cli;
using DChat.Server.Tests.Worker;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Peers;
using DChat.Storage.Sqlite.Messages;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Peers;

/// <summary>What gateways without a store ask of a host's.</summary>
public sealed class StoreReadsTests
{
    [Fact]
    public async Task Searches_of_gateways_and_of_the_hosts_own_users_share_one_limit()
    {
        using var folder = new TemporaryFolder();
        await using var engine = SqliteMessageStore.Open(new SqliteMessageStoreOptions { Path = folder["messages.db"] }, TimeProvider.System, NullLogger<SqliteMessageStore>.Instance);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new FaultyMessageStore(engine) { SearchesHeld = held.Task };
        var limits = new LimitsOptions { ConcurrentSearches = 1, SearchMilliseconds = 0 };
        using var searches = new SearchGate(store, limits);
        var reads = new StoreReads(store, searches, limits);
        var query = new SearchQuery("word", ["room"], null, 1, null);
        var request = JsonSerializer.SerializeToUtf8Bytes<StoreRequest>(new SearchStoreRequest(query), StoreJson.Wire.StoreRequest);

        // Each goes as far as it can before it is awaited.
        Task[] asked = [reads.AnswerAsync(request), reads.AnswerAsync(request), searches.RunAsync(query)];
        Assert.Equal(1, store.Searches);
        held.SetResult();
        await Task.WhenAll(asked).Within();
        Assert.Equal(asked.Length, store.Searches);
    }
}
