using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class RestorationTests
{
    private const long Moment = 1_800_000_000_000; // 2027

    [Fact]
    public void A_lifted_number_is_above_all_that_anybody_saw()
    {
        Assert.Equal(1_000 + Restoration.Gap, Restoration.Lift(1_000, 0));
        var first = Restoration.Lift(1_000, Moment);
        Assert.True(first > 1_000);

        // The same state restored twice, and in between as much was said as can be.
        Assert.True(Restoration.Lift(1_000, Moment + 60_000) > first + 1_000_000);
        Assert.True(Restoration.Lift(first + 1_000, Moment + 60_000) < Restoration.Lift(first + 1_000, Moment + 120_000));
        Assert.Equal(first + 1_000 + Restoration.Gap, Restoration.Lift(first + 1_000, Moment)); // The clock was set back.
        Assert.True(Restoration.Lift(1_000, Moment + (long)TimeSpan.FromDays(36_500).TotalMilliseconds) < 1L << 53);
    }

    [Fact]
    public void All_sessions_end_and_the_keys_are_gone()
    {
        var before = Cluster().State;
        Assert.True(before.IsSessionAllowed("ann", "s2", before.Index));

        var after = Restored(before);
        Assert.Empty(after.ProtectionKeys);
        Assert.False(after.IsSessionAllowed("ann", "s2", before.Index));
        Assert.False(after.IsSessionAllowed("root", "s3", before.Index + 1_000_000)); // A token of what was lost.
        Assert.True(after.IsSessionAllowed("ann", "s4", after.Index));
        Assert.Equal("ann", after.FindApiTokenAccount("t1", new string('a', 64))?.Name);
    }

    [Fact]
    public void No_room_has_a_host_and_epochs_go_on_above_the_lifted_one()
    {
        var before = Cluster().State;
        var after = Restored(before);
        RegistryInvariants.Check(after);
        Assert.Empty(after.Workers());
        Assert.All(after.AllRooms(), room => Assert.Null(after.HostOf(room)));
        Assert.Equal("new-store", after.Store);

        var world = new RegistryWorld { State = after };
        world.Ok(new RegisterWorker("", "", Moment, "w1", "host:1", "i9", 1, [], WorkerState.Active, "new-store"));
        world.Ok(new AssignRooms("", "", Moment, "w1", ["r1"]));
        Assert.True(world.State.HostOf(world.Room("r1"))!.Value.Epoch > 5_000_000_000);
    }

    [Fact]
    public void It_stands_in_the_audit_trail_and_all_else_is_as_it_was()
    {
        var before = Cluster().State;
        var after = Restored(before);
        var line = after.AuditPage(null, 1)[0];
        Assert.Equal(("restore", "", "from there", after.Index, Moment), (line.Action, line.Actor, line.Text, line.Index, line.At));
        Assert.Equal(before.AuditPage(null, 99), after.AuditPage(null, 99).Skip(1));
        Assert.Equal(before.MembersPage(before.FindRoom("r1")!, -1, 9), after.MembersPage(after.FindRoom("r1")!, -1, 9));
        Assert.Equal(before.AccountCount, after.AccountCount);
        var written = new MemoryStream();
        RegistrySnapshot.Write(after, written);
        written.Position = 0;
        Assert.Equal(RegistrySnapshot.StateHash(after), RegistrySnapshot.StateHash(RegistrySnapshot.Read(written)));
    }

    [Fact]
    public void Any_registry_can_be_restored() => RegistryProperties.ForAll(history =>
    {
        var world = new RegistryWorld();
        foreach (var command in RandomCommands.Beginning.Concat(history))
        {
            world.Do(command);
        }

        var after = Restored(world.State);
        RegistryInvariants.Check(after);
        Assert.All(after.AllRooms(), room => Assert.Empty(room.AssignedTo));
        Assert.All(after.AllAccounts(), account => Assert.False(after.IsSessionAllowed(account.Name, "s", after.Index - 1)));
    });

    [Fact]
    public void What_is_not_lifted_is_refused()
    {
        var before = Cluster().State;
        Assert.Throws<ArgumentException>(() => RegistryMachine.Restore(before, new RegistryRestoration(before.Index, 5_000_000_000, "s", 0, "")));
        Assert.Throws<ArgumentException>(() => RegistryMachine.Restore(before, new RegistryRestoration(before.Index + 1, before.LastEpoch, "s", 0, "")));
    }

    private static RegistryState Restored(RegistryState state) =>
        RegistryMachine.Restore(state, new RegistryRestoration(Restoration.Lift(state.Index, Moment), Math.Max(5_000_000_000, state.LastEpoch + 1), "new-store", Moment, "from there"));

    private static RegistryWorld Cluster()
    {
        var world = new RegistryWorld().WithAdmin("root").With("ann");
        world.Ok(new RegisterWorker("", "", 0, "w1", "host:1", "i1", 1, [], WorkerState.Active, "old-store"));
        world.WithRoom("r1", RoomVisibility.Public, "ann", "root");
        world.Ok(new AssignRooms("", "", 0, "w1", ["r1"]));
        world.Ok(new AddProtectionKey("", "", 0, "k1", [1, 2, 3], 0, 0, 1_000));
        world.Ok(new CreateApiToken("", "ann", 0, "ann", "t1", "bot", new string('a', 64)));
        world.Ok(new ChangePassword("", "root", 0, "root", RegistryWorld.Hash, "s3"));
        world.Ok(new RegisterWorker("", "", 0, "w2", "host:2", "i1", 1, [], WorkerState.Active, "old-store"));
        world.Ok(new SetWorkerState("", "root", 0, "w1", WorkerState.Draining));
        return world;
    }
}
