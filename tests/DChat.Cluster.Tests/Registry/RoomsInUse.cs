using System.Globalization;

namespace DChat.Cluster.Tests.Registry;

/// <summary>The few rooms that clients use at a time. Each is given up for a new one after a while, so that its history stays small.</summary>
internal sealed class RoomsInUse(int rooms)
{
    /// <summary>Calls of one room: what the search for their order takes rises with them.</summary>
    private const int CallsMax = 150;

    private readonly Lock _gate = new();
    private readonly (string Room, int Calls)[] _rooms = Enumerable.Repeat(("", CallsMax), rooms).ToArray();
    private int _made;

    /// <param name="isNew">It is the caller's to make.</param>
    public string Next(Random random, out bool isNew)
    {
        lock (_gate)
        {
            ref var slot = ref _rooms[random.Next(_rooms.Length)];
            isNew = slot.Calls >= CallsMax;
            slot = isNew ? (string.Create(CultureInfo.InvariantCulture, $"registry-{_made++}"), 1) : (slot.Room, slot.Calls + 1);
            return slot.Room;
        }
    }
}
