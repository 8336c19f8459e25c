using DChat.Server.Worker.Host;
using DChat.TestKit;

namespace DChat.Server.Tests.Worker;

public sealed class SoftStateTests
{
    private const int Users = 50;
    private const int Rounds = 2_000;

    /// <summary>However much gateways say while a room is busy, no more is kept of it than there are users, and the last that was said holds.</summary>
    [Fact]
    public async Task What_gateways_say_while_nobody_listens_waits_once_for_each_user()
    {
        var soft = new SoftState(new HostLoad());
        var room = new HostedRoom("room");
        var (gateway, gone) = (new DeafSink(), new DeafSink());
        var random = new Random(1);
        var last = new PresenceState[Users];
        soft.Announce(room, gone, "left", PresenceState.Online);
        for (var round = 0; round < Rounds; round++)
        {
            for (var user = 0; user < Users; user++)
            {
                soft.Announce(room, gateway, $"user{user}", last[user] = (PresenceState)random.Next(1, 3));
            }
        }

        Assert.Equal(Users + 1, soft.Waiting);
        soft.Leave(room, gone);
        Assert.Equal(Users, soft.Waiting);

        // Who left and comes again is there.
        soft.Leave(room, gateway);
        soft.Announce(room, gateway, "user0", PresenceState.Away);
        using var stop = new CancellationTokenSource();
        var running = soft.RunAsync(stop.Token);
        await Eventually.Holds(() => soft.Waiting == 0 && OnlineIn(room).SequenceEqual(["user0"]));
        for (var user = 0; user < Users; user++)
        {
            soft.Announce(room, gateway, $"user{user}", last[user]);
        }

        await Eventually.Holds(() => OnlineIn(room).Length == Users);
        lock (room.Gate)
        {
            Assert.All(last.Index(), user => Assert.Equal(user.Item, room.Presence.SeatsOf($"user{user.Index}").State));
        }

        await stop.CancelAsync();
        await running;
    }

    private static string[] OnlineIn(HostedRoom room)
    {
        lock (room.Gate)
        {
            return [.. room.Presence.Names.Order()];
        }
    }
}
