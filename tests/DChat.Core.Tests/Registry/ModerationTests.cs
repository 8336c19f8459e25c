using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class ModerationTests
{
    private readonly RegistryWorld _world = new RegistryWorld().WithAdmin("root").With("ann", "bob", "cid", "dot");

    public ModerationTests()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann", "bob", "cid");
        _world.Ok(new SetRole("m", "ann", 0, "r1", "bob", RoomRole.Moderator));
    }

    private RegistryState State => _world.State;

    [Fact]
    public void Kicking_removes_a_member_who_may_come_again()
    {
        _world.Ok(new Kick("c", "bob", 0, "r1", "cid", " spam "));
        Assert.Equal(RoomRole.None, _world.Role("r1", "cid"));
        Assert.Contains(_world.Last.Events, e => e is MemberLeft { User: "cid", Reason: LeaveReason.Kicked, Text: "spam" });
        _world.Refused(RefusalCodes.NotFound, new Kick("d", "bob", 0, "r1", "cid"));
        _world.Ok(new JoinRoom("e", "cid", 0, "r1"));
        _world.Ok(new Invite("f", "ann", 0, "r1", "dot"));
        _world.Ok(new Kick("g", "ann", 0, "r1", "dot"));
        Assert.Empty(State.InvitationsOf("dot"));
    }

    [Fact]
    public void One_moderates_lower_roles_only_and_not_oneself()
    {
        _world.Refused(RefusalCodes.Forbidden, new Kick("c", "bob", 0, "r1", "ann"));
        _world.Refused(RefusalCodes.Forbidden, new Kick("c", "cid", 0, "r1", "bob"));
        _world.Refused(RefusalCodes.InvalidArgument, new Kick("c", "ann", 0, "r1", "ann"));
        _world.Refused(RefusalCodes.NotMember, new Kick("c", "dot", 0, "r1", "cid"));
        _world.Refused(RefusalCodes.NotFound, new Kick("c", "ann", 0, "r1", "zoe"));
        _world.Refused(RefusalCodes.TooLarge, new Kick("c", "ann", 0, "r1", "cid", new string('x', 301)));
        _world.Ok(new Kick("c", "root", 0, "r1", "ann"));
        Assert.Equal("bob", _world.Room("r1").Owner);
    }

    [Fact]
    public void The_banned_stay_out_until_they_are_unbanned()
    {
        _world.Ok(new Ban("c", "bob", 8, "r1", "cid", "spam"));
        Assert.Equal(new BanInfo("cid", "bob", "spam", 8), State.FindBan(_world.Room("r1"), "CID"));
        Assert.Null(State.FindBan(_world.Room("r1"), "dot"));
        Assert.Null(State.FindBan(_world.Room("r1"), "zoe"));
        _world.Refused(RefusalCodes.Banned, new JoinRoom("d", "cid", 0, "r1"));
        _world.Refused(RefusalCodes.Banned, new Invite("d", "ann", 0, "r1", "cid"));
        Assert.Equal(RefusalCodes.Banned, State.Check(_world.Room("r1"), "cid", RoomAction.Read, 0));
        _world.Ok(new Ban("e", "bob", 0, "r1", "cid"));
        Assert.Null(_world.Last.Record);
        _world.Refused(RefusalCodes.Banned, new Unban("f", "cid", 0, "r1", "cid"));
        _world.Ok(new Unban("f", "bob", 0, "r1", "cid"));
        _world.Ok(new Unban("g", "bob", 0, "r1", "cid"));
        Assert.Null(_world.Last.Record);
        _world.Refused(RefusalCodes.NotFound, new Unban("h", "bob", 0, "r1", "zoe"));
        _world.Ok(new JoinRoom("i", "cid", 0, "r1"));
    }

    [Fact]
    public void A_ban_takes_back_an_invitation_and_works_ahead()
    {
        _world.Ok(new Invite("c", "ann", 0, "r1", "dot"));
        _world.Ok(new Ban("d", "ann", 0, "r1", "dot"));
        Assert.Empty(State.InvitationsOf("dot"));
        _world.Ok(new Ban("e", "ann", 0, "r1", "root"));
        Assert.Equal(["root", "dot"], State.BansPage(_world.Room("r1"), null, 9).Select(ban => ban.User));
        Assert.Equal(["dot"], State.BansPage(_world.Room("r1"), "root", 9).Select(ban => ban.User));
        Assert.Equal(["root"], State.BansPage(_world.Room("r1"), null, 1).Select(ban => ban.User));
    }

    [Fact]
    public void A_mute_lasts_until_its_time_and_outlives_leaving()
    {
        _world.Ok(new Mute("c", "bob", 100, "r1", "cid", 500, "loud"));
        Assert.Equal(500, State.FindMembership("r1", "cid")!.Value.MutedUntil);
        Assert.Equal(RefusalCodes.Muted, State.Check(_world.Room("r1"), "cid", RoomAction.Send, 499));
        Assert.Equal(RefusalCodes.Muted, State.Check(_world.Room("r1"), "cid", RoomAction.EditOwn, 499));
        Assert.Null(State.Check(_world.Room("r1"), "cid", RoomAction.Read, 499));
        Assert.Null(State.Check(_world.Room("r1"), "cid", RoomAction.Send, 500));
        _world.Ok(new Mute("d", "bob", 100, "r1", "cid", 500));
        Assert.Null(_world.Last.Record);
        _world.Ok(new LeaveRoom("e", "cid", 100, "r1"));
        _world.Refused(RefusalCodes.NotFound, new Mute("f", "bob", 100, "r1", "cid", 600));
        _world.Ok(new JoinRoom("g", "cid", 100, "r1"));
        Assert.Equal(RefusalCodes.Muted, State.Check(_world.Room("r1"), "cid", RoomAction.Send, 499));
        _world.Ok(new Mute("h", "bob", 100, "r1", "cid", 0));
        Assert.Null(State.Check(_world.Room("r1"), "cid", RoomAction.Send, 101));
        _world.Ok(new Mute("i", "bob", 100, "r1", "cid", 0));
        Assert.Null(_world.Last.Record);
        _world.Refused(RefusalCodes.InvalidArgument, new Mute("j", "bob", 100, "r1", "cid", -1));
        _world.Refused(RefusalCodes.Forbidden, new Mute("j", "bob", 100, "r1", "ann", 500));
    }

    [Fact]
    public void Expired_mutes_are_forgotten()
    {
        _world.Ok(new Mute("c", "ann", 100, "r1", "cid", 500));
        _world.Ok(new Mute("d", "ann", 600, "r1", "bob", 900));
        Assert.Equal(0, State.FindMembership("r1", "cid")!.Value.MutedUntil);
    }

    [Fact]
    public void Owners_give_roles()
    {
        _world.Refused(RefusalCodes.Forbidden, new SetRole("c", "bob", 0, "r1", "cid", RoomRole.Moderator));
        _world.Refused(RefusalCodes.InvalidArgument, new SetRole("c", "ann", 0, "r1", "cid", RoomRole.Invited));
        _world.Refused(RefusalCodes.NotFound, new SetRole("c", "ann", 0, "r1", "dot", RoomRole.Member));
        _world.Refused(RefusalCodes.NotFound, new SetRole("c", "ann", 0, "r1", "zoe", RoomRole.Member));
        _world.Refused(RefusalCodes.Forbidden, new SetRole("c", "ann", 0, "r1", "ann", RoomRole.Member));
        _world.Ok(new SetRole("c", "ann", 0, "r1", "bob", RoomRole.Moderator));
        Assert.Null(_world.Last.Record);
        _world.Ok(new SetRole("d", "ann", 0, "r1", "cid", RoomRole.Owner));
        Assert.Equal("ann", _world.Room("r1").Owner);
        _world.Refused(RefusalCodes.Forbidden, new SetRole("e", "ann", 0, "r1", "cid", RoomRole.Member));
        _world.Ok(new SetRole("e", "ann", 0, "r1", "ann", RoomRole.Member));
        Assert.Equal("cid", _world.Room("r1").Owner);
        _world.Refused(RefusalCodes.Forbidden, new SetRole("f", "root", 0, "r1", "cid", RoomRole.Member));
        _world.Ok(new SetRole("f", "root", 0, "r1", "ann", RoomRole.Owner));
        _world.Ok(new SetRole("g", "root", 0, "r1", "cid", RoomRole.Member));
        Assert.Equal(RoomRole.Member, _world.Role("r1", "cid"));
    }

    [Fact]
    public void Rights_are_checked_for_who_can_sign_in()
    {
        var room = _world.Room("r1");
        Assert.Null(State.Check(room, "bob", RoomAction.Kick, 0));
        Assert.Equal(RefusalCodes.Forbidden, State.Check(room, "cid", RoomAction.Kick, 0));
        Assert.Equal(RefusalCodes.NotMember, State.Check(room, "dot", RoomAction.Read, 0));
        Assert.Equal(RefusalCodes.NotFound, State.Check(room, "zoe", RoomAction.Read, 0));
        Assert.Equal(RefusalCodes.NotFound, State.Check(null, "ann", RoomAction.Read, 0));
        _world.Ok(new DisableAccount("c", "root", 0, "bob"));
        Assert.Equal(RefusalCodes.NotFound, State.Check(_world.Room("r1"), "bob", RoomAction.Read, 0));
    }

    [Fact]
    public void G6_an_administrator_does_not_look_into_private_rooms_but_may_end_them()
    {
        _world.WithRoom("den", RoomVisibility.Private, "ann", "bob");
        foreach (var action in Enum.GetValues<RoomAction>())
        {
            var expected = RoomRights.AllowsAdministrator(action, RoomVisibility.Private) ? null : RefusalCodes.NotFound;
            Assert.Equal(expected, State.Check(_world.Room("den"), "root", action, 0));
        }

        Assert.Null(State.Check(_world.Room("r1"), "root", RoomAction.ListMembers, 0));
        Assert.Equal(RefusalCodes.NotMember, State.Check(_world.Room("r1"), "root", RoomAction.Read, 0));
        _world.Ok(new DeleteRoom("c", "root", 0, "den"));
        Assert.Equal(("root", "deleteRoom", "den"), (State.AuditPage(null, 1)[0].Actor, State.AuditPage(null, 1)[0].Action, State.AuditPage(null, 1)[0].Room));
    }

    [Fact]
    public void Moderation_leaves_a_trail_newest_first()
    {
        _world.Ok(new Ban("c", "ann", 9, "r1", "cid", "spam"));
        var line = State.AuditPage(null, 1)[0];
        Assert.Equal(new AuditLine(line.Number, State.Index, 9, "ann", "ban", "r1", "cid", "spam"), line);
        Assert.Equal(line.Number - 1, State.AuditPage(line.Number, 1)[0].Number);
        Assert.Equal(line.Number, State.AuditPage(null, 100).Count);
        Assert.Empty(State.AuditPage(1, 10));
    }

    [Fact]
    public void The_trail_tells_which_rooms_were_deleted_since_an_entry()
    {
        _world.WithRoom("den", RoomVisibility.Private, "ann", "bob");
        Assert.Empty(State.DeletionsAfter(0));
        _world.Ok(new DeleteRoom("d1", "root", 0, "den"));
        var index = State.Index;
        _world.Ok(new Ban("d2", "ann", 9, "r1", "cid", "spam"));
        Assert.Empty(State.DeletionsAfter(index));
        _world.Ok(new DeleteRoom("d3", "root", 0, "r1"));
        Assert.Equal(["r1"], State.DeletionsAfter(index));
        Assert.Equal(["r1", "den"], State.DeletionsAfter(index - 1));
    }

    [Fact]
    public void The_trail_is_bounded()
    {
        for (var i = 0; i < RegistryBounds.AuditLines / 2; i++)
        {
            State.AuditPage(null, 1);
            Step(new GrantRole("", "root", 0, "dot", "admin"));
            Step(new RevokeRole("", "root", 0, "dot", "admin"));
        }

        var page = State.AuditPage(null, int.MaxValue);
        Assert.Equal(RegistryBounds.AuditLines, page.Count);
        Assert.Equal(page.Count, page.Select(line => line.Number).Distinct().Count());
        Assert.All(page, line => Assert.NotEqual("setRole", line.Action));

        void Step(Command command) =>
            _world.State = RegistryMachine.Apply(State, State.Index + 1, RegistryMachine.Decide(State, command, RegistryLimits.None).Record!);
    }
}
