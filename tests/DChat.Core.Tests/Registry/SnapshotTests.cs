using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class SnapshotTests
{
    [Fact]
    public void An_empty_registry_has_a_snapshot_too()
    {
        var read = RegistrySnapshot.Read(new MemoryStream(Written(RegistryState.Empty)));
        Assert.Equal(0, read.Index);
        Assert.Equal(RegistrySnapshot.StateHash(RegistryState.Empty), RegistrySnapshot.StateHash(read));
    }

    [Fact]
    public void Everything_is_in_it()
    {
        var state = Rich();
        var read = RegistrySnapshot.Read(new MemoryStream(Written(state)));
        RegistryInvariants.Check(read);
        Assert.Equal(Written(state), Written(read));
        Assert.Equal(state.Index, read.Index);
        Assert.Equal(state.FindRoom("r1")!.Notices, read.FindRoom("r1")!.Notices);
        Assert.Equal(state.MembersPage(state.FindRoom("r1")!, -1, 9), read.MembersPage(read.FindRoom("r1")!, -1, 9));
        Assert.Equal(state.BansPage(state.FindRoom("r1")!, null, 9), read.BansPage(read.FindRoom("r1")!, null, 9));
        Assert.Equal(state.AuditPage(null, 99), read.AuditPage(null, 99));
        Assert.Equal(state.Invitations(), read.Invitations());
        Assert.Equal(state.ApiTokensOf("ann"), read.ApiTokensOf("ann"));
        Assert.Equal(state.HostOf(state.FindRoom("r1")!), read.HostOf(read.FindRoom("r1")!));
        Assert.Equal(state.FindOutcome("ann", "t", 0), read.FindOutcome("ann", "t", 0));
        Assert.Equal("r9", read.FindOutcome("ann", "w", 0)!.Result);
        Assert.True(read.IsSessionEnded("s1"));
        Assert.Equal(state.FindAccount("ann")!.DisplayName, read.FindAccount("ann")!.DisplayName);
        Assert.Equal("k1", read.ProtectionKeys[0].KeyId);
    }

    [Fact]
    public void Its_echo_is_the_registry_that_was_written()
    {
        var state = Rich();
        Assert.Equal(RegistrySnapshot.StateHash(state), RegistrySnapshot.EchoHash(new MemoryStream(Written(state)), state));
    }

    [Fact]
    public void A_changed_byte_is_heard_in_the_echo()
    {
        var state = Rich();
        var bytes = Written(state);
        for (var at = 0; at < bytes.Length; at++)
        {
            var changed = bytes.ToArray();
            changed[at] ^= 1;
            try
            {
                Assert.NotEqual(RegistrySnapshot.StateHash(state), RegistrySnapshot.EchoHash(new MemoryStream(changed), state));
            }
            catch (Exception refusal) when (refusal is InvalidDataException or UnknownRegistryEventException)
            {
                // Heard too.
            }
        }
    }

    [Fact]
    public void Equal_registries_have_equal_bytes_whatever_their_history()
    {
        var world = new RegistryWorld().WithAdmin("root").With("ann");
        world.WithRoom("r1", RoomVisibility.Public, "ann");
        world.WithRoom("r2", RoomVisibility.Public, "ann");
        world.Ok(new DeleteRoom("", "ann", 0, "r1"));
        world.WithRoom("r3", RoomVisibility.Public, "ann");
        var read = RegistrySnapshot.Read(new MemoryStream(Written(world.State)));
        Assert.NotEqual(world.Room("r3").Handle, read.FindRoom("r3")!.Handle);
        world.Ok(new JoinRoom("j", "root", 0, "r3"));
        var tail = world.Entries[^1];
        Assert.Equal(Written(world.State), Written(RegistryMachine.Apply(read, read.Index + 1, tail)));
    }

    [Fact]
    public void Cut_anywhere_it_is_damaged()
    {
        var bytes = Written(Rich());
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => RegistrySnapshot.Read(new MemoryStream(bytes, 0, length)));
        }
    }

    [Fact]
    public void A_changed_byte_makes_another_registry_or_none_but_never_a_crash()
    {
        var bytes = Written(Rich());
        var damaged = 0;
        for (var at = 0; at < bytes.Length; at++)
        {
            foreach (var value in new byte[] { 0, 1, 0x7F, 0xFF })
            {
                var changed = bytes.ToArray();
                changed[at] = value;
                var loaded = Refusal(() => RegistrySnapshot.Read(new MemoryStream(changed)));
                damaged += loaded is null ? 0 : 1;
                var seen = Refusal(() => RegistrySnapshot.Check(new MemoryStream(changed)));
                Assert.True(loaded is null == seen is null || IsTwice(loaded), $"byte {at}: it is loaded ({loaded}), and is found good ({seen})");
            }
        }

        Assert.True(damaged > bytes.Length, "most changes are noticed even without the checksum around it");

        static string? Refusal(Action read)
        {
            try
            {
                read();
                return null;
            }
            catch (Exception refusal) when (refusal is InvalidDataException or UnknownRegistryEventException)
            {
                return refusal.Message;
            }
        }

        static bool IsTwice(string? refusal) => refusal?.Contains("is there twice", StringComparison.Ordinal) == true || refusal?.Contains("keys must ascend", StringComparison.Ordinal) == true;
    }

    [Fact]
    public void Who_only_looks_at_it_is_told_its_index_or_that_it_is_cut()
    {
        var state = Rich();
        var bytes = Written(state);
        Assert.Equal(state.Index, RegistrySnapshot.Check(new MemoryStream(bytes)));
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => RegistrySnapshot.Check(new MemoryStream(bytes, 0, length)));
        }
    }

    [Fact]
    public void A_newer_format_is_named()
    {
        var bytes = Written(RegistryState.Empty);
        bytes[8] = RegistrySnapshot.Version + 1;
        Assert.Throws<UnknownRegistryEventException>(() => RegistrySnapshot.Read(new MemoryStream(bytes)));
        bytes[0] = 0;
        Assert.Throws<InvalidDataException>(() => RegistrySnapshot.Read(new MemoryStream(bytes)));
        bytes = Written(RegistryState.Empty);
        bytes[^1] = 0;
        Assert.Throws<InvalidDataException>(() => RegistrySnapshot.Read(new MemoryStream(bytes)));
    }

    [Fact]
    public void Large_registries_pass_too()
    {
        var users = Enumerable.Range(0, 5_000).Select(i => $"user{i}").ToList();
        var state = RegistryState.Empty;
        Do(new CreateAccounts("", "", 0, users));
        for (var room = 0; room < 600; room++)
        {
            Do(new CreateRoom("", "", room, $"room-{room}", $"Room {room}", null, RoomVisibility.Public, null, "", room == 0 ? users : [users[0], users[room]]));
        }

        var read = RegistrySnapshot.Read(new MemoryStream(Written(state)));
        Assert.Equal(5_000 + 599 * 2, read.MembershipCount);
        Assert.Equal(RegistrySnapshot.StateHash(state), RegistrySnapshot.StateHash(read));
        Assert.Equal(users, read.MembersOf(read.FindRoom("room-0")!));
        Assert.Equal(600, read.RoomsOf("user0").Count);

        void Do(Command command) =>
            state = RegistryMachine.Apply(state, state.Index + 1, RegistryMachine.Decide(state, command, RegistryLimits.None).Record!);
    }

    [Fact]
    public void Long_texts_and_small_reads_pass_too()
    {
        var stream = new MemoryStream();
        var writer = new SnapshotWriter(stream);
        var text = new string('ä', 70_000);
        writer.Text(text);
        writer.Raw(new byte[70_000]);
        writer.Difference(-5);
        writer.Number(long.MaxValue);
        writer.Flush();
        var reader = new SnapshotReader(new Trickle(stream.ToArray()));
        Assert.Equal(text, reader.Text());
        Assert.Equal(70_000, reader.Raw(70_000).Length);
        Assert.Equal(-5, reader.Difference());
        Assert.Equal(long.MaxValue, reader.Number());
    }

    [Fact]
    public void Impossible_primitives_are_damage()
    {
        Assert.Throws<InvalidDataException>(() => Reader(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF).Number());
        Assert.Throws<InvalidDataException>(() => Reader(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01).Count());
        Assert.Throws<InvalidDataException>(() => Reader(2).Flag());
        Assert.Throws<InvalidDataException>(() => Reader(9).Choice<RoomKind>());
        Assert.Throws<InvalidDataException>(() => Reader(0xFF, 0xFF, 0xFF, 0xFF, 0x01).Text());
        Assert.Throws<InvalidDataException>(() => Reader().Number());

        static SnapshotReader Reader(params byte[] bytes) => new(new MemoryStream(bytes));
    }

    /// <summary>A registry that has something of everything.</summary>
    private static RegistryState Rich()
    {
        var world = new RegistryWorld().WithAdmin("root").With("ann", "bob", "cid", "dot", "eve");
        world.Ok(new RegisterWorker("", "", 0, "w1", "h:1", "i", 3, ["zone=a"], WorkerState.Active));
        world.Ok(new CreateRoom("", "ann", 5, "r1", "Lobby", "all", RoomVisibility.Public, [1, 2], "w1"));
        world.Ok(new JoinRoom("", "bob", 9, "r1", 1));
        world.Ok(new AddMembers("", "root", 8, "r1", ["cid", "eve"]));
        world.Ok(new LeaveRoom("", "cid", 8, "r1"));
        world.Ok(new SetRole("", "ann", 9, "r1", "bob", RoomRole.Moderator));
        world.Ok(new Ban("", "ann", 9, "r1", "cid", "spam"));
        world.Ok(new Ban("", "ann", 9, "r1", "root"));
        world.Ok(new Mute("", "ann", 9, "r1", "bob", 500));
        world.Ok(new Invite("", "bob", 9, "r1", "dot"));
        world.Ok(new UpdateRoom("", "ann", 9, "r1", SlowModeSeconds: 5, RetentionDays: 30));
        world.Ok(new OpenDirect("", "ann", 9, "d1", "bob", ""));
        world.Ok(new OpenDirect("", "ann", 9, "d2", "ann", ""));
        world.WithRoom("r9", RoomVisibility.Private, "bob");
        world.Ok(new Invite("", "bob", 0, "r9", "ann"));
        world.Ok(new JoinRoom("w", "ann", 0, "r9"));
        world.Ok(new SetDisplayName("", "ann", 9, "ann", "Ann B."));
        world.Ok(new ChangePassword("", "ann", 9, "ann", [7], "s9"));
        world.Ok(new EndSession("", "ann", 9, "ann", "s1", 99));
        world.Ok(new CreateApiToken("t", "ann", 9, "ann", "t1", "bot", SecretHash.Of("x")));
        world.Ok(new CreateInvitation("", "root", 9, SecretHash.Of("y"), 5, 99));
        world.Ok(new AddProtectionKey("", "", 9, "k1", [1, 2, 3], 1, 2, 3));
        world.Ok(new DisableAccount("", "root", 9, "dot"));
        world.Ok(new CloseAccount("", "root", 9, "cid"));
        return world.State;
    }

    private static byte[] Written(RegistryState state)
    {
        var stream = new MemoryStream();
        RegistrySnapshot.Write(state, stream);
        return stream.ToArray();
    }

    /// <summary>A stream that gives a few bytes at a time, as networks do.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 7));

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 7)]);
    }
}
