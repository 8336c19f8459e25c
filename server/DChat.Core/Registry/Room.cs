using DChat.Core.Registry.Collections;
using DChat.Core.Rooms;

namespace DChat.Core.Registry;

/// <summary>A room as the registry has it.</summary>
public sealed record Room
{
    /// <summary>Names the room within this process, for arrays; another replica may have another number.</summary>
    public required int Handle { get; init; }

    /// <summary>Random, never used again.</summary>
    public required string Id { get; init; }

    /// <summary>Empty for a direct room.</summary>
    public required string Name { get; init; }
    public required RoomKind Kind { get; init; }

    /// <summary>Empty: none.</summary>
    public string Topic { get; init; } = "";
    public RoomVisibility Visibility { get; init; }

    /// <summary>Null: the room has no password.</summary>
    public byte[]? PasswordHash { get; init; }

    /// <summary>Rises with each change of the password.</summary>
    public int PasswordVersion { get; init; }

    /// <summary>The longest-serving owner; null for a direct room and for one without members.</summary>
    public string? Owner { get; init; }

    /// <summary>The least time between two messages of a plain member; 0: none.</summary>
    public int SlowModeSeconds { get; init; }

    /// <summary>Messages are removed after so many days; 0: as the server keeps them.</summary>
    public int RetentionDays { get; init; }

    /// <summary>Read-only; an empty room is archived, and stays so.</summary>
    public bool Archived { get; init; }

    /// <summary>Unix milliseconds UTC.</summary>
    public required long CreatedAt { get; init; }
    public required string CreatedBy { get; init; }

    /// <summary>The newest notices, oldest first; at most <see cref="RegistryBounds.NoticesPerRoom"/>, or all of the latest entry.</summary>
    public IReadOnlyList<Notice> Notices { get; init; } = [];

    /// <summary>The worker to which it is assigned; empty: none. The fence is <see cref="RegistryState.HostOf(Room)"/>.</summary>
    public string AssignedTo { get; init; } = "";
    public long AssignedEpoch { get; init; }

    public int MemberCount => Members.Count;
    public int BanCount => Bans.Count;
    public int InvitationCount => Invitations.Count;
    public bool HasPassword => PasswordHash is not null;
    public bool IsDirect => Kind == RoomKind.Direct;

    /// <summary>Whether its name may be looked up and may not be taken: a public room that somebody is in, archived or not.</summary>
    internal bool HoldsName => Kind == RoomKind.Room && Visibility == RoomVisibility.Public && Members.Count > 0;

    internal uint NextJoin { get; init; } = 1;
    internal SortedRuns<MemberEntry> Members { get; init; }

    /// <summary>Owners and moderators in join order.</summary>
    internal SortedRuns<MemberEntry> Owners { get; init; }
    internal SortedRuns<MemberEntry> Moderators { get; init; }
    internal SortedRuns<BanEntry> Bans { get; init; }
    internal SortedRuns<MuteEntry> Mutes { get; init; }
    internal SortedRuns<InvitationEntry> Invitations { get; init; }
}

/// <summary>A user in a room.</summary>
/// <param name="Role">Member or higher.</param>
/// <param name="JoinedAt">Unix milliseconds UTC.</param>
/// <param name="MutedUntil">Unix milliseconds; it may have passed; 0: never muted.</param>
/// <param name="Cursor">Of the member in the room's order of joining; greater is later.</param>
public readonly record struct Membership(string User, RoomRole Role, long JoinedAt, long MutedUntil, long Cursor);

public sealed record BanInfo(string User, string By, string? Reason, long At);

/// <summary>A user's invitation to a room.</summary>
public sealed record RoomInvitation(Room Room, string By, long At);
