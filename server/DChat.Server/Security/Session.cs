using DChat.Core.Registry;

namespace DChat.Server.Security;

/// <summary>Who is signed in, by which session or bot token.</summary>
/// <param name="User">The account's name, lower case.</param>
/// <param name="SessionId">Of a bot: the id of its token.</param>
/// <param name="IsBot">It came with a long-lived token, and may not manage the account.</param>
/// <param name="IssuedIndex">The registry index that the issuer had applied; 0 for a bot.</param>
/// <param name="ExpiresAt">When the access token expires; a bot's never does.</param>
public sealed record Session(string User, string SessionId, bool IsBot, long IssuedIndex, DateTimeOffset ExpiresAt)
{
    /// <summary>Whether the session still stands: not ended, the account neither disabled nor closed, its password not changed elsewhere.</summary>
    public bool IsAllowedBy(RegistryState state) => IsBot
        ? state.FindApiToken(SessionId) is { } token && token.User == User && state.FindAccount(User) is { CanSignIn: true }
        : state.IsSessionAllowed(User, SessionId, IssuedIndex);
}
