using System.Collections.Immutable;

namespace DChat.Terminal.Ui;

/// <summary>
/// The order of the rooms on the left. Those in use come first, each part by name, so that a room keeps its place, and
/// its number, while messages come in.
/// </summary>
internal static class RoomOrder
{
    private static readonly long InUse = (long)TimeSpan.FromDays(7).TotalMilliseconds;

    public static ImmutableArray<string> Of(IEnumerable<RoomView> rooms, DateTimeOffset now)
    {
        var since = now.ToUnixTimeMilliseconds() - InUse;
        return
        [
            .. rooms
                .OrderBy(room => room.IsDirect)
                .ThenBy(room => room.Archived)
                .ThenByDescending(room => room.Unread > 0 || room.LastActivity >= since)
                .ThenBy(room => room.Title, StringComparer.OrdinalIgnoreCase)
                .ThenBy(room => room.Id, StringComparer.Ordinal)
                .Select(room => room.Id),
        ];
    }
}
