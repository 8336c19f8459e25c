using System.Text.Json.Nodes;
using DChat.Core.Messages;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace DChat.Server.Tests.Contract;

/// <summary>G5: resuming returns everything that changed since, or says <c>reset</c>; never a silent hole.</summary>
public sealed class G5GapFreeResumeTests(ContractServer server, ITestOutputHelper output) : IClassFixture<ContractServer>
{
    [Fact]
    public async Task What_changed_since_comes_once_in_its_latest_state_in_order_of_rev()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await ann.Hub.SendAsync(room, "one");
        var rev = (long)(await ann.Hub.SendAsync(room, "two"))["rev"]!;
        await ann.Hub.SendAsync(room, "three");
        await ann.Hub.CallAsync("edit", new { room, clientId = Chat.NewId(), seq = 1, body = "one, edited" });
        await ann.Hub.CallAsync("edit", new { room, clientId = Chat.NewId(), seq = 1, body = "one, edited twice" });
        await ann.Hub.SendAsync(room, "four");
        await ann.Hub.CallAsync("delete", new { room, clientId = Chat.NewId(), seq = 3 });
        foreach (var sync in new[] { await ann.Hub.SubscribeAsync(room, rev), Chat.RoomIn(await ann.Hub.SyncAsync(new Dictionary<string, long> { [room] = rev }), room)! })
        {
            Assert.Equal((false, false, 7), ((bool)sync["reset"]!, (bool)sync["more"]!, (long)sync["rev"]!));
            Assert.Equal(["one, edited twice", "four", ""], Chat.Bodies(sync));
            Assert.Equal([5, 6, 7], Chat.Messages(sync).Select(message => (long)message["rev"]!));
        }

        Assert.Empty(Chat.Messages(await ann.Hub.SubscribeAsync(room, 7)));
    }

    [Fact]
    public async Task Many_changes_come_in_pages()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await SendManyAsync(ann.Hub, room, 450);
        var pages = new List<int>();
        long? after = 0;
        JsonNode page;
        do
        {
            page = await ann.Hub.SubscribeAsync(room, after);
            pages.Add(Chat.Messages(page).Length);
            after = (long)Chat.Messages(page)[^1]["rev"]!;
        }
        while ((bool)page["more"]!);
        Assert.Equal([200, 200, 50], pages);
    }

    [Fact]
    public async Task Beyond_what_is_held_in_memory_the_store_answers()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await SendManyAsync(ann.Hub, room, 1_200);
        var page = await ann.Hub.SubscribeAsync(room, 3);
        Assert.Equal((false, true), ((bool)page["reset"]!, (bool)page["more"]!));
        Assert.Equal(Enumerable.Range(4, 200).Select(rev => (long)rev), Chat.Messages(page).Select(message => (long)message["rev"]!));
    }

    [Fact]
    public async Task A_rev_that_was_never_reached_is_answered_reset()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await ann.Hub.SendAsync(room, "all there is");
        foreach (var rev in new[] { 2, 1_000_000, 9_007_199_254_740_991 })
        {
            var sync = await ann.Hub.SubscribeAsync(room, rev);
            Assert.Equal((true, 1), ((bool)sync["reset"]!, (long)sync["rev"]!));
            Assert.Equal(["all there is"], Chat.Bodies(sync));
            Assert.True((bool)Chat.RoomIn(await ann.Hub.SyncAsync(new Dictionary<string, long> { [room] = rev }), room)!["reset"]!);
        }
    }

    [Fact]
    public async Task After_a_restart_the_store_answers_and_below_retention_it_is_reset()
    {
        using var folder = new TemporaryFolder();
        string room;
        (string Name, string Token) account;
        long kept;
        await using (var first = await OwnServer.StartAsync(options => options with { Data = folder.Path }))
        {
            account = await first.AccountAsync();
            await using var hub = await HubProbe.ConnectAsync(first.Address, account.Token);
            room = await hub.MakeRoomAsync();
            await SendManyAsync(hub, room, 19);
            await hub.SendBeforeOthersAsync(room, "m19");
            kept = (long)(await hub.SendAsync(room, "kept"))["sentAt"]!;
        }

        await using var second = await OwnServer.StartAsync(options => options with { Data = folder.Path });
        await using var again = await HubProbe.ConnectAsync(second.Address, account.Token);
        var resumed = await again.SubscribeAsync(room, 15);
        Assert.Equal((false, 21), ((bool)resumed["reset"]!, (long)resumed["rev"]!));
        Assert.Equal(["m15", "m16", "m17", "m18", "m19", "kept"], Chat.Bodies(resumed));

        var store = second.Server.Services.GetRequiredService<IMessageStore>();
        while (await store.RetainAsync(new RoomAtEpoch(room, long.MaxValue - 1), kept, 0, 500, default))
        {
            // Until nothing older is left.
        }

        var below = await again.SubscribeAsync(room, 15);
        Assert.True((bool)below["reset"]!);
        Assert.Equal(["kept"], Chat.Bodies(below));
        Assert.False((bool)(await again.SubscribeAsync(room, 20))["reset"]!);
    }

    /// <summary>
    /// Writers change a room all the time while readers come, go, forget and resume at random: what a reader has in the end is what is there,
    /// and no live event was missing on the way.
    /// </summary>
    [Fact]
    public async Task Readers_that_come_and_go_at_random_under_load_end_with_what_there_is()
    {
        var seed = Seed.Print(output);
        const int Writers = 3;
        const int Readers = 3;
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var people = new List<Person>();
        for (var i = 0; i < Writers + Readers; i++)
        {
            people.Add(await server.PersonAsync());
            await people[i].Hub.CallAsync("joinRoom", new { room });
        }

        using var stop = new CancellationTokenSource();
        var writing = people.Take(Writers).Select((person, i) => WriteAsync(person, room, new Random(seed + i), stop.Token)).ToArray();
        var views = await Task.WhenAll(people.Skip(Writers).Select((person, i) => ComeAndGoAsync(person, room, new Random(seed + 100 + i), LongTests.Pick(12, 200)))).Within(TimeSpan.FromSeconds(200));
        await stop.CancelAsync();
        await Task.WhenAll(writing).Within();

        var truth = new RoomView(room);
        await truth.CatchUpAsync(ann.Hub, null);
        foreach (var view in views)
        {
            await view.CatchUpAsync(ann.Hub, view.Rev);
            Assert.Equal(truth.ToString(), view.ToString());
        }

        foreach (var person in people)
        {
            await person.DisposeAsync();
        }
    }

    private static async Task WriteAsync(Person writer, string room, Random random, CancellationToken stop)
    {
        var mine = new List<long>();
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var clientId = $"{writer.Name}-{i}";
            var seq = mine.Count == 0 ? 0 : mine[random.Next(mine.Count)];
            switch (mine.Count == 0 ? 0 : random.Next(6))
            {
                case < 3:
                    mine.Add((long)(await writer.Hub.SendAsync(room, $"{i} " + new string('x', random.Next(400)), clientId))["seq"]!);
                    break;
                case 3:
                    await writer.Hub.CallAsync("edit", new { room, clientId, seq, body = $"edited {i}" });
                    break;
                case 4:
                    await writer.Hub.CallAsync("react", new { room, clientId, seq, emoji = "👍", on = random.Next(2) == 0 });
                    break;
                default:
                    mine.Remove(seq);
                    await writer.Hub.CallAsync("delete", new { room, clientId, seq });
                    break;
            }
        }
    }

    private static async Task<RoomView> ComeAndGoAsync(Person reader, string room, Random random, int rounds)
    {
        var view = new RoomView(room);
        for (var round = 0; round < rounds; round++)
        {
            await using var hub = await reader.ConnectAsync();
            long? after = random.Next(6) switch
            {
                0 => null,
                1 => view.Rev + 1_000_000,
                2 => random.NextInt64(view.Rev + 1),
                _ => view.Rev,
            };
            var sync = await view.CatchUpAsync(hub, after);
            Assert.Equal(after is null || after > view.Rev, (bool)sync["reset"]!);
            await view.FollowAsync(hub, view.Rev + random.Next(40));
        }

        return view;
    }

    private static async Task SendManyAsync(HubProbe hub, string room, int count) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => hub.BeginCall("send", new { room, clientId = $"m{i}", body = $"m{i}" }))).Within();
}
