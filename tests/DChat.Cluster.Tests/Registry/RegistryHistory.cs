using System.Globalization;
using DChat.Cluster.Tests.Linearizability;
using DChat.Core.Registry;

namespace DChat.Cluster.Tests.Registry;

/// <summary>What clients called and were answered, in the order in which each of them called.</summary>
internal sealed class RegistryHistory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Called>> _rooms = new(StringComparer.Ordinal);

    private sealed record Called(int Client, RoomCall Call, long From, long? To, string Output);

    public int Calls { get; private set; }

    public int Unknown { get; private set; }

    public int Rooms => _rooms.Count;

    /// <param name="to">Null: not answered.</param>
    public void Add(int client, RoomCall call, long from, long? to, string output)
    {
        lock (_gate)
        {
            if (!_rooms.TryGetValue(call.Room, out var calls))
            {
                _rooms[call.Room] = calls = [];
            }

            calls.Add(new Called(client, call, from, to, output));
            Calls++;
            Unknown += to is null ? 1 : 0;
        }
    }

    /// <summary>Why a room's calls are not linearizable, of the first such room; null: all are.</summary>
    /// <param name="accounts">The registry before any room was made.</param>
    public string? FindViolation(RegistryState accounts)
    {
        foreach (var (room, calls) in _rooms)
        {
            if (LinearizabilityChecker.FindViolation(new RoomModel(accounts, room), Operations(calls)) is { } violation)
            {
                return string.Create(CultureInfo.InvariantCulture, $"room {room}: {violation}");
            }
        }

        return null;
    }

    /// <summary>A read shows what was at any time since its reader's call before: a replica promises no more than his own doings and not to go back.</summary>
    private static List<Operation<RoomCall>> Operations(List<Called> calls)
    {
        var since = new Dictionary<int, long>();
        var operations = new List<Operation<RoomCall>>(calls.Count);
        foreach (var called in calls)
        {
            var from = called.Call.Command is null ? since.GetValueOrDefault(called.Client) : called.From;
            operations.Add(new Operation<RoomCall>(called.Client, called.Call, from, called.To, called.Output));
            if (called.To is not null)
            {
                since[called.Client] = from;
            }
        }

        return operations;
    }
}
