using DChat.Server.Tests.Contract;
using DChat.TestKit;

namespace DChat.Server.Tests.Peers;

/// <summary>A coordinator that dies may have told one worker more than another: nobody tells the rest until there is a coordinator again.</summary>
public sealed class MissedEntriesTests
{
    /// <param name="host">Where the room is: at the worker that knows more, or at the one that knows less.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Chat_goes_on_between_workers_of_which_one_missed_the_last_entry_before_the_coordinator_died(int host)
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        var room = await cluster.MakeRoomAsync(host, ann, ben);
        await ann.Hub.SyncAsync();
        await ben.Hub.SyncAsync();

        var (knows, misses) = (cluster.Workers[0], cluster.Workers[1]);
        misses.Registry.Hold();
        await ann.Hub.CallAsync("updateRoom", new { room, topic = "the last that the coordinator did" });
        var last = knows.Replica.Index;
        await cluster.Coordinator.DisposeAsync();

        await ann.Hub.SendAsync(room, "of one who knows");
        await ben.Hub.NextPostAsync(room, "of one who knows");
        await ben.Hub.SendAsync(room, "of one who does not");
        await ann.Hub.NextPostAsync(room, "of one who does not");
        Assert.True(await misses.Replica.WaitForAsync(last, Eventually.DefaultLimit, CancellationToken.None));
        Assert.Equal("the last that the coordinator did", misses.Replica.State.FindRoom(room)!.Topic);
        foreach (var person in new[] { ann, ben })
        {
            await person.Hub.SyncAsync(); // What was told before stands before this answer.
            Assert.DoesNotContain(person.Hub.Untaken(), heard => heard.Name == "resync");
        }
    }
}
