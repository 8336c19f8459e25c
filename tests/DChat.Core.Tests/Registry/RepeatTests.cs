using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class RepeatTests
{
    private const long Day = RegistryBounds.OutcomeLifetimeMs;

    private readonly RegistryWorld _world = new RegistryWorld().WithAdmin("root").With("ann", "bob");

    private RegistryState State => _world.State;

    [Fact]
    public void A_repeat_gets_the_first_outcome_and_changes_nothing()
    {
        _world.Ok(new CreateRoom("same", "ann", 1_000, "r1", "x", null, RoomVisibility.Public, null, ""));
        _world.Ok(new CreateRoom("same", "ann", 2_000, "r2", "y", null, RoomVisibility.Public, null, ""));
        Assert.True(_world.Last.Repeat);
        Assert.Equal("r1", _world.Last.Outcome.Result);
        Assert.Null(_world.Last.Record);
        Assert.Null(State.FindRoom("r2"));
        Assert.Equal("r1", State.FindOutcome("ann", "same", 1_000)!.Result);
    }

    [Fact]
    public void An_id_belongs_to_its_actor()
    {
        _world.Ok(new CreateRoom("same", "ann", 0, "r1", "x", null, RoomVisibility.Private, null, ""));
        _world.Ok(new CreateRoom("same", "bob", 0, "r2", "x", null, RoomVisibility.Private, null, ""));
        Assert.False(_world.Last.Repeat);
        Assert.Equal("r2", _world.Last.Outcome.Result);
    }

    [Fact]
    public void After_a_day_an_id_may_be_used_again()
    {
        _world.Ok(new SetDisplayName("same", "ann", 1_000, "ann", "A"));
        _world.Ok(new SetDisplayName("same", "ann", 999 + Day, "ann", "B"));
        Assert.True(_world.Last.Repeat);
        _world.Ok(new SetDisplayName("same", "ann", 1_000 + Day, "ann", "C"));
        Assert.Equal("C", State.FindAccount("ann")!.DisplayName);
        _world.Ok(new SetDisplayName("other", "ann", 1_000 + Day * 3, "ann", "D"));
        _world.Ok(new SetDisplayName("next", "ann", 1_000 + Day * 5, "ann", "E"));
        Assert.Null(State.FindOutcome("ann", "same", 1_000));
        Assert.NotNull(State.FindOutcome("ann", "other", 1_000 + Day * 3));
    }

    [Fact]
    public void A_refusal_is_decided_anew()
    {
        _world.Refused(RefusalCodes.NotFound, new JoinRoom("same", "bob", 0, "r1"));
        _world.WithRoom("r1", RoomVisibility.Public, "ann");
        _world.Ok(new JoinRoom("same", "bob", 0, "r1"));
        Assert.False(_world.Last.Repeat);
    }

    [Fact]
    public void Without_an_id_there_is_no_repeat()
    {
        _world.Ok(new SetDisplayName("", "ann", 0, "ann", "A"));
        _world.Ok(new SetDisplayName("", "ann", 0, "ann", "B"));
        Assert.Equal("B", State.FindAccount("ann")!.DisplayName);
        Assert.Null(State.FindOutcome("ann", "", 0));
    }

    [Fact]
    public void The_memory_is_bounded_and_keeps_the_newest()
    {
        var memory = OutcomeMemory.Empty;
        var owner = new object();
        for (var i = 0; i < RegistryBounds.Outcomes * 2 + 5; i++)
        {
            memory = memory.Remember(new RegistryRecord($"c{i}", "ann", 5, [], Outcome.Done), owner);
        }

        Assert.InRange(memory.Young.Count + memory.Old.Count, RegistryBounds.Outcomes, RegistryBounds.Outcomes * 2);
        Assert.Null(memory.Find("ann", "c0", 5));
        Assert.Equal(Outcome.Done, memory.Find("ann", $"c{RegistryBounds.Outcomes + 10}", 5));
    }
}
