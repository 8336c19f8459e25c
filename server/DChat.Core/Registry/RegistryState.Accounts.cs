using DChat.Core.Rooms;

namespace DChat.Core.Registry;

public sealed partial class RegistryState
{
    /// <summary>By name, however it is capitalized; closed accounts too.</summary>
    /// <summary>All accounts in order of creation, closed ones included.</summary>
    /// <param name="after">The <see cref="Account.Handle"/> of the last one of the page before; -1: from the beginning.</param>
    public IEnumerable<Account> AllAccounts(int after = -1)
    {
        for (var handle = after + 1; handle < Accounts.Count; handle++)
        {
            yield return Accounts[handle];
        }
    }

    public Account? FindAccount(string name) => FindAccountHandle(name) is { } handle ? Accounts[handle] : null;

    /// <summary>The account with a <see cref="Account.Handle"/> of this process.</summary>
    public Account AccountAt(int handle) => Accounts[handle];

    /// <summary>The empty name is the system's and may do everything.</summary>
    public bool IsAdministrator(string user) => user.Length == 0 || FindAccount(user) is { IsAdmin: true, CanSignIn: true };

    public bool IsSessionEnded(string sessionId) => EndedSessions.Contains(sessionId);

    /// <summary>Whether a token of a session is still good, its own expiry apart.</summary>
    /// <param name="issuedIndex">The log index that the worker had applied when it issued the token. (Not a time: clocks differ.)</param>
    public bool IsSessionAllowed(string user, string sessionId, long issuedIndex) =>
        FindAccount(user) is { CanSignIn: true } account
        && (issuedIndex >= account.TokensValidFrom || (account.ExemptSession is not null && account.ExemptSession == sessionId))
        && !IsSessionEnded(sessionId);

    /// <summary>The named tokens of an account, oldest first; at most <see cref="RegistryLimits.ApiTokensPerUser"/>.</summary>
    public IReadOnlyList<ApiToken> ApiTokensOf(string user) => FindAccount(user)?.Tokens ?? [];

    public ApiToken? FindApiToken(string tokenId) => TokensById.TryGet(tokenId, out var token) ? token : null;

    /// <summary>The account that may sign in with the token, or null.</summary>
    public Account? FindApiTokenAccount(string tokenId, string secretHash) =>
        FindApiToken(tokenId) is { } token && token.SecretHash == secretHash && FindAccount(token.User) is { CanSignIn: true } account ? account : null;

    public Invitation? FindInvitation(string codeHash) => InvitationsByHash.TryGet(codeHash, out var invitation) ? invitation : null;

    /// <summary>All registration codes, newest first; at most <see cref="RegistryBounds.Invitations"/>.</summary>
    public IReadOnlyList<Invitation> Invitations() =>
        [.. InvitationsByHash.Entries().Select(entry => entry.Value).OrderByDescending(code => code.CreatedAt).ThenBy(code => code.CodeHash, StringComparer.Ordinal)];

    /// <summary>A page of all accounts in order of creation.</summary>
    /// <param name="after">The <see cref="Account.Handle"/> of the last one of the page before; -1: from the beginning.</param>
    public IReadOnlyList<Account> AccountsPage(int after, int limit)
    {
        var page = new List<Account>();
        for (var handle = after + 1; handle < Accounts.Count && page.Count < limit; handle++)
        {
            page.Add(Accounts[handle]);
        }

        return page;
    }

    /// <summary>The outcome of a command that was carried out before, or null.</summary>
    public Outcome? FindOutcome(string actor, string commandId, long now) => Outcomes.Find(actor, commandId, now);

    internal int? FindAccountHandle(string name) => AccountsByName.TryGet(UserName.Fold(name), out var handle) ? handle : null;
}
