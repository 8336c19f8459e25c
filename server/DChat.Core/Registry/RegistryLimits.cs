namespace DChat.Core.Registry;

/// <summary>What an operator may set; 0 means no limit.</summary>
/// <param name="Accounts">Accounts in all, closed ones included.</param>
/// <param name="Rooms">Rooms in all, direct rooms included.</param>
/// <param name="RoomsPerUser">Rooms that a user may be in by own doing; as many direct rooms again that a user may open.</param>
/// <param name="MembersPerRoom">Members of one room.</param>
/// <param name="InvitationsPerUser">Invitations to rooms that wait for a user's answer.</param>
/// <param name="InvitationsPerRoom">Invitations to one room that wait for an answer.</param>
/// <param name="ApiTokensPerUser">Named tokens of one account.</param>
public sealed record RegistryLimits(
    int Accounts = 0,
    int Rooms = 0,
    int RoomsPerUser = 1_000,
    int MembersPerRoom = 100_000,
    int InvitationsPerUser = 200,
    int InvitationsPerRoom = 1_000,
    int ApiTokensPerUser = 50)
{
    public static readonly RegistryLimits None = new(0, 0, 0, 0, 0, 0, 0);
}

/// <summary>Bounds that no setting lifts: they keep entries, snapshots and memory small.</summary>
public static class RegistryBounds
{
    /// <summary>Names in one bulk command: so many at their longest fit into one log entry.</summary>
    public const int BulkNames = 10_000;

    /// <summary>Room ids in one <see cref="AssignRooms"/>.</summary>
    public const int BulkRooms = 5_000;

    /// <summary>Rooms that one <see cref="CloseAccount"/> leaves.</summary>
    public const int LeavesPerCommand = 1_000;

    /// <summary>Characters of an id that the caller chose: rooms, sessions, tokens, keys, workers, incarnations.</summary>
    public const int IdLength = 64;

    /// <summary>Bytes of a password's hash.</summary>
    public const int PasswordHashBytes = 256;

    /// <summary>Bytes of one sealed protection key.</summary>
    public const int KeyBytes = 8 * 1024;

    /// <summary>Protection keys that are kept; the oldest is dropped.</summary>
    public const int Keys = 64;

    /// <summary>Uses of one registration code.</summary>
    public const int InvitationUses = 1_000_000;

    /// <summary>Registration codes that are valid at one time.</summary>
    public const int Invitations = 10_000;

    /// <summary>Workers that are registered at one time.</summary>
    public const int Workers = 10_000;

    /// <summary>Characters of an address or of one label; labels of one worker.</summary>
    public const int AddressLength = 256;
    public const int Labels = 16;

    /// <summary>The highest capacity of a worker.</summary>
    public const int Capacity = 1_000_000;

    /// <summary>Bans of one room.</summary>
    public const int BansPerRoom = 100_000;

    /// <summary>Mutes of one room that have not expired.</summary>
    public const int MutesPerRoom = 10_000;

    /// <summary>The slowest slow mode, in seconds.</summary>
    public const int SlowModeSeconds = 3_600;

    /// <summary>A hundred years.</summary>
    public const int RetentionDays = 36_500;

    /// <summary>Lines of the audit trail; the oldest is dropped.</summary>
    public const int AuditLines = 10_000;

    /// <summary>Notices that a room keeps for a host that opens it later; the oldest is dropped.</summary>
    public const int NoticesPerRoom = 8;

    /// <summary>Notices of one entry that a room keeps until its next notice, so that the host that follows the log writes them all.</summary>
    public const int NoticesPerEntry = 256;

    /// <summary>Joining and leaving makes a notice only in rooms with fewer members.</summary>
    public const int JoinNoticeMembers = 100;

    /// <summary>How long an outcome answers repeats, in milliseconds.</summary>
    public const long OutcomeLifetimeMs = 24L * 60 * 60 * 1000;

    /// <summary>
    /// Outcomes of which at least the newest so many are kept; twice as many at most.
    /// Where more commands than that are committed within 24 hours, the oldest repeats are decided anew.
    /// </summary>
    public const int Outcomes = 250_000;

    /// <summary>Ended sessions that are remembered one by one; beyond, ending one ends all of its account.</summary>
    public const int EndedSessions = 1_000_000;

    /// <summary>How often expired sessions are swept out, in milliseconds.</summary>
    public const long SessionSweepMs = 60L * 60 * 1000;
}
