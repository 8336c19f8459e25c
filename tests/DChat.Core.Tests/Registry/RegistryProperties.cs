using DChat.Core.Registry;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Core.Tests.Registry;

/// <summary>
/// A failure prints the shrunk history and, after "Falsifiable", the seed's two numbers:
/// <c>DCHAT_REPLAY=1234,5678 dotnet test --filter …</c> shows the same again. <c>DCHAT_HISTORIES</c> says how many histories are tried (100).
/// </summary>
public sealed class RegistryProperties
{
    private static readonly RegistryLimits Tight = new(Accounts: 6, Rooms: 6, RoomsPerUser: 3, MembersPerRoom: 4, InvitationsPerUser: 2, InvitationsPerRoom: 2, ApiTokensPerUser: 2);

    [Fact]
    public void Any_history_keeps_the_invariants() => ForAll(history =>
    {
        var world = new RegistryWorld();
        long epoch = 0;
        var epochs = new Dictionary<string, long>();
        foreach (var command in RandomCommands.Beginning.Concat(history))
        {
            world.Do(command);
            Assert.True(world.State.LastEpoch >= epoch, "the last epoch only rises");
            epoch = world.State.LastEpoch;
            foreach (var room in world.State.AllRooms().Where(room => room.AssignedTo.Length > 0))
            {
                var host = world.State.HostOf(room)!.Value;
                Assert.True(host.Epoch >= epochs.GetValueOrDefault(room.Id), "a room's epoch only rises");
                epochs[room.Id] = host.Epoch;
            }
        }
    });

    [Fact]
    public void Limits_hold_in_any_history() => ForAll(history =>
    {
        var world = new RegistryWorld(Tight);
        foreach (var command in RandomCommands.Beginning.Concat(history))
        {
            world.Do(command);
        }

        Assert.InRange(world.State.AccountCount, 0, Tight.Accounts);
        Assert.InRange(world.State.RoomCount, 0, Tight.Rooms);
        Assert.All(world.State.AllRooms(), room => Assert.InRange(room.MemberCount, 0, Tight.MembersPerRoom));
        Assert.All(world.State.AllRooms(), room => Assert.InRange(room.InvitationCount, 0, Tight.InvitationsPerRoom));
        Assert.All(world.State.AccountsPage(-1, 100), account => Assert.InRange(account.InvitationCount, 0, Tight.InvitationsPerUser));
        Assert.All(world.State.AccountsPage(-1, 100), account => Assert.InRange(world.State.ApiTokensOf(account.Name).Count, 0, Tight.ApiTokensPerUser));
    });

    [Fact]
    public void Deciding_is_a_pure_function() => ForAll(history =>
    {
        var state = RegistryState.Empty;
        foreach (var command in RandomCommands.Beginning.Concat(history))
        {
            var before = RegistrySnapshot.StateHash(state);
            var first = RegistryMachine.Decide(state, command, RegistryLimits.None);
            var second = RegistryMachine.Decide(state, command, RegistryLimits.None);
            Assert.Equal(Written(first), Written(second));
            Assert.Equal(first.Outcome, second.Outcome);
            Assert.Equal(before, RegistrySnapshot.StateHash(state));
            if (first.Record is not null)
            {
                state = RegistryMachine.Apply(state, state.Index + 1, first.Record);
            }
        }
    });

    [Fact]
    public void Replaying_the_log_equals_the_live_registry() => ForAll(history =>
    {
        var (live, log) = Run(history);
        var replayed = RegistryState.Empty;
        foreach (var payload in log)
        {
            replayed = RegistryMachine.Apply(replayed, replayed.Index + 1, RegistryEntryCodec.Decode(payload));
        }

        Assert.Equal(live.Index, replayed.Index);
        Assert.Equal(RegistrySnapshot.StateHash(live), RegistrySnapshot.StateHash(replayed));
    });

    [Fact]
    public void A_snapshot_and_the_tail_equal_the_full_replay() => ForAll(history =>
    {
        var (live, log) = Run(history);
        var expected = RegistrySnapshot.StateHash(live);
        for (var cut = 0; cut <= log.Count; cut += 5)
        {
            var state = RegistryState.Empty;
            foreach (var payload in log.Take(cut))
            {
                state = RegistryMachine.Apply(state, state.Index + 1, RegistryEntryCodec.Decode(payload));
            }

            state = SnapshotOf(state);
            RegistryInvariants.Check(state);
            foreach (var payload in log.Skip(cut))
            {
                state = RegistryMachine.Apply(state, state.Index + 1, RegistryEntryCodec.Decode(payload));
            }

            RegistryInvariants.Check(state);
            Assert.Equal(expected, RegistrySnapshot.StateHash(state));
        }
    });

    [Fact]
    public void A_command_survives_its_codec() => ForAll(history =>
    {
        foreach (var command in history)
        {
            var bytes = CommandCodec.Encode(command);
            Assert.Equal(bytes, CommandCodec.Encode(CommandCodec.Decode(bytes)));
        }
    });

    /// <summary>The leader's way: a head that takes record by record, entries of up to four records.</summary>
    private static (RegistryState Live, List<byte[]> Log) Run(Command[] history)
    {
        var head = RegistryState.Empty;
        var log = new List<byte[]>();
        var records = new List<RegistryRecord>();
        foreach (var command in RandomCommands.Beginning.Concat(history))
        {
            if (RegistryMachine.Decide(head, command, RegistryLimits.None).Record is not { } record)
            {
                continue;
            }

            head = RegistryMachine.Apply(head, log.Count + 1, record);
            records.Add(record);
            if (records.Count == 1 + (log.Count % 4))
            {
                Write();
            }
        }

        if (records.Count > 0)
        {
            Write();
        }

        return (head, log);

        void Write()
        {
            var entry = RegistryEntryCodec.Encode(new RegistryEntry(RegistryEntryCodec.Version, records[^1].At, records));
            Assert.InRange(entry.Length, 1, RegistryEntryCodec.EntryOverhead + records.Sum(record => record.EncodedSize));
            log.Add(entry);
            records.Clear();
        }
    }

    private static RegistryState SnapshotOf(RegistryState state)
    {
        var stream = new MemoryStream();
        RegistrySnapshot.Write(state, stream);
        stream.Position = 0;
        Assert.Equal(RegistrySnapshot.StateHash(state), RegistrySnapshot.EchoHash(stream, state));
        stream.Position = 0;
        return RegistrySnapshot.Read(stream);
    }

    private static string Written(Decision decision) =>
        decision.Record is null ? "" : Convert.ToHexString(RegistryEntryCodec.Encode(new RegistryEntry(1, 0, [decision.Record])));

    internal static void ForAll(Action<Command[]> holds)
    {
        var histories = int.Parse(Environment.GetEnvironmentVariable("DCHAT_HISTORIES") ?? "100");
        var config = Config.QuickThrowOnFailure.WithMaxTest(histories);
        if (Environment.GetEnvironmentVariable("DCHAT_REPLAY")?.Split(',') is [var seed, var gamma])
        {
            config = config.WithReplay(ulong.Parse(seed), ulong.Parse(gamma));
        }

        Prop.ForAll(RandomCommands.Histories, holds).Check(config);
    }
}
