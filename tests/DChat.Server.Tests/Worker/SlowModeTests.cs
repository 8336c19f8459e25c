using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

/// <summary>Slow mode counts what was committed, and nothing else.</summary>
public sealed class SlowModeTests(SlowModeTests.FaultyServer server) : IClassFixture<SlowModeTests.FaultyServer>
{
    [Fact]
    public async Task What_the_store_did_not_take_does_not_slow_its_own_repeat()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await SlowRoomAsync(ann, ben);
        var store = (FaultyMessageStore)server.Server.Services.GetRequiredService<IMessageStore>();
        store.WriteFault = () => new MessageStoreUnavailableException("the disk is full");
        try
        {
            await ben.Hub.RefusesAsync(ErrorCodes.Unavailable, "send", new { room, clientId = "one", body = "one" });
        }
        finally
        {
            store.WriteFault = null;
        }

        await ben.Hub.SendAsync(room, "one", "one");
        await ben.Hub.RefusesAsync(ErrorCodes.SlowMode, "send", new { room, clientId = "two", body = "two" });
    }

    [Fact]
    public async Task What_is_refused_does_not_slow_the_next()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await SlowRoomAsync(ann, ben);
        await ben.Hub.RefusesAsync(ErrorCodes.InvalidArgument, "send", new { room, clientId = "reply", body = "to nothing", replyTo = 1_000 });
        await ben.Hub.SendAsync(room, "to everybody");
    }

    [Fact]
    public async Task Of_many_sent_at_once_one_passes()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await SlowRoomAsync(ann, ben);
        var sends = Enumerable.Range(0, 20).Select(i => ben.Hub.BeginCall("send", new { room, clientId = $"c{i}", body = $"m{i}" })).ToArray();
        await sends[0].Within();
        foreach (var send in sends[1..])
        {
            var refused = await Assert.ThrowsAsync<HubCallFailedException>(() => send.Within());
            Assert.Equal(ErrorCodes.SlowMode, refused.Error!.Code);
        }
    }

    private static async Task<string> SlowRoomAsync(Person owner, Person member)
    {
        var room = await owner.MakeRoomAsync(member);
        await owner.Hub.CallAsync("updateRoom", new { room, slowModeSeconds = 3_600 });
        return room;
    }

    public sealed class FaultyServer : ContractServer
    {
        protected override void Adjust(WebApplicationBuilder builder) => FaultyMessageStore.Wrap(builder);
    }
}
