using DChat.Core.Registry;
using DChat.Core.Rooms;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Core.Tests.Registry;

/// <summary>
/// Histories of commands over few users, rooms and workers, so that they meet: most are carried out, many are refused,
/// some are repeats. A failing history is shrunk by leaving commands out.
/// </summary>
internal static class RandomCommands
{
    public const int Longest = 120;

    private static readonly string[] Users = ["ann", "bob", "cid", "dot", "eve", "admin"];
    private static readonly string[] Rooms = ["r1", "r2", "r3", "r4"];
    private static readonly string[] Workers = ["w1", "w2"];

    private static Gen<string> User => Gen.Elements(Users);

    private static Gen<string> Actor => Gen.Frequency((9, User), (1, Gen.Constant("")));

    private static Gen<string> Room => Gen.Elements(Rooms);

    private static Gen<string> Name => Gen.Elements("Lobby", "lobby", "News", "Käse", " news ", "");

    private static Gen<RoomVisibility> Visibility => Gen.Elements(RoomVisibility.Public, RoomVisibility.Private);

    private static Gen<byte[]?> Password => Gen.Elements<byte[]?>(null, null, [], [7], [8, 9]);

    private static Gen<string?> Reason => Gen.Elements<string?>(null, "spam", "bad\nline");

    private static Gen<int> Small => Gen.Choose(0, 3);

    public static Arbitrary<Command[]> Histories => Arb.From(
        Gen.Choose(1, Longest).SelectMany(length => Gen.ArrayOf(Step, length)).Select(Timed),
        Shrunk);

    /// <summary>Everything has accounts and rooms to begin with, so that short histories mean something.</summary>
    public static readonly Command[] Beginning =
    [
        new CreateAccount("b0", "", 0, "admin", null, [1], Admin: true),
        new CreateAccount("b1", "ann", 0, "ann", null, [1]),
        new CreateAccount("b2", "bob", 0, "bob", "Bob B.", [1]),
        new CreateAccounts("b3", "admin", 0, ["cid", "dot", "eve"]),
        new RegisterWorker("b4", "", 0, "w1", "h1:1", "i0", 1, ["zone=a"], WorkerState.Active),
        new CreateRoom("b5", "ann", 0, "r1", "Lobby", "all", RoomVisibility.Public, null, "w1"),
        new JoinRoom("b6", "bob", 0, "r1"),
    ];

    private static Gen<Command> Step => Gen.Frequency(
        (2, from u in User from a in Actor from admin in Gen.Elements(true, false, false) select (Command)new CreateAccount("", a, 0, u, null, [1], admin)),
        (1, from a in Actor select (Command)new CreateAccounts("", a, 0, Users)),
        (1, from u in User from a in Actor from s in Small select (Command)new ChangePassword("", a, 0, u, [2], $"s{s}")),
        (1, from u in User from a in Actor from n in Name select (Command)new SetDisplayName("", a, 0, u, n)),
        (1, from u in User from a in Actor select (Command)new CloseAccount("", a, 0, u)),
        (1, from u in User from a in Actor from s in Small select (Command)new EndSession("", a, 0, u, $"s{s}", 5_000_000)),
        (1, from u in User from a in Actor select (Command)new GrantRole("", a, 0, u, "admin")),
        (1, from u in User from a in Actor select (Command)new RevokeRole("", a, 0, u, "admin")),
        (1, from u in User from a in Actor from r in Reason select (Command)new DisableAccount("", a, 0, u, r)),
        (1, from u in User from a in Actor select (Command)new EnableAccount("", a, 0, u)),
        (1, from a in Actor from s in Small select (Command)new CreateInvitation("", a, 0, SecretHash.Of($"{s}"), s, 9_000_000)),
        (1, from a in Actor from s in Small select (Command)new RevokeInvitation("", a, 0, SecretHash.Of($"{s}"))),
        (1, from u in User from s in Small select (Command)new CreateAccount("", u, 0, u, null, [1], false, SecretHash.Of($"{s}"))),
        (1, from u in User from a in Actor from s in Small select (Command)new CreateApiToken("", a, 0, u, $"t{s}", "bot", SecretHash.Of($"{s}"))),
        (1, from u in User from a in Actor from s in Small select (Command)new EndApiToken("", a, 0, u, $"t{s}")),
        (4, from a in Actor
            from r in Room
            from n in Name
            from v in Visibility
            from p in Password
            from w in Gen.Elements("", "w1", "w2")
            select (Command)new CreateRoom("", a, 0, r, n, null, v, p, w)),
        (1, from a in Actor from r in Room from n in Name from v in Visibility select (Command)new CreateRoom("", a, 0, r, n, null, v, null, "", Users)),
        (1, from a in Actor from r in Room select (Command)new AddMembers("", a, 0, r, ["ann", "bob", "ann"])),
        (8, from a in Actor from r in Room from v in Gen.Elements<int?>(null, 1, 2) select (Command)new JoinRoom("", a, 0, r, v)),
        (4, from a in Actor from r in Room select (Command)new LeaveRoom("", a, 0, r)),
        (4, UpdateRooms),
        (1, from a in Actor from r in Room select (Command)new DeleteRoom("", a, 0, r)),
        (4, from a in Actor from r in Room from u in User select (Command)new Invite("", a, 0, r, u)),
        (2, from a in Actor from r in Room from u in User from t in Reason select (Command)new Kick("", a, 0, r, u, t)),
        (3, from a in Actor from r in Room from u in User from t in Reason select (Command)new Ban("", a, 0, r, u, t)),
        (2, from a in Actor from r in Room from u in User select (Command)new Unban("", a, 0, r, u)),
        (2, from a in Actor from r in Room from u in User from until in Gen.Elements(0L, 2_000_000, 9_000_000) select (Command)new Mute("", a, 0, r, u, until)),
        (4, from a in Actor from r in Room from u in User from role in Gen.Elements(Enum.GetValues<RoomRole>()) select (Command)new SetRole("", a, 0, r, u, role)),
        (2, from a in Actor from u in User from s in Small select (Command)new OpenDirect("", a, 0, $"d{s}", u, "")),
        (2, from w in Gen.Elements(Workers)
            from i in Small
            from s in Gen.Elements(Enum.GetValues<WorkerState>())
            select (Command)new RegisterWorker("", "", 0, w, $"h-{w}:1", $"i{i}", 1, ["zone=a"], s)),
        (1, from w in Gen.Elements(Workers) from a in Actor from s in Gen.Elements(Enum.GetValues<WorkerState>()) select (Command)new SetWorkerState("", a, 0, w, s)),
        (1, from w in Gen.Elements(Workers) from a in Actor select (Command)new RemoveWorker("", a, 0, w)),
        (2, from w in Gen.Elements(Workers) from a in Actor select (Command)new AssignRooms("", a, 0, w, Rooms)),
        (1, from s in Small select (Command)new AddProtectionKey("", "", 0, $"k{s}", [1], 0, 0, 9)));

    private static Gen<Command> UpdateRooms =>
        from a in Actor
        from r in Room
        from n in Gen.Elements(null, "Lobby", "News", "den")
        from t in Gen.Elements<string?>(null, "", "what we do")
        from v in Gen.Elements<RoomVisibility?>(null, RoomVisibility.Public, RoomVisibility.Private)
        from p in Password
        from s in Gen.Elements<int?>(null, 0, 30)
        from x in Gen.Elements<bool?>(null, null, true, false)
        select (Command)new UpdateRoom("", a, 0, r, n, t, v, p, s, x);

    /// <summary>Gives each its time and its id: a few ids occur twice, and now and then a day passes.</summary>
    private static Command[] Timed(Command[] steps)
    {
        long now = 1_000_000;
        return [.. steps.Select((step, i) => step with { CommandId = $"c{(i % 7 == 6 ? i - 1 : i)}", At = now += i % 50 == 49 ? 90_000_000 : 60_000 })];
    }

    private static IEnumerable<Command[]> Shrunk(Command[] history)
    {
        for (var size = history.Length / 2; size > 0; size /= 2)
        {
            for (var at = 0; at + size <= history.Length; at += size)
            {
                yield return [.. history[..at], .. history[(at + size)..]];
            }
        }
    }
}
