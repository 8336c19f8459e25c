using System.Text;
using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class CodecTests
{
    private const string Good = """{"version":1,"at":5,"records":[{"commandId":"c","actor":"ann","at":4,"events":[{"$e":"memberJoined","room":"r1","user":"ann"}],"outcome":{"error":null,"text":"","result":"r1"}}]}""";

    [Fact]
    public void The_format_of_version_1_stays_as_it_is()
    {
        var entry = new RegistryEntry(1, 5, [new RegistryRecord("c", "ann", 4, [new MemberJoined("r1", "ann")], Outcome.Ok("r1"))]);
        Assert.Equal(Good, Encoding.UTF8.GetString(RegistryEntryCodec.Encode(entry)));
        var decoded = RegistryEntryCodec.Decode(Encoding.UTF8.GetBytes(Good));
        Assert.Equal(new MemberJoined("r1", "ann"), decoded.Records[0].Events[0]);
        Assert.Equal(Outcome.Ok("r1"), decoded.Records[0].Outcome);
    }

    [Fact]
    public void A_newer_format_is_named()
    {
        var failure = Assert.Throws<UnknownRegistryEventException>(() => Decode(Good.Replace("\"version\":1", "\"version\":2")));
        Assert.Contains("format 2", failure.Message);
        Assert.Contains("Start a version", failure.Message);
    }

    [Fact]
    public void An_event_of_a_newer_program_is_named() =>
        Assert.Contains("memberPromoted", Assert.Throws<UnknownRegistryEventException>(() => Decode(Good.Replace("memberJoined", "memberPromoted"))).Message);

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"version\":1")]
    [InlineData("{\"version\":1,\"at\":5,\"records\":[{}]}")]
    [InlineData("{\"version\":1,\"at\":5,\"records\":null}")]
    public void Damage_is_named(string text) => Assert.Throws<InvalidDataException>(() => Decode(text));

    [Fact]
    public void An_unknown_field_is_not_skipped() =>
        Assert.Throws<InvalidDataException>(() => Decode(Good.Replace("\"user\":\"ann\"", "\"user\":\"ann\",\"role\":3")));

    [Fact]
    public void A_missing_field_is_not_made_up() =>
        Assert.Throws<InvalidDataException>(() => Decode(Good.Replace(",\"user\":\"ann\"", "")));

    [Fact]
    public void Every_kind_of_event_has_a_name_in_the_log()
    {
        var kinds = typeof(RegistryEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(RegistryEvent))).ToList();
        var known = typeof(RegistryEvent).GetCustomAttributes(typeof(System.Text.Json.Serialization.JsonDerivedTypeAttribute), false)
            .Cast<System.Text.Json.Serialization.JsonDerivedTypeAttribute>().ToList();
        Assert.Equal(kinds.Select(kind => kind.Name).Order(), known.Select(attribute => attribute.DerivedType.Name).Order());
        Assert.All(known, attribute => Assert.Equal(attribute.DerivedType.Name, (string)attribute.TypeDiscriminator!, ignoreCase: true));
    }

    [Fact]
    public void Every_command_can_be_sent_on()
    {
        var kinds = typeof(Command).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Command))).Select(type => type.Name);
        var known = typeof(Command).GetCustomAttributes(typeof(System.Text.Json.Serialization.JsonDerivedTypeAttribute), false)
            .Cast<System.Text.Json.Serialization.JsonDerivedTypeAttribute>().Select(attribute => attribute.DerivedType.Name);
        Assert.Equal(kinds.Order(), known.Order());
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"$c\":\"selfDestruct\"}")]
    [InlineData("{\"$c\":\"leaveRoom\",\"commandId\":\"c\",\"actor\":\"ann\",\"at\":1,\"room\":null}")]
    [InlineData("not json")]
    public void What_is_no_command_is_refused(string text) =>
        Assert.Throws<InvalidDataException>(() => CommandCodec.Decode(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void An_entry_is_applied_once_and_in_order()
    {
        var entry = new RegistryEntry(1, 0, []);
        var state = RegistryMachine.Apply(RegistryState.Empty, 1, entry);
        Assert.Equal(1, state.Index);
        Assert.Throws<ArgumentException>(() => RegistryMachine.Apply(state, 1, entry));
        Assert.Throws<ArgumentException>(() => RegistryMachine.Apply(state, 3, entry));
        Assert.Throws<ArgumentException>(() => RegistryMachine.Apply(state, 3, new RegistryRecord("", "", 0, [], Outcome.Done)));
        Assert.Throws<UnknownRegistryEventException>(() => RegistryMachine.Apply(state, 2, entry with { Version = 2 }));
    }

    [Fact]
    public void An_event_that_does_not_fit_stops_the_replica()
    {
        RegistryEvent[] broken =
        [
            new MemberJoined("r9", "ann"), new MemberJoined("r1", "zoe"), new MemberJoined("r1", "ann"), new MemberLeft("r1", "bob", LeaveReason.Left),
            new AccountCreated("ann", "ann", null, false), new RoomCreated("r1", "x", "", RoomVisibility.Public, null, "ann", "", 1),
            new RoomsAssigned("w9", ["r1"], 5), new InvitationUsed("code"), new Banned("r1", "ann", null), new WorkerStateChanged("w9", WorkerState.Gone),
        ];
        var world = new RegistryWorld().With("ann", "bob");
        world.WithRoom("r1", RoomVisibility.Public, "ann");
        foreach (var e in broken)
        {
            var failure = Assert.Throws<InvalidOperationException>(
                () => RegistryMachine.Apply(world.State, world.State.Index + 1, new RegistryRecord("", "", 0, [e], Outcome.Done)));
            Assert.Contains($"log entry {world.State.Index + 1}", failure.Message);
        }

        Assert.Throws<UnknownRegistryEventException>(
            () => RegistryMachine.Apply(world.State, world.State.Index + 1, new RegistryRecord("", "", 0, [new FromTheFuture()], Outcome.Done)));
        Assert.Throws<ArgumentException>(() => RegistryMachine.Decide(world.State, new Unheard("", "", 0), RegistryLimits.None));
    }

    private static RegistryEntry Decode(string text) => RegistryEntryCodec.Decode(Encoding.UTF8.GetBytes(text));

    private sealed record FromTheFuture : RegistryEvent;

    private sealed record Unheard(string CommandId, string Actor, long At) : Command(CommandId, Actor, At);
}
