using System.Text.Json;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Worker.Hub;
using Room = DChat.Core.Registry.Room;

namespace DChat.Server.Worker.Calls;

/// <summary>How the registry's rooms look on the wire to one user.</summary>
internal static class RoomShapes
{
    public static Protocol.Room ToWire(RegistryState state, Room room, string user) => new(
        room.Id,
        room.Name,
        room.IsDirect ? RoomKinds.Direct : RoomKinds.Room,
        room.Topic.Length == 0 ? null : room.Topic,
        room.Visibility == RoomVisibility.Private ? Visibilities.Private : Visibilities.Public,
        room.HasPassword,
        room.Owner,
        RoleName(state.RoleOf(room, user)),
        room.MemberCount,
        room.SlowModeSeconds,
        room.Archived,
        room.CreatedAt,
        state.PeerOf(room, user),
        room.RetentionDays == 0 ? null : room.RetentionDays);

    public static string? RoleName(RoomRole role) => role switch
    {
        RoomRole.Owner => Roles.Owner,
        RoomRole.Moderator => Roles.Moderator,
        RoomRole.Member => Roles.Member,
        RoomRole.Invited => Roles.Invited,
        _ => null,
    };

    /// <summary>A <c>roomChanged</c> event for one user.</summary>
    /// <param name="rev">Where the connection is subscribed by it.</param>
    public static byte[] ChangedFrame(RegistryState state, Room room, string user, long? rev) =>
        HubText.EventFrame(HubEvents.RoomChanged, new RoomChanged(ToWire(state, room, user), rev), static (json, changed) =>
            JsonSerializer.Serialize(json, changed, ProtocolJson.Wire.RoomChanged));
}
