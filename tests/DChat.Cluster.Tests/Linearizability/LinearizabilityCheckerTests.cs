using DChat.Cluster.Tests.Registry;
using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Cluster.Tests.Linearizability;

/// <summary>Histories of one room that are known to be right, and such that are known to be wrong.</summary>
public sealed class LinearizabilityCheckerTests
{
    private const string Room = "r";
    private const string Made = "ok r";
    private const string Done = "ok";

    private readonly List<Operation<RoomCall>> _history = [];

    [Fact]
    public void Calls_one_after_the_other_are_right()
    {
        Call("ann", 0, 1, Create(), Made);
        Call("bob", 2, 3, Join(), Made);
        Call("ann", 4, 5, Topic("tea"), Made);
        Read("cas", 6, 7, "'r' 'tea' slow 0: ann=Owner bob=Member");
        Right();
    }

    [Fact]
    public void Calls_at_once_may_take_effect_in_any_order()
    {
        Call("ann", 0, 1, Create(), Made);
        Call("bob", 2, 9, Join(), Made);
        Call("bob", 10, 11, Topic("tea"), RefusalCodes.Forbidden);
        Call("ann", 3, 8, SetRole("bob", RoomRole.Moderator), Done);
        Call("ann", 9, 12, SetRole("bob", RoomRole.Member), Done);
        Read("cas", 3, 12, "'r' '' slow 0: ann=Owner bob=Moderator");
        Right();
    }

    [Fact]
    public void What_was_not_answered_may_take_effect_long_after()
    {
        Call("ann", 0, 1, Create(), Made);
        Unknown("bob", 2, Join());
        Read("cas", 3, 4, "'r' '' slow 0: ann=Owner");
        Call("bob", 5, 6, Leave(), RefusalCodes.NotMember);
        Read("cas", 7, 8, "'r' '' slow 0: ann=Owner bob=Member");
        Right();
    }

    [Fact]
    public void What_was_not_answered_may_never_take_effect()
    {
        Call("ann", 0, 1, Create(), Made);
        Unknown("bob", 2, Join());
        Unknown("ann", 2, Topic("tea"));
        Read("cas", 300, 301, "'r' '' slow 0: ann=Owner");
        Right();
    }

    [Fact]
    public void A_replica_may_show_what_was_as_long_as_its_reader_sees_his_own_doings()
    {
        Call("ann", 0, 1, Create(), Made);
        Call("bob", 2, 3, Join(), Made);
        Call("ann", 4, 5, Topic("tea"), Made);
        Read("bob", 2, 7, "'r' '' slow 0: ann=Owner bob=Member");
        Right();
    }

    [Fact]
    public void An_acknowledged_command_that_is_lost_is_found()
    {
        Call("ann", 0, 1, Create(), Made);
        Call("bob", 2, 3, Join(), Made);
        Read("cas", 4, 5, "'r' '' slow 0: ann=Owner");
        Wrong();
    }

    [Fact]
    public void An_effect_that_comes_twice_is_found()
    {
        Call("ann", 0, 1, Create(), Made);
        Call("ann", 2, 3, Topic("tea"), Made);
        Call("ann", 4, 5, Topic("milk"), Made);
        Read("cas", 6, 7, "'r' 'milk' slow 0: ann=Owner");
        Read("cas", 8, 9, "'r' 'tea' slow 0: ann=Owner");
        Wrong();
    }

    [Fact]
    public void Even_what_was_not_answered_takes_effect_once_at_most()
    {
        Call("ann", 0, 1, Create(), Made);
        Unknown("bob", 2, Join());
        Read("cas", 3, 4, "'r' '' slow 0: ann=Owner bob=Member");
        Call("bob", 5, 6, Leave(), Done);
        Read("cas", 7, 8, "'r' '' slow 0: ann=Owner bob=Member");
        Wrong();
    }

    [Fact]
    public void Whoever_does_not_see_his_own_doings_is_found()
    {
        Call("ann", 0, 1, Create(), Made);
        Call("bob", 2, 3, Join(), Made);
        Read("bob", 2, 5, "'r' '' slow 0: ann=Owner");
        Wrong();
    }

    [Fact]
    public void Whoever_is_taken_back_in_what_he_sees_is_found()
    {
        Call("ann", 0, 1, Create(), Made);
        Call("ann", 2, 3, Topic("tea"), Made);
        Read("bob", 0, 5, "'r' 'tea' slow 0: ann=Owner");
        Read("bob", 0, 7, "'r' '' slow 0: ann=Owner");
        Wrong();
    }

    [Fact]
    public void An_answer_that_speaks_of_what_is_called_later_is_found()
    {
        Call("bob", 0, 1, Join(), Made);
        Call("ann", 2, 3, Create(), Made);
        Wrong();
    }

    [Fact]
    public void An_effect_of_what_was_refused_is_found()
    {
        Call("ann", 0, 1, Create(), Made);
        Call("bob", 2, 3, Join(), Made);
        Call("bob", 4, 5, Topic("tea"), RefusalCodes.Forbidden);
        Read("cas", 6, 7, "'r' 'tea' slow 0: ann=Owner bob=Member");
        Wrong();
    }

    [Fact]
    public void A_refusal_by_somebody_who_knows_only_what_was_is_found()
    {
        Call("ann", 0, 1, Create(), Made);
        Call("bob", 2, 3, Join(), Made);
        Call("bob", 4, 5, Leave(), RefusalCodes.NotMember);
        Wrong();
    }

    [Fact]
    public void What_is_too_much_to_look_at_is_said_to_be()
    {
        Call("ann", 0, 1, Create(), Made);
        for (var i = 0; i < 20; i++)
        {
            Unknown("ann", 2, Topic($"{i}"));
        }

        Read("cas", 3, 4, "'r' 'none of them' slow 0: ann=Owner");
        var told = Assert.Throws<SearchExceededException>(() => LinearizabilityChecker.FindViolation(RoomWorld.Model(Room), _history, configurationsMax: 1_000));
        Assert.Contains("22 calls", told.Message, StringComparison.Ordinal);
        Assert.Contains("1000 configurations", told.Message, StringComparison.Ordinal);
    }

    private static CreateRoom Create() => new("", "", 0, Room, Room, null, RoomVisibility.Public, null, "");

    private static JoinRoom Join() => new("", "", 0, Room);

    private static LeaveRoom Leave() => new("", "", 0, Room);

    private static UpdateRoom Topic(string topic) => new("", "", 0, Room, Topic: topic);

    private static SetRole SetRole(string user, RoomRole role) => new("", "", 0, Room, user, role);

    private void Call(string user, long from, long to, Command command, string answer) => Add(user, from, to, command with { Actor = user }, answer);

    private void Unknown(string user, long from, Command command) => Add(user, from, null, command with { Actor = user }, "");

    private void Read(string user, long from, long to, string seen) => Add(user, from, to, null, seen);

    private void Add(string user, long from, long? to, Command? command, string output) =>
        _history.Add(new Operation<RoomCall>(RoomWorld.Users.IndexOf(user), new RoomCall(Room, command), from, to, output));

    private void Right() => Assert.Null(LinearizabilityChecker.FindViolation(RoomWorld.Model(Room), _history));

    private void Wrong() => Assert.StartsWith("no order explains", LinearizabilityChecker.FindViolation(RoomWorld.Model(Room), _history), StringComparison.Ordinal);
}
