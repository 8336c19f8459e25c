using DChat.TestKit;

namespace DChat.Cluster.Tests.Start;

public sealed class RestartTests
{
    [Fact]
    public async Task Rooms_are_listed_by_their_last_message_though_nobody_opened_them_since_the_start()
    {
        await using var server = await ServerProcess.StartAsync();
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, server.AdminPassword, users: 1);
        long sentAt;
        await using (var probe = await HubProbe.ConnectAsync(server.Client, crowd.Token(0)))
        {
            await probe.CallAsync("createRoom", new { name = "younger" });
            await probe.CallAsync("send", new { room = crowd.Room, clientId = "1", body = "the last word" });
            sentAt = (long)(await probe.CallAsync("history", new { room = crowd.Room }))!["messages"]!.AsArray()[^1]!["sentAt"]!;
        }

        await server.TerminateAsync();
        await server.RestartAsync();

        await using var again = await HubProbe.ConnectAsync(server.Client, crowd.Token(0));
        await Eventually.Holds(async () =>
        {
            var rooms = (await again.CallAsync("listRooms", new { }))!["rooms"]!.AsArray();
            return (string)rooms[0]!["id"]! == crowd.Room && (long)rooms[0]!["lastActivityAt"]! == sentAt;
        });
    }
}
