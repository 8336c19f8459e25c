using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

public sealed class WorkerWatchTests
{
    [Fact]
    public async Task A_link_that_ended_while_it_was_admitted_takes_the_place_of_none_that_stands()
    {
        await using var first = await LinkPair.ConnectAsync();
        await using var second = await LinkPair.ConnectAsync();
        var watch = new WorkerWatch(TimeProvider.System);
        var slow = new NodeLink(LinkPair.Hello("w"), first.LeftStream, new Nobody(), TimeProvider.System);
        await using var standing = new NodeLink(LinkPair.Hello("w"), second.LeftStream, new Nobody(), TimeProvider.System);

        // The worker gave the first up, as it was not answered in time, and came by the second.
        watch.Connected(standing);
        slow.End("the connection ended");
        watch.Connected(slow);
        await slow.Completion.Within();
        watch.Disconnected(slow);

        Assert.True(standing.IsUp);
        Assert.Null(watch.Find("w")!.ClosedFor);
    }
}
