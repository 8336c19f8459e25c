namespace DChat.Protocol;

/// <summary>
/// The stable codes of expected failures. A failed hub call carries one in its <c>HubException</c>
/// (<see cref="HubError"/>), a failed HTTP call in the <c>code</c> of its problem document.
/// Only <see cref="Unavailable"/> and <see cref="RateLimited"/> are worth a retry, with the same <c>clientId</c>.
/// </summary>
public static class ErrorCodes
{
    public const string NotSignedIn = "not_signed_in";
    public const string NotMember = "not_member";

    /// <summary>There is no such thing, or it is something that the caller may not know of.</summary>
    public const string NotFound = "not_found";
    public const string Forbidden = "forbidden";
    public const string WrongPassword = "wrong_password";
    public const string Banned = "banned";
    public const string Muted = "muted";
    public const string RoomTaken = "room_taken";
    public const string InvalidArgument = "invalid_argument";
    public const string TooLarge = "too_large";

    /// <summary>Carries <c>retryAfterMs</c>.</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>Carries <c>retryAfterMs</c>.</summary>
    public const string SlowMode = "slow_mode";
    public const string Unavailable = "unavailable";

    // HTTP only.
    public const string UserTaken = "user_taken";
    public const string InvalidUser = "invalid_user";
    public const string WeakPassword = "weak_password";
    public const string RegistrationClosed = "registration_closed";
    public const string BadCredentials = "bad_credentials";
    public const string BadToken = "bad_token";
    public const string SkipNegotiation = "skip_negotiation";

    /// <summary>Whether a call that failed with <paramref name="code"/> may be repeated, with the same <c>clientId</c>.</summary>
    public static bool IsRetryable(string code) => code is Unavailable or RateLimited;
}
