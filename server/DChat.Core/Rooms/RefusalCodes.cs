namespace DChat.Core.Rooms;

/// <summary>Why something was refused; the words of the client contract.</summary>
public static class RefusalCodes
{
    public const string NotMember = "not_member";

    /// <summary>There is no such thing, or it is something that the caller may not know of.</summary>
    public const string NotFound = "not_found";
    public const string Forbidden = "forbidden";
    public const string WrongPassword = "wrong_password";
    public const string Banned = "banned";
    public const string Muted = "muted";
    public const string RoomTaken = "room_taken";
    public const string InvalidArgument = "invalid_argument";

    /// <summary>A limit on sizes or counts is reached.</summary>
    public const string TooLarge = "too_large";
    public const string Unavailable = "unavailable";
    public const string UserTaken = "user_taken";
    public const string InvalidUser = "invalid_user";
    public const string WeakPassword = "weak_password";
    public const string RegistrationClosed = "registration_closed";
}
