using System.Net;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Peers;

/// <summary>Workers that hear the coordinator, and not each other, or not the message store.</summary>
public sealed class CutPairTests
{
    [Fact]
    public async Task Of_two_workers_that_do_not_reach_each_other_or_of_which_one_has_lost_the_store_the_other_serves_all()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2, cutOffMs: 500);
        var (stays, loses) = (cluster.Workers[0], cluster.Workers[1]);
        await using var ann = await cluster.PersonAsync(0);
        await using var ben = await cluster.PersonAsync(1);
        string[] rooms = [await cluster.MakeRoomAsync(0, ann, ben), await cluster.MakeRoomAsync(0, ann, ben), await cluster.MakeRoomAsync(1, ann, ben)];
        await SayAsync(ann.Hub, "before");
        await SayAsync(ben.Hub, "before");

        stays.Proxy.Cut();
        loses.Proxy.Cut();
        await Eventually.Holds(() => RoomsOf(stays) == 3 && RoomsOf(loses) == 0); // The one that has less to lose.
        Assert.Equal(UnfitReasons.Isolated, UnfitOf(loses));
        await ben.Hub.NextAsync(HubEvents.Reconnect);
        await IsClosedAsync("cannot reach others that host rooms");
        await using (var benThere = await HubProbe.ConnectAsync(stays.Server.Client, ben.Token))
        {
            await SayAsync(benThere, "while they are cut");
            await SayAsync(ann.Hub, "while they are cut");
            Assert.Null(UnfitOf(stays));
        }

        stays.Proxy.Mend();
        loses.Proxy.Mend();
        await IsOpenAsync();
        await Eventually.Holds(() => UnfitOf(loses) is null);
        await using (var benAgain = await ben.ConnectAsync())
        {
            await SayAsync(benAgain, "mended");
            await cluster.MoveAsync(rooms[2], 1);
            await SayAsync(benAgain, "and hosts");
            await SayAsync(ann.Hub, "and hosts");

            loses.Store!.CheckFault = () => new MessageStoreUnavailableException("it does not answer");
            await benAgain.NextAsync(HubEvents.Reconnect);
            Assert.Equal((3, 0), (RoomsOf(stays), RoomsOf(loses)));
            await IsClosedAsync("cannot use the message store, and others can");
        }

        loses.Store!.CheckFault = null;
        await IsOpenAsync();

        int RoomsOf(PeerWorker worker) => cluster.Coordinator.Services.GetRequiredService<RegistryReplica>().State.FindWorker(worker.Id)!.RoomCount;

        string? UnfitOf(PeerWorker worker) => cluster.Coordinator.Services.GetRequiredService<ClusterPicture>().Take()!.Workers.Single(each => each.Id == worker.Id).Unfit;

        async Task SayAsync(HubProbe hub, string body)
        {
            foreach (var room in rooms)
            {
                await hub.SendAsync(room, body);
            }
        }

        async Task IsClosedAsync(string why)
        {
            await Eventually.Holds(async () => await ReadyAsync() is (HttpStatusCode.ServiceUnavailable, var text) && text.Contains(why, StringComparison.Ordinal));
            await Assert.ThrowsAnyAsync<Exception>(ben.ConnectAsync);
        }

        async Task IsOpenAsync() => await Eventually.Holds(async () => await ReadyAsync() is (HttpStatusCode.OK, _));

        async Task<(HttpStatusCode Status, string Text)> ReadyAsync()
        {
            using var http = loses.Server.CreateHttpClient();
            using var answer = await http.GetAsync("/health/ready");
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
    }
}
