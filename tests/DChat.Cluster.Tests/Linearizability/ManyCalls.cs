using System.Globalization;
using DChat.Cluster.Tests.Registry;
using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Cluster.Tests.Linearizability;

/// <summary>What a registry that is not right does once in a run.</summary>
public enum Damage
{
    None,

    /// <summary>A command is acknowledged and has no effect.</summary>
    Lost,

    /// <summary>A command that was acknowledged before takes effect again.</summary>
    Twice,

    /// <summary>A command is refused and has its effect.</summary>
    Refused,

    /// <summary>A command is answered by what was decided upon an earlier state, as by a leader that was deposed.</summary>
    DecidedOnThePast,
}

/// <summary>
/// Makes a history out of a run in which one command comes after the other: each call is stretched over its neighbours, so that many seem to
/// have come at once, and some were never answered. What is damaged stands alone between two reads that see all.
/// </summary>
internal sealed class ManyCalls(Random random, RoomModel model, string room)
{
    private const int Calls = 120;
    private const int CallsMax = 20 * Calls;
    private const int Step = 10;

    /// <summary>Who reads between all others.</summary>
    private const int Nobody = -1;

    /// <summary>A call may seem to last so many steps on either side.</summary>
    private const int StretchSteps = 3;

    private readonly List<Operation<RoomCall>> _history = [];
    private readonly List<(RoomCall Input, RegistryState Before)> _past = [];
    private readonly RandomCommands _commands = new(random, RoomWorld.Users);
    private RegistryState _state = model.Start;
    private long _now;
    private int _made;

    public List<Operation<RoomCall>> Make(Damage damage)
    {
        Take(0, RoomCall.Of(_commands.Create(Id(), "ann", room)), isUnknown: false);
        var damaged = damage == Damage.None ? -1 : random.Next(Calls / 2, Calls);
        for (var i = 0; i < Calls || (damaged >= 0 && i < CallsMax); i++)
        {
            if (i >= damaged && damaged >= 0 && TryDamage(damage))
            {
                damaged = -1;
            }

            var client = random.Next(RoomWorld.Users.Length);
            Take(client, NextOf(client), isUnknown: random.Next(15) == 0);
        }

        return damaged < 0 ? Stretched() : throw new InvalidOperationException($"in {CallsMax} calls nothing was found to be damaged by {damage}");
    }

    private string Id() => (++_made).ToString(CultureInfo.InvariantCulture);

    private RoomCall NextOf(int client) => random.Next(4) == 0 ? new RoomCall(room, null) : RoomCall.Of(_commands.Next(Id(), RoomWorld.Users[client], room));

    private void Take(int client, RoomCall input, bool isUnknown)
    {
        _now += Step;
        if (isUnknown)
        {
            // Of those alone that nothing else could be mistaken for; and it has no effect.
            var lost = new UpdateRoom(Id(), RoomWorld.Users[client], 0, room, Topic: $"never {_made}");
            _history.Add(new Operation<RoomCall>(client, RoomCall.Of(lost), _now, null, ""));
            return;
        }

        var (after, told) = model.Step(_state, input);
        if (RoomText.Read(after, room).Contains(" archived", StringComparison.Ordinal))
        {
            return; // In a room that all have left nothing has an effect any more.
        }

        _past.Add((input, _state));
        _state = after;
        _history.Add(new Operation<RoomCall>(client, input, _now, _now, told));
    }

    private bool TryDamage(Damage damage)
    {
        var client = random.Next(RoomWorld.Users.Length);
        var (input, before) = damage == Damage.Twice ? _past[random.Next(_past.Count)] : (NextOf(client), _past[random.Next(_past.Count)].Before);
        if (input.Command is null)
        {
            return false;
        }

        var (after, told) = model.Step(_state, input);
        var hasEffect = RoomText.Read(after, room) != RoomText.Read(_state, room);
        var toldBefore = model.Step(before, input).Output;
        switch (damage)
        {
            case Damage.Lost when hasEffect:
                Alone(client, input, told, _state);
                return true;
            case Damage.Refused when hasEffect:
                Alone(client, input, RefusalCodes.Forbidden, after);
                return true;
            case Damage.Twice when hasEffect:
                ReadAlone();
                _state = after; // Nobody calls.
                ReadAlone();
                return true;
            case Damage.DecidedOnThePast when toldBefore != told:
                Alone(client, input, toldBefore, _state);
                return true;
            default:
                return false;
        }
    }

    private void Alone(int client, RoomCall input, string told, RegistryState after)
    {
        ReadAlone();
        _now += Step;
        _history.Add(new Operation<RoomCall>(client, input, _now, _now, told));
        _state = after;
        ReadAlone();
    }

    /// <summary>Nothing before is answered later, and nothing after is called before.</summary>
    private void ReadAlone()
    {
        _now += Step * (StretchSteps + 2);
        _history.Add(new Operation<RoomCall>(Nobody, new RoomCall(room, null), _now, _now, RoomText.Read(_state, room)));
        _now += Step * (StretchSteps + 2);
    }

    private List<Operation<RoomCall>> Stretched()
    {
        var free = new Dictionary<int, long>();
        var stretched = new List<Operation<RoomCall>>();
        foreach (var (operation, at) in _history.Select((operation, at) => (operation, at)))
        {
            var next = _history.Skip(at + 1).FirstOrDefault(later => later.Client == operation.Client)?.From ?? long.MaxValue;
            var from = Math.Max(operation.From - random.Next(StretchSteps * Step), free.GetValueOrDefault(operation.Client, 0) + 1);
            long? to = operation.To is null ? null : Math.Min(operation.From + random.Next(StretchSteps * Step), next - 1);
            free[operation.Client] = to ?? from;
            stretched.Add(operation.Client == Nobody ? operation : operation with { From = from, To = to });
        }

        return stretched;
    }
}
