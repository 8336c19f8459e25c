using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

/// <summary>A refused change is looked up, since it may be a repeat: only what can be one, and whatever comes of that is its caller's alone.</summary>
public sealed class RefusedChangeTests(RefusedChangeTests.FaultyServer server) : IClassFixture<RefusedChangeTests.FaultyServer>, IDisposable
{
    private const string Mistake = "invalid byte sequence";

    private readonly FaultyMessageStore _store = (FaultyMessageStore)server.Server.Services.GetRequiredService<IMessageStore>();
    private int _lookups;

    public void Dispose() => _store.FindFault = null;

    [Theory]
    [InlineData("send")]
    [InlineData("edit")]
    [InlineData("delete")]
    [InlineData("react")]
    public async Task What_can_be_no_id_is_refused_before_anything_is_looked_up(string method)
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        FailLookups();
        foreach (var bad in new[] { "\0", "a\0b", "\n", "\u2028", new string('x', 65) })
        {
            await ann.Hub.RefusesAsync(ErrorCodes.InvalidArgument, method, new { room = bad, clientId = "c", body = "a", seq = 1, emoji = "👍" });
            await ann.Hub.RefusesAsync(ErrorCodes.InvalidArgument, method, new { room, clientId = bad, body = "a", seq = 1, emoji = "👍" });
        }

        Assert.Equal(0, _lookups);
    }

    [Theory]
    [InlineData("subscribe")]
    [InlineData("unsubscribe")]
    [InlineData("history")]
    [InlineData("search")]
    [InlineData("markRead")]
    [InlineData("typing")]
    [InlineData("members")]
    [InlineData("bans")]
    public async Task Nor_does_any_other_method_take_it_for_a_room(string method)
    {
        await using var ann = await server.PersonAsync();
        await ann.Hub.RefusesAsync(ErrorCodes.InvalidArgument, method, new { room = "\0", query = "x", seq = 1 });
    }

    [Fact]
    public async Task In_a_room_that_the_registry_does_not_know_nothing_is_looked_up()
    {
        await using var ann = await server.PersonAsync();
        FailLookups();
        await ann.Hub.RefusesAsync(ErrorCodes.NotFound, "send", new { room = "no such room", clientId = "c", body = "a" });
        Assert.Equal(0, _lookups);
    }

    [Fact]
    public async Task A_look_up_that_fails_is_answered_to_its_caller_and_to_nobody_else()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        FailLookups();
        await ann.Hub.RefusesAsync(ErrorCodes.Unavailable, "send", new { room, clientId = "c", body = "" });
        await ann.Hub.SendAsync(room, "the server still runs");
        Assert.Equal(1, _lookups);
    }

    [Fact]
    public async Task Nor_is_one_of_what_the_host_refuses()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ann.Hub.CallAsync("updateRoom", new { room, slowModeSeconds = 3_600 });
        await ben.Hub.SendAsync(room, "one");
        FailLookups();
        await ben.Hub.RefusesAsync(ErrorCodes.Unavailable, "send", new { room, clientId = "two", body = "two" });
        await ann.Hub.SendAsync(room, "the server still runs");
        Assert.Equal(1, _lookups);
    }

    private void FailLookups()
    {
        server.Server.Log.ExpectErrors(Mistake);
        _store.FindFault = () =>
        {
            Interlocked.Increment(ref _lookups);
            return new InvalidOperationException(Mistake);
        };
    }

    public sealed class FaultyServer : ContractServer
    {
        protected override void Adjust(WebApplicationBuilder builder) => FaultyMessageStore.Wrap(builder);
    }
}
