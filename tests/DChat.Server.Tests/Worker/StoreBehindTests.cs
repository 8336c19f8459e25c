using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

/// <summary>
/// G5 while a database is read that is behind the one that is written, in the middle of a fail-over: no page has a hole. Whoever asks is told to ask again.
/// </summary>
public sealed class StoreBehindTests(StoreBehindTests.BehindServer server) : IClassFixture<StoreBehindTests.BehindServer>
{
    /// <summary>More than the host has at hand, so that the store is read.</summary>
    private const int Many = 1_200;

    [Fact]
    public async Task G5_no_page_of_a_store_that_is_behind_has_a_hole()
    {
        var store = (FaultyMessageStore)server.Server.Services.GetRequiredService<IMessageStore>();
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await Task.WhenAll(Enumerable.Range(0, Many).Select(i => ann.Hub.BeginCall("send", new { room, clientId = $"m{i}", body = $"m{i}" }))).Within();
        foreach (var upTo in new long[] { 0, 50, Many - 1 })
        {
            store.ReadsUpTo = upTo;
            await ann.Hub.RefusesAsync(ErrorCodes.Unavailable, "subscribe", new { room, afterRev = 3 });
            await ann.Hub.RefusesAsync(ErrorCodes.Unavailable, "subscribe", new { room });
            await ann.Hub.RefusesAsync(ErrorCodes.Unavailable, "sync", new { revs = new Dictionary<string, long> { [room] = 3 } });
            await ann.Hub.RefusesAsync(ErrorCodes.Unavailable, "sync", new { });
        }

        store.ReadsUpTo = 990;
        await ann.Hub.RefusesAsync(ErrorCodes.Unavailable, "history", new { room, beforeSeq = 1_000, limit = 20 });
        await ann.Hub.RefusesAsync(ErrorCodes.Unavailable, "history", new { room, limit = 20 });
        await Assert.ThrowsAsync<HttpRequestException>(() => server.Admin.GetStringAsync($"/api/admin/rooms/{room}/export")); // It breaks off, and has no last line.
        Assert.Equal(970, (long)(await ann.Hub.CallAsync("history", new { room, beforeSeq = 971, limit = 20 }))!["messages"]!.AsArray()[^1]!["seq"]!);

        store.ReadsUpTo = null;
        Assert.EndsWith($"\"messages\":{Many},\"lastSeq\":{Many}}}\n", await server.Admin.GetStringAsync($"/api/admin/rooms/{room}/export"), StringComparison.Ordinal);
        var resumed = await ann.Hub.SubscribeAsync(room, 3);
        Assert.Equal(Enumerable.Range(4, 200).Select(rev => (long)rev), Chat.Messages(resumed).Select(message => (long)message["rev"]!));
        var fresh = await ann.Hub.SubscribeAsync(room, null);
        Assert.Equal((true, true, (long)Many), ((bool)fresh["reset"]!, (bool)fresh["more"]!, (long)fresh["rev"]!));
        Assert.Equal(Enumerable.Range(Many - 49, 50).Select(seq => (long)seq), Chat.Messages(fresh).Select(message => (long)message["seq"]!));
        Assert.Equal(999, (long)(await ann.Hub.CallAsync("history", new { room, beforeSeq = 1_000, limit = 20 }))!["messages"]!.AsArray()[^1]!["seq"]!);
    }

    public sealed class BehindServer : ContractServer
    {
        protected override void Adjust(WebApplicationBuilder builder) => FaultyMessageStore.Wrap(builder);
    }
}
