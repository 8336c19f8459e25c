using DChat.Cluster.Tests.Registry;
using DChat.Core.Registry;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Linearizability;

/// <summary>The checker on histories that a seed makes, of which it is known by other means whether they are right.</summary>
public sealed class RandomHistoryTests(ITestOutputHelper output)
{
    private const string Room = "r";

    private static readonly RoomModel Model = RoomWorld.Model(Room);

    /// <summary>By trying every order of every choice of calls, as the definition says.</summary>
    [Fact]
    public void The_checker_finds_what_trying_every_order_finds()
    {
        var seed = Seed.Print(output);
        var (right, wrong) = (0, 0);
        for (var round = 0; round < LongTests.Pick(3_000, 100_000); round++)
        {
            var history = Few(new Random(seed + round));
            var expected = IsExplained(history, [], Model.Start);
            var violation = LinearizabilityChecker.FindViolation(Model, history);
            Assert.True(expected == violation is null, $"round {round}: {(expected ? "right" : "wrong")}, and the checker says {violation ?? "right"}:\n{string.Join('\n', history)}");
            _ = expected ? right++ : wrong++;
        }

        output.WriteLine($"{right} histories were right, {wrong} wrong");
        Assert.True(right > 100 && wrong > 100);
    }

    [Theory]
    [InlineData(Damage.None)]
    [InlineData(Damage.Lost)]
    [InlineData(Damage.Twice)]
    [InlineData(Damage.Refused)]
    [InlineData(Damage.DecidedOnThePast)]
    public void Long_runs_are_right_and_what_damages_one_is_found(Damage damage)
    {
        var seed = Seed.Print(output);
        for (var round = 0; round < LongTests.Pick(20, 500); round++)
        {
            var history = new ManyCalls(new Random(seed + round), Model, Room).Make(damage);
            var violation = LinearizabilityChecker.FindViolation(Model, history);
            Assert.True(damage == Damage.None == violation is null, $"round {round}, {history.Count} calls: {violation ?? "nothing was found"}");
        }
    }

    /// <summary>Seven calls of three users in a room that is there, of which some are answered what they would not be.</summary>
    private static List<Operation<RoomCall>> Few(Random random)
    {
        var commands = new RandomCommands(random, [.. RoomWorld.Users.Take(3)]);
        var history = new List<Operation<RoomCall>> { Call(0, commands.Create("", "ann", Room), 0, 1, "ok r") };
        var (state, _) = Model.Step(Model.Start, history[0].Input);
        var clock = new long[3];
        for (var i = 0; i < 6; i++)
        {
            var client = random.Next(3);
            var input = random.Next(3) == 0 ? new RoomCall(Room, null) : RoomCall.Of(commands.Next("", RoomWorld.Users[client], Room));
            var from = Math.Max(clock[client], random.Next(2, 12)) + 1;
            var to = from + random.Next(1, 10);
            clock[client] = to;
            var (after, told) = Model.Step(state, input);
            state = random.Next(8) == 0 ? state : after; // Forgotten.
            history.Add(new Operation<RoomCall>(client, input, from, random.Next(5) == 0 ? null : to, told));
        }

        return history;
    }

    private static Operation<RoomCall> Call(int client, Command command, long from, long? to, string told) => new(client, RoomCall.Of(command), from, to, told);

    private static bool IsExplained(List<Operation<RoomCall>> history, List<int> order, RegistryState state)
    {
        if (!history.Where((operation, call) => operation.To is not null && !order.Contains(call)).Any())
        {
            return true;
        }

        var earliestAnswer = history.Where((operation, call) => operation.To is not null && !order.Contains(call)).Min(operation => operation.To!.Value);
        for (var call = 0; call < history.Count; call++)
        {
            var isInTurn = !history.Take(call).Where((other, at) => other.Client == history[call].Client && other.To is not null && !order.Contains(at)).Any();
            if (isInTurn && !order.Contains(call) && history[call].From <= earliestAnswer)
            {
                var (after, told) = Model.Step(state, history[call].Input);
                if ((history[call].To is null || told == history[call].Output) && IsExplained(history, [.. order, call], after))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
