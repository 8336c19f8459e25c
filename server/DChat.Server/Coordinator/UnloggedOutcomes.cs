using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Server.Coordinator;

/// <summary>
/// How commands ended lately at this leader that are in no log entry: refused, or without anything to change. A command may come twice, by a standby and directly,
/// when a worker has just found its leader: where its caller has been told of the first to come, the second must not be carried out because rights, or what it
/// would set, have changed in between. (What was carried out stands in the registry by its id.)
/// </summary>
internal sealed class UnloggedOutcomes(TimeProvider time)
{
    /// <summary>How many are kept at most, the latest.</summary>
    public const int Max = 65_536;

    /// <summary>Longer than a command may be on its way by all its ways.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly Dictionary<(string Actor, string Id), Outcome> _outcomes = [];
    private readonly Queue<((string Actor, string Id) Command, long At)> _order = new();

    public int Count => _outcomes.Count;

    /// <summary>How a command ended that came before, or null.</summary>
    public Outcome? Find(Command command)
    {
        Forget();
        return _outcomes.GetValueOrDefault((command.Actor, command.CommandId));
    }

    /// <summary>Notes how a command ended. What was not possible at the moment may be possible at once: its sender repeats it.</summary>
    public void Note(Command command, Outcome outcome)
    {
        if (command.CommandId.Length == 0 || outcome.Error == RefusalCodes.Unavailable)
        {
            return;
        }

        var id = (command.Actor, command.CommandId);
        if (_outcomes.TryAdd(id, outcome))
        {
            _order.Enqueue((id, time.GetTimestamp()));
            Forget();
        }
    }

    private void Forget()
    {
        while (_order.TryPeek(out var oldest) && (_order.Count > Max || time.GetElapsedTime(oldest.At) > Kept))
        {
            _order.Dequeue();
            _outcomes.Remove(oldest.Command);
        }
    }
}
