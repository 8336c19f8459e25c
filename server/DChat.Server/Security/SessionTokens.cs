using System.Globalization;
using System.Security.Claims;
using DChat.Protocol;
using DChat.Server.Cli;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.Extensions.Options;

namespace DChat.Server.Security;

/// <summary>
/// Makes and reads access and refresh tokens: the framework's bearer tokens, protected by keys from the registry, so that any worker
/// accepts what another has issued. They say who, which session, and at which registry index they were issued.
/// </summary>
public sealed class SessionTokens(IOptionsMonitor<BearerTokenOptions> bearer, ServerOptions options, TimeProvider time)
{
    private const string SessionClaim = "sid";
    private const string IndexClaim = "idx";
    private const int RandomBytes = 16;

    /// <summary>Longer text is no token of ours, in characters.</summary>
    private const int LengthMax = 4_096;

    private BearerTokenOptions Protectors => bearer.Get(BearerTokenDefaults.AuthenticationScheme);

    /// <summary>How long the last token of a session that ends now may still be valid.</summary>
    public TimeSpan SessionLifetime => TimeSpan.FromDays(options.RefreshTokenDays);

    /// <summary>The id of a new session.</summary>
    public static string NewSessionId() => RandomText.Hex(RandomBytes);

    /// <param name="issuedIndex">The index of the registry state in which the right to sign in was checked; not a later one.</param>
    public TokenAnswer Issue(string user, string sessionId, long issuedIndex) => new(
        user,
        IssueAccess(user, sessionId, issuedIndex, TimeSpan.FromSeconds(options.AccessTokenSeconds)),
        Protectors.RefreshTokenProtector.Protect(Ticket(user, sessionId, issuedIndex, SessionLifetime)),
        options.AccessTokenSeconds);

    public string IssueAccess(string user, string sessionId, long issuedIndex, TimeSpan lifetime) =>
        Protectors.BearerTokenProtector.Protect(Ticket(user, sessionId, issuedIndex, lifetime));

    /// <summary>What an access token says, if it is genuine and has not expired; whether the session still stands is another question.</summary>
    public Session? ReadAccess(string token) => Read(Protectors.BearerTokenProtector, token);

    /// <inheritdoc cref="ReadAccess"/>
    public Session? ReadRefresh(string token) => Read(Protectors.RefreshTokenProtector, token);

    private AuthenticationTicket Ticket(string user, string sessionId, long issuedIndex, TimeSpan lifetime)
    {
        var now = time.GetUtcNow();
        var identity = new ClaimsIdentity([
            new Claim(ClaimTypes.Name, user),
            new Claim(SessionClaim, sessionId),
            new Claim(IndexClaim, issuedIndex.ToString(CultureInfo.InvariantCulture)),
        ]);
        return new AuthenticationTicket(
            new ClaimsPrincipal(identity),
            new AuthenticationProperties { IssuedUtc = now, ExpiresUtc = now + lifetime },
            BearerTokenDefaults.AuthenticationScheme);
    }

    private Session? Read(ISecureDataFormat<AuthenticationTicket> protector, string token)
    {
        if (token.Length is 0 or > LengthMax || protector.Unprotect(token) is not { } ticket || ticket.Properties.ExpiresUtc is not { } expires || expires <= time.GetUtcNow())
        {
            return null;
        }

        var principal = ticket.Principal;
        return new Session(
            principal.FindFirstValue(ClaimTypes.Name)!,
            principal.FindFirstValue(SessionClaim)!,
            IsBot: false,
            long.Parse(principal.FindFirstValue(IndexClaim)!, CultureInfo.InvariantCulture),
            expires);
    }
}
