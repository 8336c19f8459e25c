using DChat.Core.Rooms;

namespace DChat.Core.Registry;

internal sealed partial class Ruling
{
    /// <summary>The only server role.</summary>
    public const string AdminRole = "admin";

    private Outcome Rule(CreateAccount c)
    {
        if (UserName.Check(c.User, out var user) is { } badName)
        {
            return Outcome.Refused(badName, "a user name has 2 to 32 of a-z 0-9 _ . -");
        }

        if (RoomTexts.CheckDisplayName(c.DisplayName ?? user, out var displayName) is { } badDisplay)
        {
            return Outcome.Refused(badDisplay, "a display name has 1 to 64 characters on one line");
        }

        if (c.PasswordHash is not null && !IsPasswordHash(c.PasswordHash))
        {
            return Invalid("a password's hash has 1 to 256 bytes");
        }

        if (state.FindAccount(user) is not null)
        {
            return Outcome.Refused(RefusalCodes.UserTaken, "the name is taken");
        }

        var registration = c.Actor == user;
        if (registration ? c.Admin : !IsAdministration)
        {
            return Forbidden("only an administrator makes accounts for others");
        }

        if (Exceeds(state.AccountCount + 1, limits.Accounts))
        {
            return TooMany("the server has as many accounts as it may");
        }

        if (c.InvitationHash is not null)
        {
            if (state.FindInvitation(c.InvitationHash) is not { } invitation || invitation.ExpiresAt <= c.At)
            {
                return Outcome.Refused(RefusalCodes.RegistrationClosed, "the invitation is not valid");
            }

            Add(new InvitationUsed(c.InvitationHash));
        }

        Add(new AccountCreated(user, displayName, c.PasswordHash, c.Admin));
        if (!registration)
        {
            Audit("createAccount", "", user, c.Admin ? AdminRole : "");
        }

        return Outcome.Ok(user);
    }

    private Outcome Rule(CreateAccounts c)
    {
        if (!IsAdministration)
        {
            return Forbidden("only an administrator makes accounts for others");
        }

        if (c.Users.Count is 0 or > RegistryBounds.BulkNames)
        {
            return Invalid($"1 to {RegistryBounds.BulkNames} names at once");
        }

        var users = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in c.Users)
        {
            if (UserName.Check(name, out var user) is { } badName)
            {
                return Outcome.Refused(badName, "a user name has 2 to 32 of a-z 0-9 _ . -");
            }

            if (state.FindAccount(user) is { } existing)
            {
                if (existing.PasswordHash is not null || !existing.CanSignIn)
                {
                    return Outcome.Refused(RefusalCodes.UserTaken, $"the name {user} is taken");
                }
            }
            else if (seen.Add(user))
            {
                users.Add(user);
            }
        }

        if (Exceeds(state.AccountCount + users.Count, limits.Accounts))
        {
            return TooMany("the server has as many accounts as it may");
        }

        if (users.Count > 0)
        {
            Add(new AccountsCreated(users));
            Audit("createAccounts", "", "", $"{users.Count} accounts from {users[0]} to {users[^1]}");
        }

        return Outcome.Done;
    }

    private Outcome Rule(ChangePassword c)
    {
        if (FindManaged(c.User, out var account) is { } refusal)
        {
            return refusal;
        }

        if (!IsPasswordHash(c.PasswordHash) || (c.ExemptSession is not null && !IsId(c.ExemptSession)))
        {
            return Invalid("a password's hash has 1 to 256 bytes, a session's id 1 to 64 characters");
        }

        Add(new PasswordChanged(account.Name, c.PasswordHash));
        Add(new TokensRevoked(account.Name, c.ExemptSession));
        if (c.Actor != account.Name)
        {
            Audit("changePassword", "", account.Name);
        }

        return Outcome.Done;
    }

    private Outcome Rule(SetDisplayName c)
    {
        if (FindManaged(c.User, out var account) is { } refusal)
        {
            return refusal;
        }

        if (RoomTexts.CheckDisplayName(c.DisplayName, out var name) is { } bad)
        {
            return Outcome.Refused(bad, "a display name has 1 to 64 characters on one line");
        }

        if (name != account.DisplayName)
        {
            Add(new DisplayNameChanged(account.Name, name));
        }

        return Outcome.Done;
    }

    private Outcome Rule(CloseAccount c)
    {
        if (state.FindAccount(c.User) is not { } account)
        {
            return NoSuchUser();
        }

        if (c.Actor != account.Name && !IsAdministration)
        {
            return Forbidden("this is somebody else's account");
        }

        if (!account.Closed)
        {
            if (IsLastAdministrator(account))
            {
                return Forbidden("the last administrator stays");
            }

            Add(new AccountClosed(account.Name));
            Audit("closeAccount", "", account.Name);
        }

        var rooms = account.Rooms.After().Select(entry => state.RoomsByHandle[entry.Room]!).Where(room => !room.IsDirect);
        var left = 0;
        foreach (var room in rooms)
        {
            if (left++ == RegistryBounds.LeavesPerCommand)
            {
                return Outcome.Ok("more");
            }

            AddLeaving(room, account, LeaveReason.Left, null);
        }

        return Outcome.Done;
    }

    private Outcome Rule(EndSession c)
    {
        if (state.FindAccount(c.User) is not { } account)
        {
            return NoSuchUser();
        }

        if (c.Actor != account.Name && !IsAdministration)
        {
            return Forbidden("this is somebody else's session");
        }

        if (!IsId(c.SessionId) || c.Until is < 0 or >= TimeMax)
        {
            return Invalid("a session's id has 1 to 64 visible characters");
        }

        if (state.IsSessionEnded(c.SessionId))
        {
            return Outcome.Done;
        }

        Add(state.EndedSessions.Count < RegistryBounds.EndedSessions
            ? new SessionEnded(account.Name, c.SessionId, c.Until)
            : new TokensRevoked(account.Name, null));
        if (c.Actor != account.Name)
        {
            Audit("endSession", "", account.Name);
        }

        return Outcome.Done;
    }

    private Outcome ChangeAdmin(string user, string role, bool admin)
    {
        if (FindSubject(user, out var account) is { } refusal)
        {
            return refusal;
        }

        if (role != AdminRole)
        {
            return Invalid("the only server role is admin");
        }

        if (account.IsAdmin == admin)
        {
            return Outcome.Done;
        }

        if (!admin && IsLastAdministrator(account))
        {
            return Forbidden("the last administrator stays");
        }

        Add(new AdminChanged(account.Name, admin));
        Audit(admin ? "grantRole" : "revokeRole", "", account.Name, role);
        return Outcome.Done;
    }

    private Outcome Rule(DisableAccount c)
    {
        if (FindSubject(c.User, out var account) is { } refusal)
        {
            return refusal;
        }

        if (RoomTexts.CheckReason(c.Reason, out var reason) is { } bad)
        {
            return Outcome.Refused(bad, "a reason has at most 300 characters on one line");
        }

        if (IsLastAdministrator(account))
        {
            return Forbidden("the last administrator stays");
        }

        if (!account.Disabled)
        {
            Add(new AccountDisabled(account.Name));
            Audit("disableAccount", "", account.Name, reason ?? "");
        }

        return Outcome.Done;
    }

    private Outcome Rule(EnableAccount c)
    {
        if (FindSubject(c.User, out var account) is { } refusal)
        {
            return refusal;
        }

        if (account.Disabled)
        {
            Add(new AccountEnabled(account.Name));
            Audit("enableAccount", "", account.Name);
        }

        return Outcome.Done;
    }

    private Outcome Rule(CreateInvitation c)
    {
        if (!IsAdministration)
        {
            return Forbidden("only an administrator makes registration codes");
        }

        if (c.CodeHash.Length != SecretHash.Length || !IsId(c.CodeHash) || c.Uses is < 1 or > RegistryBounds.InvitationUses || c.ExpiresAt <= c.At || c.ExpiresAt >= TimeMax)
        {
            return Invalid("a registration code has a SHA-256, 1 to 1,000,000 uses, and expires in the future");
        }

        if (state.FindInvitation(c.CodeHash) is not null)
        {
            return Invalid("the registration code exists already");
        }

        // Expired ones are dropped when the event is applied, so only the valid ones count.
        if (state.InvitationsByHash.Count >= RegistryBounds.Invitations
            && state.Invitations().Count(code => code.ExpiresAt > c.At) >= RegistryBounds.Invitations)
        {
            return TooMany($"there are {RegistryBounds.Invitations} registration codes already");
        }

        Add(new InvitationCreated(c.CodeHash, c.Uses, c.ExpiresAt));
        Audit("createInvitation", "", "", $"{c.Uses} uses");
        return Outcome.Done;
    }

    private Outcome Rule(RevokeInvitation c)
    {
        if (!IsAdministration)
        {
            return Forbidden("only an administrator ends registration codes");
        }

        if (state.FindInvitation(c.CodeHash) is null)
        {
            return Outcome.Refused(RefusalCodes.NotFound, "no such registration code");
        }

        Add(new InvitationRevoked(c.CodeHash));
        Audit("revokeInvitation", "", "");
        return Outcome.Done;
    }

    private Outcome Rule(CreateApiToken c)
    {
        if (FindManaged(c.User, out var account) is { } refusal)
        {
            return refusal;
        }

        if (!IsId(c.TokenId) || state.FindApiToken(c.TokenId) is not null || c.SecretHash.Length != SecretHash.Length || !IsId(c.SecretHash))
        {
            return Invalid("a token has an id of its own and a SHA-256");
        }

        if (RoomName.Check(c.Name, out var name) is { } badName)
        {
            return Outcome.Refused(badName, "a token's name has 1 to 64 characters on one line");
        }

        if (Exceeds(account.Tokens.Length + 1, limits.ApiTokensPerUser))
        {
            return TooMany($"an account has at most {limits.ApiTokensPerUser} tokens");
        }

        Add(new ApiTokenCreated(account.Name, c.TokenId, name, c.SecretHash));
        return Outcome.Ok(c.TokenId);
    }

    private Outcome Rule(EndApiToken c)
    {
        if (FindManaged(c.User, out var account) is { } refusal)
        {
            return refusal;
        }

        if (state.FindApiToken(c.TokenId) is not { } token || token.User != account.Name)
        {
            return Outcome.Refused(RefusalCodes.NotFound, "no such token");
        }

        Add(new ApiTokenEnded(account.Name, c.TokenId));
        return Outcome.Done;
    }

    /// <summary>An account that the actor may manage: its own, or any for the administration.</summary>
    private Outcome? FindManaged(string user, out Account account)
    {
        account = state.FindAccount(user)!;
        return account is null || account.Closed ? NoSuchUser()
            : command.Actor == account.Name || IsAdministration ? null
            : Forbidden("this is somebody else's account");
    }

    /// <summary>An account on which only the administration acts.</summary>
    private Outcome? FindSubject(string user, out Account account)
    {
        account = state.FindAccount(user)!;
        return !IsAdministration ? Forbidden("only an administrator does that")
            : account is null || account.Closed ? NoSuchUser()
            : null;
    }

    private bool IsLastAdministrator(Account account) => account is { IsAdmin: true, CanSignIn: true } && state.ActiveAdmins == 1;
}
