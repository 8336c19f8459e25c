using DChat.Core.Rooms;

namespace DChat.Core.Registry;

public sealed record RoomCreated(string Room, string Name, string Topic, RoomVisibility Visibility, byte[]? PasswordHash, string Owner, string Worker, long Epoch) : RegistryEvent;

/// <param name="User">Who opened it.</param>
/// <param name="Peer">The other one; the same in a room with oneself.</param>
public sealed record DirectOpened(string Room, string User, string Peer, string Worker, long Epoch) : RegistryEvent;

/// <summary>Null: unchanged.</summary>
/// <param name="PasswordHash">Empty: removed.</param>
public sealed record RoomUpdated(string Room, string? Name, string? Topic, RoomVisibility? Visibility, byte[]? PasswordHash, int? SlowModeSeconds, bool? Archived, int? RetentionDays = null) : RegistryEvent;

/// <summary>The room and all its memberships, bans and invitations are gone.</summary>
public sealed record RoomDeleted(string Room) : RegistryEvent;

/// <summary>An invitation that there was is used up.</summary>
public sealed record MemberJoined(string Room, string User) : RegistryEvent;

/// <summary>Many at once, without notices.</summary>
public sealed record MembersJoined(string Room, IReadOnlyList<string> Users) : RegistryEvent;

/// <summary>Somebody left or was removed. When it was the last one, the invitations to the room are void.</summary>
/// <param name="Text">The reason given; null: none.</param>
public sealed record MemberLeft(string Room, string User, LeaveReason Reason, string? Text = null) : RegistryEvent;

public enum LeaveReason : byte
{
    Left = 0,
    Kicked = 1,
    Banned = 2,
}

public sealed record RoleChanged(string Room, string User, RoomRole Role) : RegistryEvent;

/// <param name="Until">0: the mute ended.</param>
public sealed record Muted(string Room, string User, long Until) : RegistryEvent;

public sealed record Invited(string Room, string User) : RegistryEvent;

public sealed record InvitationWithdrawn(string Room, string User) : RegistryEvent;

public sealed record Banned(string Room, string User, string? Reason) : RegistryEvent;

public sealed record Unbanned(string Room, string User) : RegistryEvent;
