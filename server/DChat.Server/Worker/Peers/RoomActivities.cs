using System.Collections.Concurrent;
using DChat.Server.Coordinator.Workers;

namespace DChat.Server.Worker.Peers;

/// <summary>How many are online in rooms hosted elsewhere, and when each was last active: soft state that their hosts report.</summary>
internal sealed class RoomActivities
{
    private readonly ConcurrentDictionary<string, (int Online, long LastSentAt)> _rooms = new(StringComparer.Ordinal);

    /// <summary>(0, 0) for a room of which nothing was reported.</summary>
    public (int Online, long LastSentAt) Of(string room) => _rooms.GetValueOrDefault(room);

    /// <summary>When a room's newest message was sent, as far as its store or its last host knows.</summary>
    public void Know(string room, long lastSentAt)
    {
        if (lastSentAt > 0)
        {
            _rooms.AddOrUpdate(room, (0, lastSentAt), (_, known) => (known.Online, Math.Max(known.LastSentAt, lastSentAt)));
        }
    }

    /// <summary>Takes what hosts reported.</summary>
    public void Report(IEnumerable<RoomActivity> rooms)
    {
        foreach (var (room, online, lastSentAt) in rooms)
        {
            _rooms[room] = (online, Math.Max(lastSentAt, Of(room).LastSentAt));
        }
    }

    /// <summary>A room is no more.</summary>
    public void Forget(string room) => _rooms.TryRemove(room, out _);

    /// <summary>Some rooms are no more.</summary>
    public void ForgetWhere(Func<string, bool> isDeleted)
    {
        foreach (var room in _rooms.Keys.Where(isDeleted))
        {
            Forget(room);
        }
    }
}
