using DChat.Core.Rooms;

namespace DChat.Core.Registry;

/// <summary>Makes a room owned by the actor. Result: its id.</summary>
/// <param name="RoomId">Random, never used before.</param>
/// <param name="PasswordHash">Null: no password.</param>
/// <param name="Worker">The host; empty: none yet. The leader chooses it: until then it is the worker on which the room is made.</param>
/// <param name="InitialMembers">For administrators: accounts that are members from the start, at most <see cref="RegistryBounds.BulkNames"/>. The first is the owner where the system makes the room.</param>
public sealed record CreateRoom(string CommandId, string Actor, long At, string RoomId, string Name, string? Topic, RoomVisibility Visibility, byte[]? PasswordHash, string Worker, IReadOnlyList<string>? InitialMembers = null)
    : Command(CommandId, Actor, At);

/// <summary>Makes accounts members of a room without asking anybody, for administrators. Result: how many were added.</summary>
/// <param name="Users">At most <see cref="RegistryBounds.BulkNames"/>.</param>
public sealed record AddMembers(string CommandId, string Actor, long At, string Room, IReadOnlyList<string> Users)
    : Command(CommandId, Actor, At);

/// <summary>Joins a room by its id. Result: the id.</summary>
/// <param name="VerifiedPasswordVersion">The <see cref="Room.PasswordVersion"/> of the hash against which the gateway verified the password; null: none was given.</param>
public sealed record JoinRoom(string CommandId, string Actor, long At, string Room, int? VerifiedPasswordVersion = null)
    : Command(CommandId, Actor, At);

/// <summary>Leaves a room, or declines the invitation to it.</summary>
public sealed record LeaveRoom(string CommandId, string Actor, long At, string Room)
    : Command(CommandId, Actor, At);

/// <summary>Changes settings; null leaves one as it is.</summary>
/// <param name="Topic">Empty clears it.</param>
/// <param name="PasswordHash">An empty array removes the password.</param>
/// <param name="RetentionDays">0 to <see cref="RegistryBounds.RetentionDays"/>; 0: as the server keeps messages.</param>
public sealed record UpdateRoom(
    string CommandId,
    string Actor,
    long At,
    string Room,
    string? Name = null,
    string? Topic = null,
    RoomVisibility? Visibility = null,
    byte[]? PasswordHash = null,
    int? SlowModeSeconds = null,
    bool? Archived = null,
    int? RetentionDays = null) : Command(CommandId, Actor, At);

public sealed record DeleteRoom(string CommandId, string Actor, long At, string Room)
    : Command(CommandId, Actor, At);

public sealed record Invite(string CommandId, string Actor, long At, string Room, string User)
    : Command(CommandId, Actor, At);

public sealed record Kick(string CommandId, string Actor, long At, string Room, string User, string? Reason = null)
    : Command(CommandId, Actor, At);

public sealed record Ban(string CommandId, string Actor, long At, string Room, string User, string? Reason = null)
    : Command(CommandId, Actor, At);

public sealed record Unban(string CommandId, string Actor, long At, string Room, string User)
    : Command(CommandId, Actor, At);

/// <summary>Mutes a member. A mute outlives leaving and joining again.</summary>
/// <param name="Until">Unix milliseconds; 0 ends it.</param>
public sealed record Mute(string CommandId, string Actor, long At, string Room, string User, long Until, string? Reason = null)
    : Command(CommandId, Actor, At);

/// <param name="Role">Owner, moderator or member.</param>
public sealed record SetRole(string CommandId, string Actor, long At, string Room, string User, RoomRole Role)
    : Command(CommandId, Actor, At);

/// <summary>The direct room of the actor and another user (or the actor alone). Result: its id, old or new.</summary>
/// <param name="RoomId">Taken where there is none yet.</param>
/// <param name="Worker">As of <see cref="CreateRoom"/>.</param>
public sealed record OpenDirect(string CommandId, string Actor, long At, string RoomId, string User, string Worker)
    : Command(CommandId, Actor, At);
