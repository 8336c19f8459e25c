using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class NoticeTests
{
    private readonly RegistryWorld _world = new RegistryWorld().WithAdmin("root").With("ann", "bob", "cid");

    [Fact]
    public void What_happens_in_a_room_is_told_in_words()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann", "bob", "cid");
        _world.Ok(new UpdateRoom("c", "ann", 0, "r1", Name: "Den", Topic: "all"));
        _world.Ok(new UpdateRoom("d", "ann", 0, "r1", Topic: ""));
        _world.Ok(new SetRole("e", "ann", 0, "r1", "bob", RoomRole.Moderator));
        _world.Ok(new Kick("f", "ann", 0, "r1", "cid"));
        _world.Ok(new Ban("g", "ann", 0, "r1", "cid", "spam"));
        _world.Ok(new LeaveRoom("h", "ann", 0, "r1"));
        Assert.Equal(
            [
                "ann renamed the room to Den", "ann set the topic to: all", "ann cleared the topic", "bob is now moderator",
                "ann removed cid", "ann banned cid: spam", "ann left", "bob is now owner",
            ],
            Texts("r1"));
    }

    [Fact]
    public void Joining_is_told_in_small_rooms_only()
    {
        var users = Enumerable.Range(0, RegistryBounds.JoinNoticeMembers).Select(i => $"u{i}").ToList();
        _world.Ok(new CreateAccounts("c", "root", 0, users));
        _world.Ok(new CreateRoom("d", "ann", 0, "r1", "x", null, RoomVisibility.Public, null, ""));
        _world.Ok(new JoinRoom("e", "bob", 0, "r1"));
        Assert.Equal(["bob joined"], Texts("r1"));
        _world.Ok(new AddMembers("f", "root", 0, "r1", users.Take(97).ToList()));
        _world.Ok(new JoinRoom("g", "cid", 0, "r1"));
        _world.Ok(new Kick("h", "ann", 0, "r1", "u0"));
        Assert.Equal(["bob joined", "ann removed u0"], Texts("r1"));
    }

    [Fact]
    public void Each_has_a_client_id_of_its_own_and_only_the_newest_are_kept()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann");
        for (var i = 0; i < 10; i++)
        {
            _world.Ok(new UpdateRoom("", "ann", 0, "r1", Name: $"n{i}", Topic: $"t{i}"));
        }

        var notices = _world.Room("r1").Notices;
        Assert.Equal(RegistryBounds.NoticesPerRoom, notices.Count);
        Assert.Equal(notices.Count, notices.Select(notice => notice.ClientId).Distinct().Count());
        Assert.Equal($"log-{_world.State.Index}-1", notices[^1].ClientId);
    }

    [Fact]
    public void Ordinals_run_through_all_records_of_an_entry()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann");
        var state = _world.State;
        var records = new List<RegistryRecord>();
        var head = state;
        foreach (var topic in new[] { "a", "b", "c" })
        {
            var record = RegistryMachine.Decide(head, new UpdateRoom("", "ann", 0, "r1", Topic: topic), RegistryLimits.None).Record!;
            records.Add(record);
            head = RegistryMachine.Apply(head, state.Index + 1, record);
        }

        var whole = RegistryMachine.Apply(state, state.Index + 1, new RegistryEntry(1, 0, records));
        Assert.Equal([0, 1, 2], whole.FindRoom("r1")!.Notices.Select(notice => notice.Ordinal));
        Assert.Equal(whole.FindRoom("r1")!.Notices, head.FindRoom("r1")!.Notices);
    }

    [Fact]
    public void An_entry_keeps_all_of_its_notices_until_the_next_one()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann");
        var before = _world.State;
        var records = new List<RegistryRecord>();
        var head = before;
        for (var i = 0; i < 20; i++)
        {
            records.Add(RegistryMachine.Decide(head, new UpdateRoom("", "ann", 0, "r1", Topic: $"t{i}"), RegistryLimits.None).Record!);
            head = RegistryMachine.Apply(head, before.Index + 1, records[^1]);
        }

        var whole = RegistryMachine.Apply(before, before.Index + 1, new RegistryEntry(1, 0, records));
        Assert.Equal(Enumerable.Range(0, 20), whole.FindRoom("r1")!.Notices.Select(notice => notice.Ordinal));
        Assert.Equal(whole.FindRoom("r1")!.Notices, head.FindRoom("r1")!.Notices);
        var next = RegistryMachine.Decide(whole, new UpdateRoom("", "ann", 0, "r1", Topic: "next"), RegistryLimits.None).Record!;
        var after = RegistryMachine.Apply(whole, whole.Index + 1, next).FindRoom("r1")!.Notices;
        Assert.Equal(RegistryBounds.NoticesPerRoom, after.Count);
        Assert.Equal((whole.Index + 1, 0), (after[^1].Index, after[^1].Ordinal));
    }

    [Fact]
    public void The_system_has_a_name_in_words_and_an_unknown_kind_has_none()
    {
        Assert.Equal("the server removed ann", NoticeText.Of(new Notice(1, 0, NoticeKind.Kick, "", "ann", "", 0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => NoticeText.Of(new Notice(1, 0, (NoticeKind)99, "", "ann", "", 0)));
    }

    private IEnumerable<string> Texts(string room) => _world.Room(room).Notices.Select(NoticeText.Of);
}
