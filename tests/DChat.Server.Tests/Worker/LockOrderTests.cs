using DChat.Server.Tests.Contract;
using DChat.Server.Worker.Peers;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

public sealed class LockOrderTests(ContractServer server) : IClassFixture<ContractServer>
{
    /// <summary>A mark goes from the room's feed to its host, a message from the host to the feed: neither waits for the other for ever.</summary>
    [Fact]
    public async Task Messages_and_read_marks_of_one_room_do_not_hold_each_other_up()
    {
        const int Messages = 100;
        var routes = server.Server.Services.GetRequiredService<RoomRoutes>();
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SyncAsync();
        using var sent = new CancellationTokenSource();
        var marking = Task.Run(() =>
        {
            for (var seq = 1; !sent.IsCancellationRequested; seq++)
            {
                routes.MarkRead(room, ben.Name, seq);
            }
        });
        for (var i = 0; i < Messages; i++)
        {
            await ann.Hub.SendAsync(room, "more");
        }

        await sent.CancelAsync();
        await marking.Within();
    }
}
