using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

/// <summary>While it is unknown what became of a write, it may be made yet: what promises that nothing more is made waits until that is known.</summary>
public sealed class UnknownOutcomeTests(UnknownOutcomeTests.FaultyServer server) : IClassFixture<UnknownOutcomeTests.FaultyServer>
{
    private const int Others = 20;

    [Fact]
    public async Task A_removal_waits_until_the_room_is_opened_again()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SendAsync(room, "before");
        var store = (FaultyMessageStore)server.Server.Services.GetRequiredService<IMessageStore>();
        store.OpenFault = store.WriteFault = () => new MessageStoreUnavailableException("it does not answer");
        await ben.Hub.RefusesAsync(ErrorCodes.Unavailable, "send", new { room, clientId = "one", body = "one" });
        var removal = ann.Hub.BeginCall("kick", new { room, user = ben.Name });
        await ben.Hub.NextAsync("roomRemoved");
        for (var i = 0; i < Others; i++)
        {
            await ann.Hub.CallAsync("listRooms", new { });
        }

        Assert.False(removal.IsCompleted, "it is answered already");
        store.OpenFault = store.WriteFault = null;
        await removal.Within();
    }

    public sealed class FaultyServer : ContractServer
    {
        protected override void Adjust(WebApplicationBuilder builder) => FaultyMessageStore.Wrap(builder);
    }
}
