using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

/// <summary>An account as the registry has it.</summary>
public sealed record Account
{
    /// <summary>Names the account within this process, for arrays.</summary>
    public required int Handle { get; init; }

    /// <summary>Lower case; never used again.</summary>
    public required string Name { get; init; }
    public required string DisplayName { get; init; }

    /// <summary>Null: no password matches.</summary>
    public byte[]? PasswordHash { get; init; }
    public bool IsAdmin { get; init; }
    public bool Disabled { get; init; }
    public bool Closed { get; init; }

    /// <summary>Unix milliseconds UTC.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>Tokens issued by a replica that had applied less than this log index are void.</summary>
    public long TokensValidFrom { get; init; }

    /// <summary>The session to which <see cref="TokensValidFrom"/> does not apply.</summary>
    public string? ExemptSession { get; init; }

    public bool CanSignIn => !Disabled && !Closed;

    /// <summary>Rooms that the account is a member of, direct rooms included.</summary>
    public int RoomCount => Rooms.Count;
    public int InvitationCount => Invitations.Count;

    internal SortedRuns<RoomEntry> Rooms { get; init; }
    internal SortedRuns<HandleEntry> Invitations { get; init; }
    internal SortedRuns<DirectEntry> Directs { get; init; }
    internal ApiToken[] Tokens { get; init; } = [];
}

/// <summary>A named long-lived token of an account.</summary>
/// <param name="SecretHash"><see cref="Rooms.SecretHash"/> of the token.</param>
public sealed record ApiToken(string Id, string User, string Name, string SecretHash, long CreatedAt);

/// <summary>A registration code.</summary>
/// <param name="CodeHash"><see cref="Rooms.SecretHash"/> of it.</param>
public sealed record Invitation(string CodeHash, int UsesLeft, long ExpiresAt, string CreatedBy, long CreatedAt);
