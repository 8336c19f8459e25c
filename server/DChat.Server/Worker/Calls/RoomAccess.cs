using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using Room = DChat.Core.Registry.Room;

namespace DChat.Server.Worker.Calls;

/// <summary>A user's way into a room: what the room is, what the user is in it, or why not.</summary>
internal readonly struct RoomAccess
{
    private RoomAccess(Room room, RoomRole role)
    {
        Room = room;
        Role = role;
    }

    private RoomAccess(HubError error) => Error = error;

    /// <summary>Set where <see cref="Error"/> is null.</summary>
    public Room Room { get; } = null!;

    public RoomRole Role { get; }

    public HubError? Error { get; }

    /// <summary>Asks the one table of rights whether the user may do it.</summary>
    /// <param name="now">Unix milliseconds, for mutes.</param>
    public static RoomAccess Check(RegistryState state, string? roomId, string user, RoomAction action, long now)
    {
        if (CheckId(roomId) is { } bad)
        {
            return new RoomAccess(bad);
        }

        var room = state.FindRoom(roomId!);
        return state.Check(room, user, action, now) is { } refusal
            ? new RoomAccess(Describe(refusal))
            : new RoomAccess(room!, state.RoleOf(room!, user));
    }

    /// <summary>Why a text can be no room's id, before it is looked up anywhere; null: it may be one.</summary>
    public static HubError? CheckId(string? roomId) =>
        string.IsNullOrEmpty(roomId) ? new HubError(ErrorCodes.InvalidArgument, "room is missing: give a room's id")
        : RoomTexts.CheckRoomId(roomId) is { } code ? new HubError(code, "a room's id is 1 to 64 characters")
        : null;

    /// <summary>In the registry's words: a room that one may not know of is answered as one that is not there.</summary>
    public static HubError NoSuchRoom { get; } = new(ErrorCodes.NotFound, "no such room");

    private static HubError Describe(string code) => new(code, code switch
    {
        RefusalCodes.NotFound => "no such room",
        RefusalCodes.NotMember => "join the room first",
        RefusalCodes.Banned => "you are banned from this room",
        RefusalCodes.Muted => "you are muted in this room",
        RefusalCodes.Forbidden => "you may not do that in this room",
        _ => "refused",
    });
}
