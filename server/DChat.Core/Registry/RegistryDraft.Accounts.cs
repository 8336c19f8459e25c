namespace DChat.Core.Registry;

internal sealed partial class RegistryDraft
{
    private void AddAccount(string user, string displayName, byte[]? passwordHash, bool admin)
    {
        if (_accountsByName.Contains(user))
        {
            throw Broken($"the account {user} exists");
        }

        var account = new Account
        {
            Handle = _accounts.Count,
            Name = user,
            DisplayName = displayName == user ? user : displayName,
            PasswordHash = passwordHash,
            IsAdmin = admin,
            CreatedAt = _record.At,
        };
        _accounts = _accounts.Append(account, _owner);
        _accountsByName = _accountsByName.Set(user, account.Handle, _owner);
        _activeAdmins += IsActiveAdmin(account);
    }

    private void AddAccounts(AccountsCreated e)
    {
        foreach (var user in e.Users)
        {
            AddAccount(user, user, null, admin: false);
        }
    }

    private void Apply(SessionEnded e)
    {
        if (_record.At >= _nextSessionSweep)
        {
            foreach (var (session, ended) in _endedSessions.Entries().ToList())
            {
                if (ended.Until < _record.At)
                {
                    _endedSessions = _endedSessions.Remove(session, _owner);
                }
            }

            _nextSessionSweep = _record.At + RegistryBounds.SessionSweepMs;
        }

        _endedSessions = _endedSessions.Set(e.SessionId, new RegistryState.EndedSession(AccountOf(e.User).Handle, e.Until), _owner);
    }

    private void Apply(AccountClosed e)
    {
        var account = AccountOf(e.User);
        foreach (var entry in account.Invitations.After())
        {
            var room = _rooms[entry.Handle]!;
            SetRoom(room with { Invitations = room.Invitations.Remove((uint)account.Handle) });
        }

        foreach (var token in account.Tokens)
        {
            _tokensById = _tokensById.Remove(token.Id, _owner);
        }

        SetAccount(account with
        {
            Closed = true,
            PasswordHash = null,
            TokensValidFrom = _index,
            ExemptSession = null,
            Invitations = default,
            Tokens = [],
        });
    }

    private void Apply(InvitationCreated e)
    {
        if (_invitations.Count >= RegistryBounds.Invitations)
        {
            foreach (var (hash, invitation) in _invitations.Entries().ToList())
            {
                if (invitation.ExpiresAt <= _record.At)
                {
                    _invitations = _invitations.Remove(hash, _owner);
                }
            }
        }

        _invitations = _invitations.Set(e.CodeHash, new Invitation(e.CodeHash, e.Uses, e.ExpiresAt, _record.Actor, _record.At), _owner);
    }

    private void Apply(InvitationUsed e)
    {
        if (!_invitations.TryGet(e.CodeHash, out var invitation))
        {
            throw Broken("the registration code is not there");
        }

        _invitations = invitation.UsesLeft == 1
            ? _invitations.Remove(e.CodeHash, _owner)
            : _invitations.Set(e.CodeHash, invitation with { UsesLeft = invitation.UsesLeft - 1 }, _owner);
    }

    private void Apply(ApiTokenCreated e)
    {
        var account = AccountOf(e.User);
        var token = new ApiToken(e.TokenId, account.Name, e.Name, e.SecretHash, _record.At);
        SetAccount(account with { Tokens = [.. account.Tokens, token] });
        _tokensById = _tokensById.Set(token.Id, token, _owner);
    }

    private void Apply(ApiTokenEnded e)
    {
        var account = AccountOf(e.User);
        SetAccount(account with { Tokens = [.. account.Tokens.Where(token => token.Id != e.TokenId)] });
        _tokensById = _tokensById.Remove(e.TokenId, _owner);
    }
}
