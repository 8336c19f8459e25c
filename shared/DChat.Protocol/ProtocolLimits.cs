namespace DChat.Protocol;

/// <summary>Limits that the contract itself fixes; every server keeps them, and clients may rely on them.</summary>
public static class ProtocolLimits
{
    public const int UserNameMin = 2;
    public const int UserNameMax = 32;

    /// <summary>In UTF-16 code units.</summary>
    public const int DisplayNameMax = 64;
    public const int PasswordMin = 8;

    /// <summary>Characters; a bound on hashing work.</summary>
    public const int PasswordMax = 256;
    public const int RoomNameMax = 64;

    /// <summary>In Unicode code points.</summary>
    public const int TopicMax = 500;

    /// <summary>In Unicode code points.</summary>
    public const int ReasonMax = 300;

    /// <summary>In Unicode code points.</summary>
    public const int BodyMax = 8_000;
    public const int ClientIdMax = 64;

    /// <summary>In bytes of UTF-8.</summary>
    public const int EmojiBytesMax = 32;

    /// <summary>Different emoji on one message.</summary>
    public const int EmojiPerMessageMax = 20;

    /// <summary>How many names a reaction summary carries.</summary>
    public const int ReactionUsersShown = 10;
    public const int FilesPerMessageMax = 10;
    public const int PageMax = 200;

    /// <summary>Messages in all rooms of one <c>sync</c> answer.</summary>
    public const int SyncMessagesMax = 1_000;

    /// <summary>Bytes of one hub call.</summary>
    public const int HubCallBytesMax = 256 * 1024;

    /// <summary>Bytes of one <c>sync</c> answer.</summary>
    public const int SyncBytesMax = 1024 * 1024;

    /// <summary>Names in the presence of one room; above it only the number.</summary>
    public const int PresenceNamesMax = 500;
    public const int SlowModeSecondsMax = 3_600;

    /// <summary>A year.</summary>
    public const int MuteMinutesMax = 525_600;

    /// <summary>Characters of a search query.</summary>
    public const int SearchQueryMax = 200;
}
