using DChat.Server.Coordinator;

namespace DChat.Server.Security;

/// <summary>Says who stands behind a bearer token, for HTTP and for the hub alike.</summary>
public sealed class SessionAuthenticator(SessionTokens tokens, RegistryReplica replica)
{
    /// <summary>How long the replica may take to reach the index at which a token was issued.</summary>
    private static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(2);

    /// <returns>Null where the token is not genuine, has expired, or its session has ended.</returns>
    /// <exception cref="TimeoutException">This worker's registry is behind the one that issued the token; a repeat may succeed.</exception>
    public ValueTask<Session?> AuthenticateAsync(string? token, CancellationToken cancellation)
    {
        if (string.IsNullOrEmpty(token))
        {
            return default;
        }

        return Known(BotTokens.IsOne(token) ? BotTokens.Read(replica.State, token) : tokens.ReadAccess(token), cancellation);
    }

    /// <summary>Whose session a refresh token goes on with, and the index of the registry state in which that was checked.</summary>
    /// <inheritdoc cref="AuthenticateAsync"/>
    public async ValueTask<(Session Session, long Index)?> AuthenticateRefreshAsync(string? token, CancellationToken cancellation)
    {
        if (string.IsNullOrEmpty(token) || tokens.ReadRefresh(token) is not { } session)
        {
            return null;
        }

        await CatchUpAsync(session, cancellation);
        var state = replica.State;
        return session.IsAllowedBy(state) ? (session, state.Index) : null;
    }

    private ValueTask<Session?> Known(Session? session, CancellationToken cancellation)
    {
        if (session is null || session.IssuedIndex <= replica.State.Index)
        {
            return new(session is not null && session.IsAllowedBy(replica.State) ? session : null);
        }

        return LaterAsync(session, cancellation);
    }

    private async ValueTask<Session?> LaterAsync(Session session, CancellationToken cancellation)
    {
        await CatchUpAsync(session, cancellation);
        return session.IsAllowedBy(replica.State) ? session : null;
    }

    private async Task CatchUpAsync(Session session, CancellationToken cancellation)
    {
        if (!await replica.WaitForAsync(session.IssuedIndex, CatchUp, cancellation))
        {
            throw new TimeoutException($"this worker's registry has not reached index {session.IssuedIndex}");
        }
    }
}
