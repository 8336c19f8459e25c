using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.Server.Worker.Host;
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

    [Fact]
    public async Task Who_has_sent_waits_at_the_rooms_next_host_too()
    {
        using var folder = new TemporaryFolder();
        (string Name, string Token) sent, silent;
        string room;
        await using (var first = await OwnServer.StartAsync(options => options with { Data = folder.Path }))
        {
            await using var ann = await first.PersonAsync();
            (sent, silent) = (await first.AccountAsync(), await first.AccountAsync());
            room = await ann.MakeRoomAsync();
            await using var ben = await HubProbe.ConnectAsync(first.Address, sent.Token);
            await using var cid = await HubProbe.ConnectAsync(first.Address, silent.Token);
            await ben.CallAsync("joinRoom", new { room });
            await cid.CallAsync("joinRoom", new { room });
            await ann.Hub.CallAsync("updateRoom", new { room, slowModeSeconds = 3_600 });
            await ben.SendAsync(room, "one");
            for (var i = 0; i <= MessageLimits.Page; i++)
            {
                await ann.Hub.SendAsync(room, "an owner is not slowed");
            }
        }

        await using var second = await OwnServer.StartAsync(options => options with { Data = folder.Path });
        await using var again = await HubProbe.ConnectAsync(second.Address, sent.Token);
        await using var other = await HubProbe.ConnectAsync(second.Address, silent.Token);
        await again.RefusesAsync(ErrorCodes.SlowMode, "send", new { room, clientId = "two", body = "two" });
        await other.SendAsync(room, "the first of mine");
    }

    [Fact]
    public void Who_sent_longer_ago_than_slow_mode_can_ask_is_forgotten()
    {
        const long Hour = 3_600_000;
        var times = new SendTimes();
        for (var user = 0; user < 1_000; user++)
        {
            times.Note($"u{user}", Hour + (user * 100_000L));
        }

        Assert.InRange(times.Count, 37, 300);
        Assert.Equal(Hour + (999 * 100_000L), times.Of("u999"));
    }

    [Fact]
    public void Who_sent_at_a_worker_whose_clock_is_ahead_waits_no_longer_than_the_slow_mode_lasts()
    {
        const long Now = 1_000_000;
        var times = new SendTimes();
        Assert.Equal(0, times.WaitMs("ann", Now, 10));
        times.Note("ann", Now);
        Assert.Equal(10_000, times.WaitMs("ann", Now, 10));
        Assert.Equal(1, times.WaitMs("ann", Now + 9_999, 10));
        Assert.Equal(0, times.WaitMs("ann", Now + 10_000, 10));

        times.Note("ann", Now + 86_400_000);
        Assert.Equal(10_000, times.WaitMs("ann", Now, 10));
        Assert.Equal(4_000, times.WaitMs("ann", Now + 6_000, 10));
        Assert.Equal(0, times.WaitMs("ann", Now + 10_000, 10));
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
