namespace DChat.Core.Rooms;

/// <summary>Roles as the client contract writes them.</summary>
public static class RoleWords
{
    /// <summary>Null for <see cref="RoomRole.None"/>.</summary>
    public static string? TryOf(RoomRole role) => role switch
    {
        RoomRole.Owner => "owner",
        RoomRole.Moderator => "moderator",
        RoomRole.Member => "member",
        RoomRole.Invited => "invited",
        _ => null,
    };

    public static string Of(RoomRole role) => TryOf(role) ?? throw new ArgumentOutOfRangeException(nameof(role), role, "not a role in a room");

    /// <summary>The role that a word names, or null.</summary>
    public static RoomRole? Parse(string? word) => word switch
    {
        "owner" => RoomRole.Owner,
        "moderator" => RoomRole.Moderator,
        "member" => RoomRole.Member,
        "invited" => RoomRole.Invited,
        _ => null,
    };
}
