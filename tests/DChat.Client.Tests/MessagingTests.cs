using System.Collections.Concurrent;
using DChat.Client.Connections;
using DChat.Client.Events;
using DChat.Client.Outbox;
using DChat.Client.Tests.Stub;
using DChat.Protocol;
using DChat.TestKit;
using Microsoft.AspNetCore.SignalR;

namespace DChat.Client.Tests;

public sealed class MessagingTests
{
    private readonly StubWorld world = new();

    [Fact]
    public async Task What_is_sent_while_the_server_is_away_arrives_once_and_in_order_G4()
    {
        var room = world.Add("room");
        var port = FreePort.Next();
        var server = await StubServer.StartAsync(world, port);
        await using var client = await SignedIn.ConnectAsync(server.Address);
        using var messages = client.Messages();

        var sends = Enumerable.Range(0, 60).Select(i => client.SendAsync("room", $"line {i}")).ToList();
        await sends[20].Within();
        await server.DisposeAsync();
        sends.AddRange(Enumerable.Range(60, 20).Select(i => client.SendAsync("room", $"line {i}")));
        await using var restarted = await StubServer.StartAsync(world, port);

        var answers = await Task.WhenAll(sends).Within();
        Assert.Equal(Enumerable.Range(1, 80).Select(i => (long)i), answers.Select(a => a.Seq));
        Assert.Equal(Enumerable.Range(0, 80).Select(i => $"line {i}"), room.Bodies);
        var seen = await messages.TakeAsync(80).Within();
        Assert.Equal(room.Bodies, seen.Select(m => m.Message.Body));
        Assert.Empty(client.Unsent);
    }

    [Fact]
    public async Task A_message_whose_answer_was_lost_is_not_sent_twice_G4()
    {
        var room = world.Add("room");
        var losses = 3;
        world.AfterCommit = _ => Interlocked.Decrement(ref losses) < 0;
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);

        await client.SendAsync("room", "once").Within();
        await client.SendAsync("room", "twice").Within();

        Assert.Equal(["once", "twice"], room.Bodies);
        // The answer may overtake the event.
        await Eventually.Holds(() => client.FindRoom("room")!.Messages.Count == 2);
        Assert.Equal(["once", "twice"], client.FindRoom("room")!.Messages.Select(m => m.Body));
    }

    [Theory]
    [InlineData(ErrorCodes.Unavailable, null)]
    [InlineData(ErrorCodes.RateLimited, 10L)]
    public async Task Only_what_is_worth_a_retry_is_tried_again_and_keeps_its_place(string code, long? retryAfterMs)
    {
        var room = world.Add("room");
        var failures = 3;
        world.BeforeCommit = request => Fail(request.Body == "first" && failures-- > 0, code, retryAfterMs);
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);

        var first = client.SendAsync("room", "first");
        var second = client.SendAsync("room", "second");

        await Task.WhenAll(first, second).Within();
        Assert.Equal(["first", "second"], room.Bodies);
    }

    [Fact]
    public async Task A_refusal_is_reported_and_what_follows_goes_on()
    {
        var room = world.Add("room");
        world.BeforeCommit = request => Fail(request.Body == "rude", ErrorCodes.Muted, null);
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);
        using var events = client.Events();

        var rude = client.FindRoom("room")!.Post("rude");
        await client.SendAsync("room", "polite").Within();

        var refusal = await Assert.ThrowsAsync<ChatException>(() => rude.Answer.Within());
        Assert.Equal(ErrorCodes.Muted, refusal.Code);
        Assert.Equal(OutgoingState.Refused, rude.State);
        Assert.Equal(["polite"], room.Bodies);
        await events.FirstAsync(e => e is ChatEvent.OutboxChanged { Message: var m } && m == rude && m.State == OutgoingState.Refused).Within();
    }

    [Fact]
    public async Task The_outbox_is_bounded_and_gives_its_places_back()
    {
        world.Add("room");
        var gate = new ManualResetEventSlim();
        world.BeforeCommit = _ => gate.Wait(TimeSpan.FromSeconds(20));
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(o => o with { OutboxMax = 3 }, server.Address);

        var posted = Enumerable.Range(0, 3).Select(i => client.Post("room", $"{i}")).ToList();
        var full = Assert.Throws<ChatException>(() => client.Post("room", "too many"));
        Assert.Equal(ClientErrorCodes.OutboxFull, full.Code);
        var waiting = client.SendAsync("room", "waits");
        Assert.True(client.TryWithdraw(posted[2]));
        gate.Set();

        await waiting.Within();
        Assert.Equal(["0", "1", "waits"], world.Room("room").Bodies);
        Assert.True(posted[2].Answer.IsCanceled);
        Assert.False(client.TryWithdraw(posted[0]));
    }

    [Fact]
    public async Task Who_waits_for_an_answer_learns_that_the_client_was_closed()
    {
        world.Add("room");
        world.BeforeCommit = _ => Fail(true, ErrorCodes.Unavailable, null);
        await using var server = await StubServer.StartAsync(world);
        var client = await SignedIn.ConnectAsync(server.Address);
        var sending = client.SendAsync("room", "never");

        await client.DisposeAsync().AsTask().Within();

        Assert.Equal(ClientErrorCodes.Unreachable, (await Assert.ThrowsAsync<ChatException>(() => sending.Within())).Code);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.SendAsync("room", "never").Within());
    }

    [Fact]
    public async Task What_a_process_left_unsent_the_next_one_sends_once()
    {
        var room = world.Add("room");
        var store = new ListOutboxStore();
        var down = true;
        world.BeforeCommit = _ => Fail(down, ErrorCodes.Unavailable, null);
        await using var server = await StubServer.StartAsync(world);
        await using (var client = await SignedIn.ConnectAsync(o => o with { OutboxStore = store }, server.Address))
        {
            client.Post("room", "one");
            client.Post("room", "two");
            await Eventually.Holds(() => store.Saved.Count == 2);
        }

        down = false;
        await using var next = await SignedIn.ConnectAsync(o => o with { OutboxStore = store }, server.Address);

        await Eventually.Holds(() => store.Saved.IsEmpty);
        Assert.Equal(["one", "two"], room.Bodies);
    }

    [Fact]
    public async Task A_client_that_was_too_slow_catches_up_after_resync_G7()
    {
        var room = world.Add("room");
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);
        using var messages = client.Messages();

        await server.PostAsync("room", "bob", "before");
        await server.ResyncAsync("room", async () =>
        {
            for (var i = 0; i < 2 * StubRoom.PageSize; i++)
            {
                await server.PostAsync("room", "bob", $"missed {i}");
            }
        });

        var seen = await messages.TakeAsync(1 + (2 * StubRoom.PageSize)).Within();
        Assert.Equal(room.Bodies, seen.Select(m => m.Message.Body));
    }

    [Fact]
    public async Task Rooms_that_cannot_be_served_hold_up_no_other()
    {
        string[] away = [.. Enumerable.Range(0, 20).Select(i => $"away {i}")];
        Array.ForEach(away, id => world.Add(id));
        world.Add("room");
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);
        using var messages = client.Messages();
        foreach (var id in away)
        {
            world.Away[id] = true;
            await server.ResyncAsync(id, () => server.PostAsync(id, "bob", "nobody sees it yet"));
        }

        await server.ResyncAsync("room", () => server.PostAsync("room", "bob", "hello"));

        Assert.Equal("hello", Assert.Single(await messages.TakeAsync(1).Within()).Message.Body);
        using var others = client.Messages();
        world.Away.Clear();
        Assert.Equal(away.Order(), (await others.TakeAsync(away.Length).Within()).Select(m => m.Room.Id).Order());
    }

    [Fact]
    public async Task A_stream_that_is_read_slowly_holds_the_timelines_and_loses_nothing()
    {
        var room = world.Add("room");
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(o => o with { EventsMax = 16 }, server.Address);
        using var messages = client.Messages();

        for (var i = 0; i < 300; i++)
        {
            await server.PostAsync("room", "bob", $"message {i}");
        }

        await client.PingAsync().Within();
        Assert.True(client.FindRoom("room")!.Messages.Count <= 16 + StubRoom.PageSize);
        var seen = await messages.TakeAsync(300).Within();
        Assert.Equal(room.Bodies, seen.Select(m => m.Message.Body));
    }

    [Fact]
    public async Task A_new_direct_room_announces_its_first_message()
    {
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);
        using var messages = client.Messages();
        var room = world.Add("direct", RoomKinds.Direct, peer: "bob");

        await server.TellAllAsync(HubEvents.RoomChanged, new RoomChanged(room.Info, 0));
        var (_, posted) = world.Commit("bob", new SendRequest("direct", "c", "hello"));
        await server.TellAllAsync(HubEvents.Events, new RoomEvents("direct", [posted!]));

        var (seenIn, message) = await messages.FirstAsync(_ => true).Within();
        Assert.Equal(("@bob", "hello"), (seenIn.Title, message.Body));
        Assert.Equal(1, seenIn.Unread);
    }

    [Fact]
    public async Task Rooms_invitations_presence_typing_and_read_marks_are_kept_up_to_date()
    {
        world.Add("room");
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);
        var room = client.FindRoom("room")!;

        await server.TellAllAsync(HubEvents.Presence, new PresenceChanged("room", true, [new("alice", "online"), new("bob", "away")], 2));
        await server.TellAllAsync(HubEvents.Presence, new PresenceChanged("room", false, [new("alice", "offline")], 1));
        await server.TellAllAsync(HubEvents.Typing, new TypingChanged("room", ["alice", "bob"]));
        await server.PostAsync("room", "bob", "hello @alice");
        await server.PostAsync("room", "bob", "hello @alice-anne");
        await Eventually.Holds(() => room.Unread == 2);
        Assert.Equal(1, room.Mentions);
        await server.TellAllAsync(HubEvents.Read, new ReadMarkMoved("room", 1));
        await server.TellAllAsync(HubEvents.RoomChanged, new RoomChanged(room.Info with { Topic = "new" }));
        await server.TellAllAsync(HubEvents.RoomChanged, new RoomChanged(room.Info with { Id = "inviting", Role = Roles.Invited }));

        await Eventually.Holds(() => client.Invitations.Count == 1);
        Assert.Equal(("bob", "away"), room.Presence.Select(p => (p.Key, p.Value)).Single());
        Assert.Equal(["bob"], room.Typing);
        Assert.Equal((1, 1, 0), (room.ReadSeq, room.Unread, room.Mentions));
        Assert.Equal("new", room.Info.Topic);

        await server.TellAllAsync(HubEvents.RoomRemoved, new RoomRemoved("room", RemovalReasons.Kicked));
        await Eventually.Holds(() => client.Rooms.Count == 0);
    }

    [Fact]
    public async Task A_room_that_was_left_while_away_is_gone_after_the_reconnect_G6()
    {
        world.Add("room");
        world.Add("other");
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);
        using var events = client.Events();

        world.Remove("room");
        server.Cut();

        var removed = (ChatEvent.RoomRemoved)await events.FirstAsync(e => e is ChatEvent.RoomRemoved).Within();
        Assert.Equal("room", removed.Room.Id);
        Assert.Equal(["other"], client.Rooms.Select(r => r.Id));
    }

    [Fact]
    public async Task A_client_that_follows_one_room_hears_only_of_that_one()
    {
        var room = world.Add("room");
        world.Add("other");
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(o => o with { FollowAllRooms = false }, server.Address);
        using var messages = client.Messages();
        Assert.Empty(client.Rooms);

        await client.FollowAsync(room.Info.Id).Within();
        await server.PostAsync("other", "bob", "elsewhere");
        await server.PostAsync("room", "bob", "here");
        server.Cut();
        await server.PostAsync("room", "bob", "while away");

        var seen = await messages.TakeAsync(2).Within();
        Assert.Equal(["here", "while away"], seen.Select(m => m.Message.Body));
        await Eventually.Holds(() => client.Status.State == ConnectionState.Online);
    }

    [Fact]
    public async Task Scrolling_back_brings_older_pages_down_to_the_first_message()
    {
        world.Add("room");
        await using var server = await StubServer.StartAsync(world);
        for (var i = 0; i < 3 * StubRoom.PageSize; i++)
        {
            await server.PostAsync("room", "bob", $"{i}");
        }

        await using var client = await SignedIn.ConnectAsync(server.Address);
        var room = client.FindRoom("room")!;
        Assert.Equal(StubRoom.PageSize, room.Messages.Count);

        Assert.True(await room.LoadOlderAsync().Within());
        Assert.True(await room.LoadOlderAsync().Within());
        Assert.False(room.HasOlder);
        Assert.False(await room.LoadOlderAsync().Within());
        Assert.Equal(world.Room("room").Bodies, room.Messages.Select(m => m.Body));
    }

    private static void Fail(bool now, string code, long? retryAfterMs)
    {
        if (now)
        {
            throw new HubException(new HubError(code, "not now", retryAfterMs).Format());
        }
    }

    private sealed class ListOutboxStore : IOutboxStore
    {
        public ConcurrentDictionary<string, (int Order, SendRequest Message)> Saved { get; } = [];

        private int order;

        public Task<IReadOnlyList<SendRequest>> LoadAsync(CancellationToken cancel) =>
            Task.FromResult<IReadOnlyList<SendRequest>>([.. Saved.Values.OrderBy(s => s.Order).Select(s => s.Message)]);

        public Task SaveAsync(SendRequest message, CancellationToken cancel)
        {
            Saved[message.ClientId!] = (Interlocked.Increment(ref order), message);
            return Task.CompletedTask;
        }

        public Task RemoveAsync(string clientId, CancellationToken cancel)
        {
            Saved.TryRemove(clientId, out _);
            return Task.CompletedTask;
        }
    }
}
