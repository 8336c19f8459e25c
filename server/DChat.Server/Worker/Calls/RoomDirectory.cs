using System.Globalization;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Worker.Peers;
using Room = DChat.Core.Registry.Room;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker.Calls;

/// <summary>
/// Public rooms by activity. Sorted at most once a second, for all who ask: activity is soft state, and a listing is a moment's picture.
/// </summary>
internal sealed class RoomDirectory(RegistryReplica replica, RoomHost host, RoomActivities activities)
{
    private const int SortedForMs = 1_000;

    private readonly Lock gate = new();
    private List<Listed> byActivity = [];
    private long sortedAt = long.MinValue / 2;
    private long sortedIndex = -1;

    public Answer<ListRoomsAnswer> List(string user, string? query, string? after, int limit)
    {
        (long Activity, string Id)? from = null;
        if (after is not null)
        {
            var parts = after.Split('.', 2);
            if (parts.Length != 2 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var activity))
            {
                return new HubError(ErrorCodes.InvalidArgument, "after is the next of the page before");
            }

            from = (activity, parts[1]);
        }

        var state = replica.State;
        var own = state.RoomsOf(user).Where(room => !room.IsDirect && room.Visibility == RoomVisibility.Private)
            .Select(room => new Listed(ActivityOf(room), room));
        var listed = new List<RoomSummary>(limit);
        foreach (var room in Merge(Sorted(state), own))
        {
            if ((from is { } last && (room.Activity, room.Room.Id).CompareTo(last) >= 0) || !Matches(room.Room, query))
            {
                continue;
            }

            // The sorted list may be a second old: what was deleted or hidden since is left out.
            if (state.FindRoom(room.Room.Id) is not { } current || (current.Visibility == RoomVisibility.Private && state.FindMembership(current, user) is null))
            {
                continue;
            }

            if (listed.Count == limit)
            {
                var end = listed[^1];
                return new ListRoomsAnswer(listed, string.Create(CultureInfo.InvariantCulture, $"{end.LastActivityAt}.{end.Id}"));
            }

            listed.Add(new RoomSummary(
                current.Id,
                current.Name,
                current.Topic.Length == 0 ? null : current.Topic,
                current.Visibility == RoomVisibility.Private ? Visibilities.Private : Visibilities.Public,
                current.HasPassword,
                current.MemberCount,
                ActivityAt(current.Id).Online,
                state.FindMembership(current, user) is not null,
                room.Activity));
        }

        return new ListRoomsAnswer(listed);
    }

    private static bool Matches(Room room, string? query) =>
        string.IsNullOrEmpty(query)
        || room.Name.Contains(query, StringComparison.OrdinalIgnoreCase)
        || room.Topic.Contains(query, StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<Listed> Merge(List<Listed> sorted, IEnumerable<Listed> own)
    {
        var mine = own.ToList();
        mine.Sort();
        var at = 0;
        foreach (var room in sorted)
        {
            while (at < mine.Count && mine[at].CompareTo(room) < 0)
            {
                yield return mine[at++];
            }

            yield return room;
        }

        while (at < mine.Count)
        {
            yield return mine[at++];
        }
    }

    private List<Listed> Sorted(RegistryState state)
    {
        lock (gate)
        {
            var now = Environment.TickCount64;
            if (now - sortedAt > SortedForMs || (sortedIndex != state.Index && byActivity.Count < SmallList))
            {
                var rooms = new List<Listed>();
                foreach (var room in state.PublicRooms())
                {
                    rooms.Add(new Listed(ActivityOf(room), room));
                }

                rooms.Sort();
                byActivity = rooms;
                sortedAt = now;
                sortedIndex = state.Index;
            }

            return byActivity;
        }
    }

    private long ActivityOf(Room room) => Math.Max(room.CreatedAt, ActivityAt(room.Id).LastSentAt);

    private (int Online, long LastSentAt) ActivityAt(string room)
    {
        var told = activities.Of(room);
        return host.ActivityOf(room) is { } here ? (here.Online, Math.Max(here.LastSentAt, told.LastSentAt)) : told;
    }

    /// <summary>So few rooms are sorted anew at each change of the registry: a room that was just made is in the list.</summary>
    private const int SmallList = 2_000;

    /// <summary>Most active first.</summary>
    private readonly record struct Listed(long Activity, Room Room) : IComparable<Listed>
    {
        public int CompareTo(Listed other) =>
            other.Activity != Activity ? other.Activity.CompareTo(Activity) : string.CompareOrdinal(other.Room.Id, Room.Id);
    }
}
