using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class ClusterTests
{
    private readonly RegistryWorld _world = new RegistryWorld().WithAdmin("root").With("ann");

    private RegistryState State => _world.State;

    [Fact]
    public void An_assignment_and_a_new_incarnation_raise_the_epoch()
    {
        _world.Ok(Worker("w1", "i1"));
        _world.Ok(Worker("w2", "i1"));
        _world.Ok(new CreateRoom("c", "ann", 0, "r1", "x", null, RoomVisibility.Public, null, "w1"));
        _world.Ok(new CreateRoom("d", "ann", 0, "r2", "y", null, RoomVisibility.Public, null, ""));
        var first = Host("r1");
        Assert.Equal("w1", first.Worker);
        Assert.Null(State.HostOf(_world.Room("r2")));

        _world.Ok(Worker("w1", "i2"));
        var second = Host("r1");
        Assert.Equal("w1", second.Worker);
        Assert.True(second.Epoch > first.Epoch);
        Assert.Equal(second.Epoch.ToString(), _world.Last.Outcome.Result);
        Assert.Single(_world.Last.Events);

        _world.Ok(new AssignRooms("e", "", 0, "w2", ["r1", "r2", "r9", "r1"]));
        Assert.True(Host("r1").Epoch > second.Epoch);
        Assert.Equal((Host("r1"), "w2"), (Host("r2"), Host("r1").Worker));
        Assert.Equal(["r1", "r2"], State.RoomsOn("w2").Select(room => room.Id));
        Assert.Empty(State.RoomsOn("w1"));
        Assert.Empty(State.RoomsOn("w9"));

        // Who has a room keeps it, at its epoch.
        var epoch = State.LastEpoch;
        _world.Ok(new AssignRooms("f", "", 0, "w2", ["r1"]));
        Assert.Equal((epoch, "w2"), (State.LastEpoch, Host("r1").Worker));

        _world.Ok(new AssignRooms("g", "", 0, "w1", ["r1"]));
        Assert.True(Host("r1").Epoch > Host("r2").Epoch);
    }

    [Fact]
    public void The_same_incarnation_changes_no_epoch()
    {
        _world.Ok(Worker("w1", "i1"));
        var epoch = State.LastEpoch;
        _world.Ok(Worker("w1", "i1"));
        Assert.Null(_world.Last.Record);
        _world.Ok(Worker("w1", "i1", address: "h:2"));
        Assert.Equal((epoch, "h:2"), (State.LastEpoch, State.FindWorker("w1")!.Address));
    }

    [Fact]
    public void A_worker_that_returns_gets_a_new_epoch()
    {
        _world.Ok(Worker("w1", "i1"));
        var epoch = State.FindWorker("w1")!.IncarnationEpoch;
        _world.Ok(new RemoveWorker("c", "root", 0, "w1"));
        Assert.Null(State.FindWorker("w1"));
        _world.Ok(Worker("w1", "i1"));
        Assert.True(State.FindWorker("w1")!.IncarnationEpoch > epoch);
    }

    [Fact]
    public void A_worker_without_capacity_is_given_no_rooms()
    {
        _world.Ok(Worker("w1", "i1", capacity: 0));
        _world.Refused(RefusalCodes.InvalidArgument, new AssignRooms("c", "", 0, "w1", []));
        Assert.Contains("gateway only", _world.Last.Outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void All_workers_have_the_message_store_that_the_rooms_began_in()
    {
        _world.Ok(Worker("w1", "i1") with { Store = "s1" });
        _world.Ok(Worker("w1", "i2") with { Store = "s2" }); // No room yet: nothing is lost.
        Assert.Equal("s2", State.Store);
        _world.WithRoom("r", RoomVisibility.Public, "ann");
        using var snapshot = new MemoryStream();
        RegistrySnapshot.Write(State, snapshot);
        snapshot.Position = 0;
        Assert.Equal("s2", RegistrySnapshot.Read(snapshot).Store);
        _world.Refused(RefusalCodes.InvalidArgument, Worker("w2", "i1") with { Store = "s3" });
        _world.Ok(Worker("w2", "i1") with { Store = "s2" });
        _world.Ok(Worker("w3", "i1", capacity: 0));
    }

    [Theory]
    [InlineData(WorkerState.Pending)]
    [InlineData(WorkerState.Active)]
    [InlineData(WorkerState.Draining)]
    public void Two_hosts_never_have_message_stores_of_their_own_though_there_is_no_room_yet(WorkerState state)
    {
        _world.Ok(Worker("gateway", "i1", capacity: 0));
        _world.Ok(Worker("w1", "i1") with { Store = "s1" });
        _world.Ok(new SetWorkerState("", "", 0, "w1", state));
        _world.Refused(RefusalCodes.InvalidArgument, Worker("w2", "i1") with { Store = "s2" });
        Assert.Contains("not the one of worker w1 (s1)", _world.Last.Outcome.Text, StringComparison.Ordinal);
        Assert.Equal("s1", State.Store);
        _world.Ok(Worker("w1", "i1"));

        _world.Ok(new SetWorkerState("", "", 0, "w1", WorkerState.Gone));
        _world.Ok(Worker("w2", "i1") with { Store = "s2" });
        _world.Refused(RefusalCodes.InvalidArgument, Worker("w1", "i2") with { Store = "s1" });
    }

    [Fact]
    public void Nonsense_registers_no_worker()
    {
        _world.Ok(Worker("w1", "i1"));
        _world.Refused(RefusalCodes.InvalidArgument, Worker("w2", "i1", address: "h-w1:1"));
        _world.Refused(RefusalCodes.InvalidArgument, Worker("", "i1"));
        _world.Refused(RefusalCodes.InvalidArgument, Worker("w2", ""));
        _world.Refused(RefusalCodes.InvalidArgument, Worker("w2", "i1", address: "a b"));
        _world.Refused(RefusalCodes.InvalidArgument, Worker("w2", "i1", capacity: -1));
        _world.Refused(RefusalCodes.Forbidden, new RegisterWorker("c", "ann", 0, "w2", "h:2", "i", 1, [], WorkerState.Active));
        _world.Ok(new SetWorkerState("d", "", 0, "w1", WorkerState.Gone));
        _world.Ok(Worker("w2", "i1", address: "h-w1:1"));
    }

    [Fact]
    public void Only_an_active_worker_is_given_rooms()
    {
        _world.WithRoom("r1", RoomVisibility.Public, "ann");
        _world.Refused(RefusalCodes.NotFound, new AssignRooms("c", "", 0, "w1", ["r1"]));
        _world.Ok(Worker("w1", "i1"));
        foreach (var state in new[] { WorkerState.Pending, WorkerState.Draining, WorkerState.Gone })
        {
            _world.Ok(new SetWorkerState("", "", 0, "w1", state));
            _world.Refused(RefusalCodes.InvalidArgument, new AssignRooms("c", "", 0, "w1", ["r1"]));
            Assert.Contains($"is {state}:", _world.Last.Outcome.Text, StringComparison.OrdinalIgnoreCase);
            _world.Refused(RefusalCodes.Unavailable, new CreateRoom("c", "ann", 0, "r2", "y", null, RoomVisibility.Public, null, "w1"));
        }

        _world.Ok(new SetWorkerState("", "", 0, "w1", WorkerState.Active, "i1"));
        _world.Ok(new SetWorkerState("", "root", 0, "w1", WorkerState.Active));
        Assert.Null(_world.Last.Record);
        _world.Ok(new AssignRooms("c", "root", 0, "w1", ["r9"]));
        Assert.Null(_world.Last.Record);
        _world.Ok(new AssignRooms("c", "root", 0, "w1", ["r1"]));
        Assert.Equal(1, State.FindWorker("w1")!.RoomCount);
    }

    [Fact]
    public void An_administrator_approves_who_waits_for_it_and_nobody_who_is_on_his_way_out()
    {
        _world.Ok(Worker("w1", "i1"));
        foreach (var state in new[] { WorkerState.Draining, WorkerState.Gone })
        {
            _world.Ok(new SetWorkerState("", "", 0, "w1", state));
            _world.Refused(RefusalCodes.Forbidden, new SetWorkerState("", "root", 0, "w1", WorkerState.Active));
            Assert.Equal(state, State.FindWorker("w1")!.State);
        }

        _world.Ok(new SetWorkerState("", "", 0, "w1", WorkerState.Pending));
        _world.Ok(new SetWorkerState("", "root", 0, "w1", WorkerState.Active));
    }

    [Fact]
    public void Nobody_has_the_only_host_drained_but_it_drains_itself()
    {
        _world.Ok(Worker("w1", "i1"));
        _world.Ok(Worker("gateway", "i1", capacity: 0));
        _world.Ok(Worker("draining", "i1"));
        _world.Ok(new SetWorkerState("", "root", 0, "draining", WorkerState.Draining));
        _world.Ok(Worker("gone", "i1"));
        _world.Ok(new SetWorkerState("", "", 0, "gone", WorkerState.Gone));
        _world.Ok(new RegisterWorker("", "", 0, "pending", "h:2", "i", 1, [], WorkerState.Pending));
        _world.Refused(RefusalCodes.Forbidden, new SetWorkerState("", "root", 0, "w1", WorkerState.Draining));
        Assert.Contains("start another one", _world.Last.Outcome.Text, StringComparison.Ordinal);
        _world.Ok(new SetWorkerState("", "root", 0, "draining", WorkerState.Draining)); // As it is.
        _world.Ok(new SetWorkerState("", "root", 0, "gateway", WorkerState.Draining)); // It hosts nothing, and w1 goes on.
        _world.Ok(new SetWorkerState("", "", 0, "w1", WorkerState.Draining));

        _world.Ok(Worker("w2", "i1"));
        _world.Ok(Worker("w3", "i1"));
        _world.Ok(new SetWorkerState("", "root", 0, "w2", WorkerState.Draining));
        _world.Refused(RefusalCodes.Forbidden, new SetWorkerState("", "root", 0, "w3", WorkerState.Draining));
    }

    [Fact]
    public void Workers_are_the_clusters_and_the_administrators()
    {
        _world.Ok(Worker("w1", "i1"));
        _world.WithRoom("r1", RoomVisibility.Public, "ann");
        _world.Ok(new AssignRooms("c", "", 0, "w1", ["r1"]));
        _world.Refused(RefusalCodes.Forbidden, new AssignRooms("d", "ann", 0, "w1", ["r1"]));
        _world.Refused(RefusalCodes.InvalidArgument, new AssignRooms("d", "", 0, "w1", new string[RegistryBounds.BulkRooms + 1]));
        _world.Refused(RefusalCodes.Forbidden, new SetWorkerState("d", "ann", 0, "w1", WorkerState.Gone));
        _world.Refused(RefusalCodes.InvalidArgument, new SetWorkerState("d", "", 0, "w1", (WorkerState)9));
        _world.Refused(RefusalCodes.NotFound, new SetWorkerState("d", "", 0, "w2", WorkerState.Gone));
        _world.Refused(RefusalCodes.NotFound, new SetWorkerState("d", "", 0, "w1", WorkerState.Gone, "i0"));
        _world.Refused(RefusalCodes.Forbidden, new RemoveWorker("d", "ann", 0, "w1"));
        _world.Refused(RefusalCodes.NotFound, new RemoveWorker("d", "", 0, "w2"));
        _world.Refused(RefusalCodes.Forbidden, new RemoveWorker("d", "", 0, "w1"));
        _world.Ok(new DeleteRoom("e", "ann", 0, "r1"));
        Assert.Equal(0, State.FindWorker("w1")!.RoomCount);
        _world.Ok(new RemoveWorker("f", "", 0, "w1"));
        Assert.Empty(State.Workers());
    }

    [Fact]
    public void Who_came_back_meanwhile_is_not_forgotten()
    {
        _world.Ok(Worker("w1", "i1"));
        _world.Refused(RefusalCodes.NotFound, new RemoveWorker("a", "", 0, "w1", "i1")); // It is not gone.
        _world.Ok(new SetWorkerState("b", "", 0, "w1", WorkerState.Gone));
        _world.Refused(RefusalCodes.NotFound, new RemoveWorker("c", "", 0, "w1", "i0"));
        _world.Ok(new RemoveWorker("d", "", 0, "w1", "i1"));
        Assert.Empty(State.Workers());
    }

    [Fact]
    public void That_a_member_of_the_log_is_replaced_is_in_the_audit_trail()
    {
        _world.Refused(RefusalCodes.Forbidden, new NoteMemberReplaced("a", "ann", 0, "c2", "h:1"));
        _world.Refused(RefusalCodes.InvalidArgument, new NoteMemberReplaced("b", "root", 0, "", "h:1"));
        _world.Refused(RefusalCodes.InvalidArgument, new NoteMemberReplaced("c", "root", 0, "c2", "h 1"));
        _world.Ok(new NoteMemberReplaced("d", "root", 0, "c2", "h:1"));
        var line = State.AuditPage(null, 1)[0];
        Assert.Equal(("root", "replaceMember", "c2", "h:1"), (line.Actor, line.Action, line.Subject, line.Text));
    }

    [Fact]
    public void Protection_keys_are_kept_in_order_and_bounded()
    {
        for (var i = 0; i <= RegistryBounds.Keys; i++)
        {
            _world.Ok(new AddProtectionKey("", "", 0, $"k{i}", [1], 1, 2, 3));
        }

        Assert.Equal(RegistryBounds.Keys, State.ProtectionKeys.Count);
        Assert.Equal(("k1", "k64"), (State.ProtectionKeys[0].KeyId, State.ProtectionKeys[^1].KeyId));
        _world.Ok(new AddProtectionKey("", "", 0, "k64", [2], 1, 2, 3));
        Assert.Null(_world.Last.Record);
        _world.Refused(RefusalCodes.Forbidden, new AddProtectionKey("", "root", 0, "k", [1], 1, 2, 3));
        _world.Refused(RefusalCodes.InvalidArgument, new AddProtectionKey("", "", 0, "k", [], 1, 2, 3));
        _world.Refused(RefusalCodes.InvalidArgument, new AddProtectionKey("", "", 0, "k", [1], 1, 3, 2));
    }

    private static RegisterWorker Worker(string id, string incarnation, string? address = null, int capacity = 1) =>
        new("", "", 0, id, address ?? $"h-{id}:1", incarnation, capacity, ["zone=a"], WorkerState.Active);

    private RoomHost Host(string room) => State.HostOf(_world.Room(room))!.Value;
}
