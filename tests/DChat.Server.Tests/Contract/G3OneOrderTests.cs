using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>G3: a room has one sequence, and everybody sees it, contiguous.</summary>
public sealed class G3OneOrderTests(ContractServer server) : IClassFixture<ContractServer>
{
    [Fact]
    public async Task Everybody_sees_the_same_sequence_and_each_senders_calls_in_their_order()
    {
        const int Senders = 4;
        const int Each = 150;
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var second = await ben.ConnectAsync();
        var room = await ann.MakeRoomAsync(ben);
        HubProbe[] hubs = [ann.Hub, ben.Hub, second, await ann.ConnectAsync()];
        var views = new List<RoomView>();
        foreach (var hub in hubs)
        {
            views.Add(new RoomView(room));
            await views[^1].CatchUpAsync(hub, 0);
        }

        var sent = await Task.WhenAll(hubs.Take(Senders).Select((hub, sender) => Task.Run(() => Task.WhenAll(
            Enumerable.Range(0, Each).Select(i => hub.BeginCall("send", new { room, clientId = $"{sender}-{i}", body = $"{sender}-{i}" })))))).Within();
        var last = sent.SelectMany(answers => answers).Max(answer => (long)answer!["rev"]!);
        for (var i = 0; i < hubs.Length; i++)
        {
            await views[i].FollowAsync(hubs[i], last);
        }

        // One order: the answers, every view and the store agree, and the seqs have no hole.
        Assert.Equal(Enumerable.Range(1, views[0].Messages.Count).Select(seq => (long)seq), views[0].Messages.Keys);
        Assert.All(views, view => Assert.Equal(views[0].ToString(), view.ToString()));
        var fresh = new RoomView(room);
        await fresh.CatchUpAsync(ann.Hub, 0);
        Assert.Equal(views[0].ToString(), fresh.ToString());
        for (var sender = 0; sender < Senders; sender++)
        {
            var seqs = sent[sender].Select(answer => (long)answer!["seq"]!).ToArray();
            Assert.Equal(seqs.Order(), seqs);
            Assert.All(seqs.Select((seq, i) => (seq, i)), one => Assert.Equal($"{sender}-{one.i}", (string)views[0].Messages[one.seq]["clientId"]!));
        }

        await hubs[3].DisposeAsync();
    }

    [Fact]
    public async Task A_change_that_is_refused_or_changes_nothing_leaves_no_hole()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var view = new RoomView(room);
        await view.CatchUpAsync(ann.Hub, 0);
        var calls = new List<Task>();
        for (var i = 0; i < 60; i++)
        {
            calls.Add((i % 4) switch
            {
                0 => ann.Hub.BeginCall("send", new { room, clientId = $"c{i}", body = $"m{i}" }),
                1 => ann.Hub.BeginCall("edit", new { room, clientId = $"c{i}", seq = 1, body = "same" }),
                2 => ann.Hub.BeginCall("edit", new { room, clientId = $"c{i}", seq = 9_999, body = "none" }),
                _ => ann.Hub.BeginCall("send", new { room, clientId = $"c{i - 3}", body = "a repeat" }),
            });
        }

        foreach (var call in calls)
        {
            await Record.ExceptionAsync(() => call.Within());
        }

        var last = await ann.Hub.SendAsync(room, "end");
        await view.FollowAsync(ann.Hub, (long)last["rev"]!);
        Assert.Equal((16, 17), (view.Messages.Count, (int)view.Rev));
    }
}
