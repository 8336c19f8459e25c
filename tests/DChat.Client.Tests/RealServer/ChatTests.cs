using System.Text;
using DChat.Client.Connections;
using DChat.Client.Events;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Client.Tests.RealServer;

/// <summary>The client against the real server: people talk.</summary>
public sealed class ChatTests(ChatServer server) : IClassFixture<ChatServer>
{
    [Fact]
    public async Task Two_people_chat_edit_react_and_delete()
    {
        await using var alice = await server.ConnectAsync("alice");
        await using var bob = await server.ConnectAsync("bob");
        var room = await RoomOf(alice, bob);
        using var events = bob.Events();
        var atBob = await bob.FollowAsync(room.Id).Within();

        var first = await alice.SendAsync(room.Id, "hello").Within();
        await alice.FindRoom(room.Id)!.EditAsync(first.Seq, "hello!").Within();
        await atBob.ReactAsync(first.Seq, "👍").Within();
        await events.FirstAsync(e => e is ChatEvent.MessageReacted { Reaction.Emoji: "👍" }).Within();

        var seen = atBob.Messages.Single(m => m.Seq == first.Seq);
        Assert.Equal(("hello!", 1), (seen.Body, seen.Reactions!["👍"].Count));
        Assert.Equal(["👍"], seen.Mine!);
        await alice.DeleteAsync(room.Id, first.Seq).Within();
        await Eventually.Holds(() => atBob.Messages.Single(m => m.Seq == first.Seq).DeletedAt is not null);
        await Eventually.Holds(() => alice.FindRoom(room.Id)!.Messages.Count == atBob.Messages.Count);
    }

    [Fact]
    public async Task Every_message_of_several_senders_is_announced_once_and_in_the_rooms_order_G3()
    {
        await using var alice = await server.ConnectAsync("alice");
        await using var bob = await server.ConnectAsync("bob");
        var room = await RoomOf(alice, bob);
        using var atAlice = alice.Messages();
        using var atBob = bob.Messages();

        var sends = Enumerable.Range(0, 100).SelectMany(i => new[] { alice.SendAsync(room.Id, $"a{i}"), bob.SendAsync(room.Id, $"b{i}") }).ToList();
        var answers = await Task.WhenAll(sends).Within();

        var seen = (await atAlice.TakeAsync(200).Within()).Select(e => e.Message).ToList();
        Assert.Equal(seen.Select(m => (m.Seq, m.Body)), (await atBob.TakeAsync(200).Within()).Select(e => (e.Message.Seq, e.Message.Body)));
        Assert.Equal(answers.Select(a => a.Seq).Order(), seen.Select(m => m.Seq));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"a{i}"), seen.Where(m => m.Author == alice.Me!.User).Select(m => m.Body));
    }

    [Fact]
    public async Task A_direct_message_reaches_somebody_who_never_heard_of_the_room()
    {
        await using var alice = await server.ConnectAsync("alice");
        await using var bob = await server.ConnectAsync("bob");
        using var messages = bob.Messages();

        var direct = await alice.OpenDirectAsync(bob.Me!.User).Within();
        await alice.SendAsync(direct.Id, "psst").Within();

        var (room, message) = await messages.FirstAsync(_ => true).Within();
        Assert.Equal(("@" + alice.Me!.User, "psst"), (room.Title, message.Body));
        Assert.Equal(1, room.Unread);
        await room.MarkReadAsync(message.Seq).Within();
        Assert.Equal(0, room.Unread);
    }

    [Fact]
    public async Task Presence_and_typing_are_shown()
    {
        await using var alice = await server.ConnectAsync("alice");
        await using var bob = await server.ConnectAsync("bob");
        var room = await RoomOf(alice, bob);
        var atAlice = alice.FindRoom(room.Id)!;
        await Eventually.Holds(() => atAlice.Presence.ContainsKey(bob.Me!.User));

        await bob.SetPresenceAsync(PresenceStates.Away).Within();
        await Eventually.Holds(() => atAlice.Presence.GetValueOrDefault(bob.Me!.User) == PresenceStates.Away);
        await bob.FindRoom(room.Id)!.TypingAsync().Within();
        await Eventually.Holds(() => atAlice.Typing.Contains(bob.Me!.User));
        Assert.True(await alice.PingAsync().Within() > TimeSpan.Zero);
    }

    [Fact]
    public async Task Moderation_takes_effect_at_once_and_everywhere_G6()
    {
        await using var alice = await server.ConnectAsync("alice");
        await using var bob = await server.ConnectAsync("bob");
        var room = await RoomOf(alice, bob);
        using var events = bob.Events();

        await alice.MuteAsync(room.Id, bob.Me!.User).Within();
        Assert.Equal(ErrorCodes.Muted, (await Assert.ThrowsAsync<ChatException>(() => bob.SendAsync(room.Id, "but").Within())).Code);
        await alice.MuteAsync(room.Id, bob.Me.User, minutes: 0).Within();
        await bob.SendAsync(room.Id, "thanks").Within();
        await alice.SetRoleAsync(room.Id, bob.Me.User, Roles.Moderator).Within();
        await Eventually.Holds(() => bob.FindRoom(room.Id)!.Info.Role == Roles.Moderator);

        await alice.BanAsync(room.Id, bob.Me.User, "enough").Within();

        var removed = (ChatEvent.RoomRemoved)await events.FirstAsync(e => e is ChatEvent.RoomRemoved).Within();
        Assert.Equal((room.Id, RemovalReasons.Banned), (removed.Room.Id, removed.Reason));
        Assert.Equal(bob.Me.User, Assert.Single((await alice.BansAsync(room.Id).Within()).Bans).User);
        Assert.Equal(ErrorCodes.Banned, (await Assert.ThrowsAsync<ChatException>(() => bob.JoinRoomAsync(room.Id).Within())).Code);
        await alice.UnbanAsync(room.Id, bob.Me.User).Within();
        await bob.JoinRoomAsync(room.Id).Within();
        Assert.Equal(2, (await bob.MembersAsync(room.Id).Within()).Members.Count);
    }

    [Fact]
    public async Task An_invitation_to_a_private_room_arrives_and_is_accepted()
    {
        await using var alice = await server.ConnectAsync("alice");
        await using var bob = await server.ConnectAsync("bob");
        var room = await alice.CreateRoomAsync(Unique("plans"), visibility: Visibilities.Private).Within();

        await alice.InviteAsync(room.Id, bob.Me!.User).Within();

        await Eventually.Holds(() => bob.Invitations.Any(i => i.Id == room.Id));
        await bob.JoinRoomAsync(room.Id).Within();
        await Eventually.Holds(() => bob.Invitations.Count == 0 && bob.FindRoom(room.Id) is not null);
    }

    [Fact]
    public async Task A_file_goes_up_and_comes_down_as_it_was_and_only_for_members_G6()
    {
        await using var alice = await server.ConnectAsync("alice");
        await using var bob = await server.ConnectAsync("bob");
        await using var carol = await server.ConnectAsync("carol");
        var room = await RoomOf(alice, bob);
        var content = new byte[300_000];
        new Random(7).NextBytes(content);
        var sent = new List<long>();

        var file = await alice.Files.UploadAsync(room.Id, "träume \"1\".bin", new MemoryStream(content), progress: new Reports(sent)).Within();
        await alice.SendAsync(room.Id, "", files: [file.Id]).Within();
        using var copy = new MemoryStream();
        using var received = await bob.Files.DownloadAsync(file.Id, copy).Within();

        Assert.Equal(content, copy.ToArray());
        Assert.Equal("träume \"1\".bin", received.Name);
        Assert.Equal(content.Length, sent[^1]);
        var refused = await Assert.ThrowsAsync<ChatException>(() => carol.Files.OpenAsync(file.Id).Within());
        Assert.Contains(refused.Code, new[] { ErrorCodes.NotFound, ErrorCodes.NotMember });
    }

    [Fact]
    public async Task Search_finds_what_was_written_in_ones_own_rooms()
    {
        await using var alice = await server.ConnectAsync("alice");
        await using var bob = await server.ConnectAsync("bob");
        var room = await RoomOf(alice, bob);
        var word = Unique("zucchini");
        var sent = await alice.SendAsync(room.Id, $"the {word} are ripe").Within();

        await Eventually.Holds(async () => (await bob.SearchAsync(word)).Hits.Any(h => h.Message.Seq == sent.Seq));
    }

    [Fact]
    public async Task An_api_token_signs_a_bot_in_until_it_is_ended()
    {
        await using var alice = await server.RegisterAsync("alice");
        var token = await alice.Account.CreateTokenAsync("bot").Within();
        await using var bot = new ChatClient(SignedIn.Options(server.Process.Client));

        var me = await bot.Account.UseTokenAsync(token.Token!).Within();
        await bot.ConnectAsync().Within();
        Assert.Equal(me.User, bot.Me!.User);
        Assert.Equal("bot", Assert.Single(await alice.Account.ListTokensAsync().Within()).Name);

        await alice.Account.EndTokenAsync(token.Id).Within();
        await Eventually.Holds(() => bot.Status.State == ConnectionState.SignedOut);
    }

    [Fact]
    public async Task Logging_out_ends_the_connection_and_signing_in_again_starts_anew()
    {
        await using var alice = await server.ConnectAsync("alice");
        var user = alice.Me!.User;

        await alice.Account.LogoutAsync().Within();
        await Eventually.Holds(() => alice.Status.State == ConnectionState.SignedOut);
        await server.LoginAsync(alice, user);
        await alice.ConnectAsync().Within();

        Assert.Equal(ConnectionState.Online, alice.Status.State);
        Assert.Equal(user, (await alice.Account.MeAsync().Within()).User);
    }

    [Fact]
    public async Task Refusals_carry_their_code()
    {
        await using var alice = await server.ConnectAsync("alice");
        var name = Unique("room");
        await alice.CreateRoomAsync(name).Within();

        Assert.Equal(ErrorCodes.RoomTaken, (await Assert.ThrowsAsync<ChatException>(() => alice.CreateRoomAsync(name).Within())).Code);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<ChatException>(() => alice.JoinRoomAsync("no-such-room").Within())).Code);
        Assert.Equal(ErrorCodes.BadCredentials, (await Assert.ThrowsAsync<ChatException>(() => alice.Account.LoginAsync(alice.Me!.User, "wrong password").Within())).Code);
        Assert.Equal(ErrorCodes.InvalidArgument, (await Assert.ThrowsAsync<ChatException>(() => alice.HistoryAsync(alice.Rooms[0].Id, limit: 0).Within())).Code);
    }

    [Fact]
    public async Task Rooms_are_listed_paged_and_scrolled_back()
    {
        await using var alice = await server.ConnectAsync("alice");
        var room = await alice.CreateRoomAsync(Unique("long"), "a topic").Within();
        await Task.WhenAll(Enumerable.Range(0, 260).Select(i => alice.SendAsync(room.Id, $"{i}"))).Within();
        await using var reader = await server.ConnectAsync("reader", o => o with { FollowAllRooms = false });
        await reader.JoinRoomAsync(room.Name).Within();

        var followed = await reader.FollowAsync(room.Id).Within();
        while (await followed.LoadOlderAsync().Within())
        {
            Assert.True(followed.Messages.Count <= 300);
        }

        Assert.Equal(Enumerable.Range(0, 260).Select(i => $"{i}"), followed.Messages.Where(m => m.Kind == MessageKinds.Text).Select(m => m.Body));
        Assert.Equal(Enumerable.Range(1, followed.Messages.Count).Select(i => (long)i), followed.Messages.Select(m => m.Seq));
        Assert.Equal(room.Id, Assert.Single((await reader.ListRoomsAsync(room.Name).Within()).Rooms).Id);
    }

    private static async Task<Room> RoomOf(ChatClient owner, ChatClient guest)
    {
        var room = await owner.CreateRoomAsync(Unique("room")).Within();
        await guest.JoinRoomAsync(room.Name).Within();
        await owner.FollowAsync(room.Id).Within();
        await guest.FollowAsync(room.Id).Within();
        // The news that the guest joined is a message too: let it be there before the test looks.
        await Eventually.Holds(() => owner.FindRoom(room.Id)!.Messages.Count == 1 && guest.FindRoom(room.Id)!.Messages.Count == 1);
        return room;
    }

    private static string Unique(string name) => $"{name}{Guid.NewGuid():N}"[..24];

    private sealed class Reports(List<long> reported) : IProgress<long>
    {
        public void Report(long value) => reported.Add(value);
    }
}
