using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class DirectRoomTests
{
    private readonly RegistryWorld _world = new RegistryWorld().WithAdmin("root").With("ann", "bob", "cid");

    private RegistryState State => _world.State;

    [Fact]
    public void There_is_one_for_each_pair_whoever_opens_it()
    {
        _world.Ok(new OpenDirect("c", "ann", 0, "d1", "BOB", ""));
        _world.Ok(new OpenDirect("d", "bob", 0, "d2", "ann", ""));
        Assert.Equal("d1", _world.Last.Outcome.Result);
        Assert.Null(_world.Last.Record);
        var room = State.FindDirect("bob", "ann")!;
        Assert.Equal((RoomKind.Direct, "", null, 2, RoomVisibility.Private), (room.Kind, room.Name, room.Owner, room.MemberCount, room.Visibility));
        Assert.Equal(("bob", "ann"), (State.PeerOf(room, "ann"), State.PeerOf(room, "bob")));
        Assert.Null(State.FindDirect("ann", "cid"));
    }

    [Fact]
    public void One_may_talk_to_oneself()
    {
        _world.Ok(new OpenDirect("c", "ann", 0, "d1", "ann", ""));
        var room = State.FindDirect("ann", "ann")!;
        Assert.Equal((1, "ann"), (room.MemberCount, State.PeerOf(room, "ann")));
        _world.Ok(new OpenDirect("d", "ann", 0, "d2", "ann", ""));
        Assert.Equal("d1", _world.Last.Outcome.Result);
    }

    [Fact]
    public void Nobody_can_be_removed_and_nothing_be_set()
    {
        _world.Ok(new OpenDirect("c", "ann", 0, "d1", "bob", ""));
        _world.Refused(RefusalCodes.Forbidden, new LeaveRoom("d", "ann", 0, "d1"));
        _world.Refused(RefusalCodes.Forbidden, new Kick("d", "ann", 0, "d1", "bob"));
        _world.Refused(RefusalCodes.Forbidden, new Ban("d", "ann", 0, "d1", "bob"));
        _world.Refused(RefusalCodes.Forbidden, new Mute("d", "ann", 0, "d1", "bob", 99));
        _world.Refused(RefusalCodes.Forbidden, new SetRole("d", "ann", 0, "d1", "ann", RoomRole.Owner));
        _world.Refused(RefusalCodes.Forbidden, new Invite("d", "ann", 0, "d1", "cid"));
        _world.Refused(RefusalCodes.Forbidden, new UpdateRoom("d", "ann", 0, "d1", Topic: "x"));
        _world.Refused(RefusalCodes.Forbidden, new UpdateRoom("d", "ann", 0, "d1"));
        _world.Refused(RefusalCodes.Forbidden, new DeleteRoom("d", "ann", 0, "d1"));
        _world.Refused(RefusalCodes.Forbidden, new DeleteRoom("d", "", 0, "d1"));
        _world.Refused(RefusalCodes.NotFound, new DeleteRoom("d", "root", 0, "d1"));
        _world.Refused(RefusalCodes.Forbidden, new AddMembers("d", "root", 0, "d1", ["cid"]));
        _world.Refused(RefusalCodes.NotFound, new JoinRoom("d", "cid", 0, "d1"));
        Assert.Equal(RefusalCodes.NotFound, State.Check(_world.Room("d1"), "cid", RoomAction.See, 0));
        Assert.Null(State.Check(_world.Room("d1"), "ann", RoomAction.Send, 0));
    }

    [Fact]
    public void Only_users_open_one()
    {
        _world.Refused(RefusalCodes.Forbidden, new OpenDirect("c", "", 0, "d1", "bob", ""));
        _world.Refused(RefusalCodes.NotFound, new OpenDirect("c", "ann", 0, "d1", "zoe", ""));
        _world.Refused(RefusalCodes.InvalidArgument, new OpenDirect("c", "ann", 0, "", "bob", ""));
    }

    [Fact]
    public void It_has_no_peer_where_it_is_no_direct_room() =>
        Assert.Null(State.PeerOf(_world.WithRoom("r1", RoomVisibility.Public, "ann"), "ann"));
}
