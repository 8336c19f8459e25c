using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Cluster.Tests.Registry;

/// <summary>The check of answers against the log, on logs that are known to be right and such that are known to be wrong.</summary>
public sealed class RegistryRecordsTests
{
    private const string Room = "r";

    private readonly RegistryRecords _records = new();
    private readonly Dictionary<string, RegistryRecord> _made = [];
    private RegistryState _state = RegistryState.Empty;

    public RegistryRecordsTests() => Entry(Commit(new CreateAccounts("", "", 0, ["ann", "bob"])));

    [Fact]
    public void What_was_carried_out_stands_in_the_log_once()
    {
        Entry(Commit(Create("1")));
        Entry(Commit(Join("2")), Commit(Topic("3")));
        Assert.Null(Judge(Create("1"), Outcome.Ok(Room), index: 2));
        Assert.Null(Judge(Join("2"), Outcome.Ok(Room), index: 3, answeredBefore: 2));
        Assert.Null(Judge(Topic("3"), Outcome.Ok(Room), index: 3, answeredBefore: 2));
    }

    [Fact]
    public void What_was_refused_or_changed_nothing_follows_from_a_state_of_its_entry()
    {
        Entry(Commit(Create("1")), Commit(Join("2")));
        Assert.Null(Judge(Join("3"), Outcome.Ok(Room), index: 2, answeredBefore: 1));
        Assert.Null(Judge(new UpdateRoom(Id("4"), "bob", 0, Room, Topic: "his"), Refused(RefusalCodes.NotMember), index: 2, answeredBefore: 1)); // Between the two records.
        Assert.Null(Judge(new UpdateRoom(Id("5"), "bob", 0, Room, Topic: "his"), Refused(RefusalCodes.Forbidden), index: 2, answeredBefore: 2));
    }

    [Fact]
    public void An_acknowledged_command_that_is_not_in_the_log_is_found()
    {
        Entry(Commit(Create("1")));
        Assert.Contains("neither stands in the log nor follows", Judge(Join("2"), Outcome.Ok(Room), index: 2), StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_that_stands_there_twice_is_found()
    {
        Entry(Commit(Create("1")));
        Entry(Commit(Topic("2")));
        Assert.Contains("and again in entry 4", Entry(_made[Id("2")]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_that_nobody_called_is_found()
    {
        Entry(Commit(Create("1")));
        var stray = Commit(Topic("2"), isCalled: false);
        Assert.Contains("was never called", Entry(stray), StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_command_that_was_carried_out_is_found()
    {
        Entry(Commit(Create("1")));
        Entry(Commit(Topic("2")));
        Assert.Contains("was carried out in entry 3", Judge(Topic("2"), Refused(RefusalCodes.Forbidden), index: 3), StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_out_of_what_was_before_the_call_is_found()
    {
        Entry(Commit(Create("1")));
        Entry(Commit(Join("2")));
        Entry(Commit(Topic("3")));
        var leave = new LeaveRoom(Id("4"), "bob", 0, Room);
        Assert.Contains("nor follows from any state since entry 3", Judge(leave, Refused(RefusalCodes.NotMember), index: 4, answeredBefore: 3), StringComparison.Ordinal);
        Assert.Null(Judge(leave, Refused(RefusalCodes.NotMember), index: 4, answeredBefore: 2)); // It was refused when it came, and told of that later.
    }

    [Fact]
    public void An_answer_before_the_command_was_committed_is_found()
    {
        Entry(Commit(Create("1")));
        Entry(Commit(Topic("2")));
        Assert.Contains("before it was carried out in entry 3", Judge(Topic("2"), Outcome.Ok(Room), index: 2), StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_out_of_the_order_of_time_is_found()
    {
        Entry(Commit(Create("1")));
        Entry(Commit(Topic("2")));
        Assert.Contains("though entry 3 was answered before", Judge(Topic("2"), Outcome.Ok(Room), index: 3, answeredBefore: 3), StringComparison.Ordinal);
    }

    [Fact]
    public void A_term_behind_a_later_one_and_a_hole_are_found()
    {
        Assert.Null(Entry(term: 7, Commit(Create("1"))));
        Assert.Contains("of term 6 stands behind one of term 7", Entry(term: 6, Commit(Topic("2"))), StringComparison.Ordinal);
    }

    private static string Id(string id) => LogAudit.IdPrefix + id;

    private static CreateRoom Create(string id) => new(Id(id), "ann", 0, Room, Room, null, RoomVisibility.Public, null, "");

    private static JoinRoom Join(string id) => new(Id(id), "bob", 0, Room);

    private static UpdateRoom Topic(string id) => new(Id(id), "ann", 0, Room, Topic: id);

    private static Outcome Refused(string code) => Outcome.Refused(code, code switch
    {
        RefusalCodes.NotMember => "you are not a member of the room",
        _ => "your role in the room does not allow it",
    });

    private RegistryRecord Commit(Command command, bool isCalled = true)
    {
        if (isCalled)
        {
            _records.Issue(command);
        }

        var record = RegistryMachine.Decide(_state, command, RegistryLimits.None).Record!;
        _state = RegistryMachine.Apply(_state, _state.Index + 1, record);
        return _made[command.CommandId] = record;
    }

    private string? Entry(params RegistryRecord[] records) => Entry(1, records);

    private string? Entry(long term, params RegistryRecord[] records) => _records.Take(new LogEntry(
        _records.Index + 1, term, RegistryEntryCodec.Encode(new RegistryEntry(RegistryEntryCodec.Version, 0, records))));

    private string? Judge(Command command, Outcome outcome, long index, long answeredBefore = 0) => _records.Judge(command, outcome, index, answeredBefore);
}
