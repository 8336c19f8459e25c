using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class RoomTests
{
    private readonly RegistryWorld _world = new RegistryWorld().WithAdmin("root").With("ann", "bob", "cid", "dot");

    private RegistryState State => _world.State;

    [Fact]
    public void The_creator_owns_the_room()
    {
        _world.Ok(new CreateRoom("c", "ann", 7, "r1", " Lobby ", " all ", RoomVisibility.Public, [1], ""));
        Assert.Equal("r1", _world.Last.Outcome.Result);
        var room = _world.Room("r1");
        Assert.Equal(("r1", "Lobby", "all", "ann", "ann", 7L, 1), (room.Id, room.Name, room.Topic, room.Owner!, room.CreatedBy, room.CreatedAt, room.MemberCount));
        Assert.True(room.HasPassword);
        Assert.Same(room, State.FindPublicRoom("LOBBY "));
        Assert.Same(room, State.FindRoomOrName("lobby"));
        Assert.Same(room, State.FindRoomOrName("r1"));
        Assert.Null(State.FindRoomOrName("other"));
        var owner = State.FindMembership("r1", "ann")!.Value;
        Assert.Equal((RoomRole.Owner, 7L, 0L), (owner.Role, owner.JoinedAt, owner.MutedUntil));
        Assert.Null(State.FindMembership("r1", "zoe"));
        Assert.Null(State.FindMembership("r9", "ann"));
    }

    [Fact]
    public void Nonsense_makes_no_room()
    {
        Command Create(string id = "r1", string name = "x", string? topic = null, RoomVisibility visibility = RoomVisibility.Public, byte[]? hash = null, string worker = "") =>
            new CreateRoom("", "ann", 0, id, name, topic, visibility, hash, worker);

        _world.Refused(RefusalCodes.InvalidArgument, Create(id: ""));
        _world.Refused(RefusalCodes.InvalidArgument, Create(id: "a b"));
        _world.Refused(RefusalCodes.InvalidArgument, Create(name: "\n"));
        _world.Refused(RefusalCodes.TooLarge, Create(topic: new string('x', 501)));
        _world.Refused(RefusalCodes.InvalidArgument, Create(visibility: (RoomVisibility)7));
        _world.Refused(RefusalCodes.InvalidArgument, Create(hash: new byte[300]));
        _world.Refused(RefusalCodes.Unavailable, Create(worker: "w1"));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateRoom("", "", 0, "r1", "x", null, RoomVisibility.Public, null, ""));
        _world.Ok(Create());
        _world.Refused(RefusalCodes.InvalidArgument, Create(name: "y"));
    }

    [Fact]
    public void Names_are_unique_among_public_rooms()
    {
        _world.WithRoom("Lobby", RoomVisibility.Public, "ann");
        _world.Refused(RefusalCodes.RoomTaken, new CreateRoom("c", "bob", 0, "r2", "LOBBY", null, RoomVisibility.Public, null, ""));
        _world.Ok(new CreateRoom("d", "bob", 0, "r3", "lobby", null, RoomVisibility.Private, null, ""));
        _world.Refused(RefusalCodes.RoomTaken, new UpdateRoom("e", "bob", 0, "r3", Visibility: RoomVisibility.Public));
        _world.Ok(new UpdateRoom("f", "bob", 0, "r3", Name: "Den", Visibility: RoomVisibility.Public));
        _world.Refused(RefusalCodes.RoomTaken, new UpdateRoom("g", "bob", 0, "r3", Name: "lobby"));
        _world.Ok(new UpdateRoom("h", "bob", 0, "r3", Name: "DEN"));
        Assert.Equal("DEN", State.FindPublicRoom("den")!.Name);
    }

    [Fact]
    public void An_archived_room_keeps_its_name_until_nobody_is_in_it()
    {
        _world.WithRoom("Lobby", RoomVisibility.Public, "ann");
        _world.Ok(new UpdateRoom("c", "ann", 0, "Lobby", Archived: true));
        _world.Refused(RefusalCodes.RoomTaken, new CreateRoom("d", "bob", 0, "r2", "lobby", null, RoomVisibility.Public, null, ""));
        _world.Ok(new LeaveRoom("e", "ann", 0, "Lobby"));
        _world.Ok(new CreateRoom("f", "bob", 0, "r2", "lobby", null, RoomVisibility.Public, null, ""));
        _world.Refused(RefusalCodes.Forbidden, new UpdateRoom("g", "root", 0, "Lobby", Archived: false));
        _world.Ok(new DeleteRoom("h", "root", 0, "Lobby"));
        Assert.Equal("r2", State.FindPublicRoom("lobby")!.Id);
    }

    [Fact]
    public void Joining_a_public_room_is_free()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann", "bob");
        Assert.Equal(RoomRole.Member, _world.Role("r1", "bob"));
        _world.Ok(new JoinRoom("c", "bob", 0, "r1"));
        Assert.Null(_world.Last.Record);
        Assert.Equal("r1", _world.Last.Outcome.Result);
        _world.Refused(RefusalCodes.NotFound, new JoinRoom("d", "bob", 0, "r9"));
        _world.Refused(RefusalCodes.Forbidden, new JoinRoom("d", "", 0, "r1"));
    }

    [Fact]
    public void A_password_must_be_verified_in_its_newest_version()
    {
        _world.Ok(new CreateRoom("c", "ann", 0, "r1", "x", null, RoomVisibility.Public, [1], ""));
        _world.Refused(RefusalCodes.WrongPassword, new JoinRoom("d", "bob", 0, "r1"));
        var verified = _world.Room("r1").PasswordVersion;
        _world.Ok(new UpdateRoom("e", "ann", 0, "r1", PasswordHash: [2]));
        _world.Refused(RefusalCodes.WrongPassword, new JoinRoom("f", "bob", 0, "r1", verified));
        _world.Ok(new JoinRoom("g", "bob", 0, "r1", _world.Room("r1").PasswordVersion));
        _world.Ok(new Invite("h", "bob", 0, "r1", "cid"));
        _world.Ok(new JoinRoom("i", "cid", 0, "r1"));
        _world.Ok(new UpdateRoom("j", "ann", 0, "r1", PasswordHash: []));
        Assert.False(_world.Room("r1").HasPassword);
        _world.Ok(new JoinRoom("k", "dot", 0, "r1"));
        _world.Ok(new UpdateRoom("l", "ann", 0, "r1", PasswordHash: []));
        Assert.Null(_world.Last.Record);
    }

    [Fact]
    public void G6_a_private_room_is_hidden_from_those_who_are_not_invited()
    {
        _world.WithRoom("r1", RoomVisibility.Private, "ann");
        _world.Refused(RefusalCodes.NotFound, new JoinRoom("c", "bob", 0, "r1"));
        _world.Refused(RefusalCodes.NotFound, new LeaveRoom("c", "bob", 0, "r1"));
        _world.Refused(RefusalCodes.NotFound, new Invite("c", "bob", 0, "r1", "cid"));
        _world.Refused(RefusalCodes.NotFound, new UpdateRoom("c", "bob", 0, "r1", Topic: "x"));
        _world.Refused(RefusalCodes.NotFound, new UpdateRoom("c", "bob", 0, "r1"));
        _world.Refused(RefusalCodes.NotFound, new DeleteRoom("c", "bob", 0, "r1"));
        _world.Refused(RefusalCodes.NotFound, new Kick("c", "bob", 0, "r1", "ann"));
        Assert.Null(State.FindPublicRoom("r1"));
        Assert.Empty(State.PublicRooms());
        _world.Ok(new Ban("d", "ann", 0, "r1", "bob"));
        _world.Refused(RefusalCodes.NotFound, new JoinRoom("e", "bob", 0, "r1"));
    }

    [Fact]
    public void Invitations_are_taken_declined_and_listed()
    {
        _world.WithRoom("r1", RoomVisibility.Private, "ann");
        _world.Ok(new Invite("c", "ann", 9, "r1", "bob"));
        _world.Ok(new Invite("d", "ann", 9, "r1", "bob"));
        Assert.Null(_world.Last.Record);
        Assert.Equal(RoomRole.Invited, _world.Role("r1", "bob"));
        Assert.Equal([("r1", "ann", 9L)], State.InvitationsOf("bob").Select(i => (i.Room.Id, i.By, i.At)));
        _world.Refused(RefusalCodes.NotMember, new Invite("e", "bob", 0, "r1", "cid"));
        _world.Ok(new LeaveRoom("f", "bob", 0, "r1"));
        Assert.Empty(State.InvitationsOf("bob"));
        _world.Refused(RefusalCodes.NotFound, new JoinRoom("g", "bob", 0, "r1"));
        _world.Ok(new Invite("h", "ann", 0, "r1", "bob"));
        _world.Ok(new JoinRoom("i", "bob", 0, "r1"));
        Assert.Empty(State.InvitationsOf("bob"));
        _world.Refused(RefusalCodes.NotFound, new Invite("j", "ann", 0, "r1", "zoe"));
        Assert.Empty(State.InvitationsOf("zoe"));
    }

    [Fact]
    public void The_longest_serving_moderator_then_member_becomes_owner()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann", "bob", "cid", "dot");
        _world.Ok(new SetRole("c", "ann", 0, "r1", "dot", RoomRole.Moderator));
        _world.Ok(new LeaveRoom("d", "ann", 0, "r1"));
        Assert.Equal(RoomRole.Owner, _world.Role("r1", "dot"));
        _world.Ok(new LeaveRoom("e", "dot", 0, "r1"));
        Assert.Equal("bob", _world.Room("r1").Owner);
        _world.Ok(new LeaveRoom("f", "cid", 0, "r1"));
        _world.Ok(new LeaveRoom("g", "bob", 0, "r1"));
        Assert.True(_world.Room("r1").Archived);
        Assert.Null(_world.Room("r1").Owner);
        _world.Refused(RefusalCodes.Forbidden, new JoinRoom("h", "bob", 0, "r1"));
    }

    [Fact]
    public void An_invitation_to_a_room_that_nobody_is_left_in_is_void()
    {
        _world.WithRoom("r1", RoomVisibility.Private, "ann");
        _world.Ok(new Invite("c", "ann", 0, "r1", "bob"));
        _world.Ok(new LeaveRoom("d", "ann", 0, "r1"));
        Assert.Empty(State.InvitationsOf("bob"));
    }

    [Fact]
    public void Who_is_no_member_cannot_leave()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann");
        _world.Refused(RefusalCodes.NotMember, new LeaveRoom("c", "bob", 0, "r1"));
    }

    [Fact]
    public void Settings_change_one_by_one()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann", "bob", "cid");
        _world.Ok(new SetRole("c", "ann", 0, "r1", "bob", RoomRole.Moderator));
        _world.Ok(new UpdateRoom("d", "bob", 0, "r1", Topic: " new "));
        _world.Ok(new UpdateRoom("e", "bob", 0, "r1", SlowModeSeconds: 30));
        Assert.Equal(("new", 30), (_world.Room("r1").Topic, _world.Room("r1").SlowModeSeconds));
        Assert.Equal("r1", _world.Last.Outcome.Result);
        _world.Ok(new UpdateRoom("f", "bob", 0, "r1", Topic: "new", SlowModeSeconds: 30));
        Assert.Null(_world.Last.Record);
        _world.Ok(new UpdateRoom("g", "bob", 0, "r1", Topic: ""));
        Assert.Equal("", _world.Room("r1").Topic);
        _world.Refused(RefusalCodes.Forbidden, new UpdateRoom("h", "bob", 0, "r1", Name: "x"));
        _world.Refused(RefusalCodes.Forbidden, new UpdateRoom("h", "bob", 0, "r1", Topic: "x", Archived: true));
        _world.Refused(RefusalCodes.Forbidden, new UpdateRoom("h", "cid", 0, "r1", Topic: "x"));
        _world.Refused(RefusalCodes.NotMember, new UpdateRoom("h", "dot", 0, "r1", Topic: "x"));
        _world.Refused(RefusalCodes.NotFound, new UpdateRoom("h", "ann", 0, "r9", Topic: "x"));
        _world.Refused(RefusalCodes.InvalidArgument, new UpdateRoom("h", "ann", 0, "r1", Name: "\n"));
        _world.Refused(RefusalCodes.InvalidArgument, new UpdateRoom("h", "ann", 0, "r1", Topic: "a\nb"));
        _world.Refused(RefusalCodes.InvalidArgument, new UpdateRoom("h", "ann", 0, "r1", SlowModeSeconds: 3_601));
        _world.Refused(RefusalCodes.InvalidArgument, new UpdateRoom("h", "ann", 0, "r1", SlowModeSeconds: -1));
        _world.Refused(RefusalCodes.InvalidArgument, new UpdateRoom("h", "ann", 0, "r1", RetentionDays: 36_501));
        _world.Refused(RefusalCodes.InvalidArgument, new UpdateRoom("h", "ann", 0, "r1", RetentionDays: -1));
        _world.Refused(RefusalCodes.InvalidArgument, new UpdateRoom("h", "ann", 0, "r1", Visibility: (RoomVisibility)5));
        _world.Refused(RefusalCodes.InvalidArgument, new UpdateRoom("h", "ann", 0, "r1", PasswordHash: new byte[300]));
        _world.Refused(RefusalCodes.Forbidden, new UpdateRoom("h", "bob", 0, "r1", RetentionDays: 7));
        _world.Ok(new UpdateRoom("j", "ann", 0, "r1", RetentionDays: 7));
        Assert.Equal(7, _world.Room("r1").RetentionDays);
        _world.Ok(new UpdateRoom("i", "ann", 0, "r1", Name: "Den", Visibility: RoomVisibility.Private, PasswordHash: [1]));
        Assert.Equal("name Den, private, password set", State.AuditPage(null, 1)[0].Text);
    }

    [Fact]
    public void An_archived_room_takes_nothing_but_its_revival()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann", "bob");
        _world.Ok(new UpdateRoom("c", "ann", 0, "r1", Archived: true));
        _world.Refused(RefusalCodes.Forbidden, new JoinRoom("d", "cid", 0, "r1"));
        _world.Refused(RefusalCodes.Forbidden, new UpdateRoom("d", "ann", 0, "r1", Topic: "x"));
        _world.Refused(RefusalCodes.Forbidden, new Invite("d", "ann", 0, "r1", "cid"));
        _world.Refused(RefusalCodes.Forbidden, new AddMembers("d", "root", 0, "r1", ["cid"]));
        Assert.Equal(RefusalCodes.Forbidden, State.Check(_world.Room("r1"), "ann", RoomAction.Send, 0));
        Assert.Null(State.Check(_world.Room("r1"), "ann", RoomAction.Read, 0));
        Assert.Empty(State.PublicRooms());
        _world.Ok(new UpdateRoom("e", "ann", 0, "r1", Topic: "x", Archived: false));
        Assert.Null(State.Check(_world.Room("r1"), "ann", RoomAction.Send, 0));
        _world.Ok(new UpdateRoom("f", "ann", 0, "r1", PasswordHash: []));
        Assert.Contains(State.AuditPage(null, 9), line => line.Text == "no longer archived");
    }

    [Fact]
    public void Deleting_a_room_leaves_nothing_of_it()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann", "bob");
        _world.Ok(new Invite("c", "ann", 0, "r1", "cid"));
        _world.Ok(new Ban("d", "ann", 0, "r1", "dot"));
        var handle = _world.Room("r1").Handle;
        _world.Refused(RefusalCodes.Forbidden, new DeleteRoom("e", "bob", 0, "r1"));
        _world.Ok(new DeleteRoom("e", "ann", 0, "r1"));
        Assert.Null(State.FindRoom("r1"));
        Assert.Null(State.RoomAt(handle));
        Assert.Null(State.FindPublicRoom("r1"));
        Assert.Empty(State.RoomsOf("bob"));
        Assert.Empty(State.InvitationsOf("cid"));
        Assert.Equal(0, State.MembershipCount);
        Assert.Equal(RefusalCodes.NotFound, State.Check(State.FindRoom("r1"), "ann", RoomAction.See, 0));
        _world.Refused(RefusalCodes.NotFound, new DeleteRoom("f", "ann", 0, "r1"));
    }

    [Fact]
    public void Administrators_make_rooms_with_members()
    {
        _world.Ok(new CreateRoom("c", "", 5, "r1", "x", null, RoomVisibility.Public, null, "", ["bob", "ann", "BOB"]));
        Assert.Equal(("bob", 2), (_world.Room("r1").Owner!, _world.Room("r1").MemberCount));
        _world.Ok(new CreateRoom("d", "root", 5, "r2", "y", null, RoomVisibility.Private, null, "", ["bob", "root"]));
        Assert.Equal(["root", "bob"], State.MembersOf(_world.Room("r2")));
        var line = Assert.Single(State.AuditPage(null, 9)); // What the system does is not audited.
        Assert.Equal(("root", "createRoom", "r2", "y, 1 members"), (line.Actor, line.Action, line.Room, line.Text));
        _world.Refused(RefusalCodes.Forbidden, new CreateRoom("e", "ann", 5, "r3", "z", null, RoomVisibility.Public, null, "", ["bob"]));
        _world.Refused(RefusalCodes.NotFound, new CreateRoom("e", "root", 5, "r3", "z", null, RoomVisibility.Public, null, "", ["zoe"]));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateRoom("e", "root", 5, "r3", "z", null, RoomVisibility.Public, null, "", new string[10_001]));

        _world.Ok(new Invite("f", "root", 0, "r2", "cid"));
        _world.Ok(new Ban("g", "root", 0, "r2", "dot"));
        _world.Ok(new AddMembers("h", "root", 6, "r2", ["bob", "cid", "dot", "ann"]));
        Assert.Equal("2", _world.Last.Outcome.Result);
        Assert.Equal(["root", "bob", "cid", "ann"], State.MembersOf(_world.Room("r2")));
        Assert.DoesNotContain(_world.Room("r2").Notices, notice => notice.Kind == NoticeKind.Join);
        _world.Refused(RefusalCodes.Forbidden, new AddMembers("i", "ann", 0, "r2", ["bob"]));
        _world.Refused(RefusalCodes.NotFound, new AddMembers("i", "root", 0, "r9", ["bob"]));
        _world.Refused(RefusalCodes.NotFound, new AddMembers("i", "root", 0, "r2", ["zoe"]));
        _world.Ok(new AddMembers("j", "root", 0, "r2", ["bob"]));
        Assert.Equal(("0", null), (_world.Last.Outcome.Result, _world.Last.Record));
    }

    [Fact]
    public void Limits_are_kept()
    {
        var world = new RegistryWorld(new RegistryLimits(Rooms: 3, RoomsPerUser: 1, MembersPerRoom: 2, InvitationsPerUser: 1, InvitationsPerRoom: 1))
            .WithAdmin("root").With("ann", "bob", "cid", "dot");
        world.WithRoom("r1", RoomVisibility.Public, "ann", "bob");
        world.Refused(RefusalCodes.TooLarge, new CreateRoom("c", "ann", 0, "r2", "y", null, RoomVisibility.Public, null, ""));
        world.Refused(RefusalCodes.TooLarge, new JoinRoom("c", "cid", 0, "r1"));
        world.Refused(RefusalCodes.TooLarge, new AddMembers("c", "root", 0, "r1", ["cid"]));
        world.Refused(RefusalCodes.TooLarge, new CreateRoom("c", "root", 0, "r2", "y", null, RoomVisibility.Public, null, "", ["ann", "bob"]));
        world.WithRoom("r2", RoomVisibility.Public, "cid");
        world.Refused(RefusalCodes.TooLarge, new JoinRoom("d", "ann", 0, "r2"));
        world.Ok(new Invite("e", "cid", 0, "r2", "dot"));
        world.Refused(RefusalCodes.TooLarge, new Invite("f", "cid", 0, "r2", "root"));
        world.Refused(RefusalCodes.TooLarge, new Invite("f", "ann", 0, "r1", "dot"));
        world.Ok(new OpenDirect("g", "ann", 0, "d1", "bob", ""));
        world.Refused(RefusalCodes.TooLarge, new OpenDirect("h", "cid", 0, "d2", "bob", ""));
        world.Ok(new DeleteRoom("i", "ann", 0, "r1"));
        world.Refused(RefusalCodes.TooLarge, new OpenDirect("j", "ann", 0, "d2", "cid", ""));
    }

    [Fact]
    public void Members_are_listed_in_order_of_joining()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann", "dot", "cid", "bob");
        _world.Ok(new LeaveRoom("c", "cid", 0, "r1"));
        _world.Ok(new JoinRoom("d", "cid", 0, "r1"));
        var page = State.MembersPage(_world.Room("r1"), -1, 2);
        Assert.Equal(["ann", "dot"], page.Select(member => member.User));
        page = State.MembersPage(_world.Room("r1"), page[^1].Cursor, 2);
        Assert.Equal(["bob", "cid"], page.Select(member => member.User));
        Assert.Empty(State.MembersPage(_world.Room("r1"), page[^1].Cursor, 2));
        Assert.Equal(4, State.MemberHandlesOf(_world.Room("r1")).Distinct().Count());
    }

    [Fact]
    public void Rooms_are_listed_in_order_of_creation()
    {
        _world.WithRoom("b", RoomVisibility.Public, "ann");
        _world.WithRoom("p", RoomVisibility.Private, "ann");
        _world.WithRoom("a", RoomVisibility.Public, "ann");
        Assert.Equal(["b", "a"], State.PublicRooms().Select(room => room.Id));
        Assert.Equal(["a"], State.PublicRooms(State.FindRoom("b")!.Handle).Select(room => room.Id));
        Assert.Equal(["b", "p", "a"], State.AllRooms().Select(room => room.Id));
        Assert.Equal(["b", "p", "a"], State.RoomsOf("ann").Select(room => room.Id));
        Assert.Empty(State.RoomsOf("zoe"));
    }
}
